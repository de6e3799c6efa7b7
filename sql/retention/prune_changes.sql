select rowlock.prune_changes($1::bigint * interval '1 second', $2)
