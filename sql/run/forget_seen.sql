delete from rowlock.seen where object = $1
