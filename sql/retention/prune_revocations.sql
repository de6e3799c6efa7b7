select rowlock.prune_revocations($1::bigint * interval '1 second', $2)
