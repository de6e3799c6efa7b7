select rowlock.erase_bodies($1, $2)
