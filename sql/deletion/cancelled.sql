update rowlock.deletions set cancelled_at = now() where id = $1
