update rowlock.ties
set attempts = attempts + 1, next_attempt_at = now() + $3::bigint * interval '1 millisecond', reason = $4
where object = $1 and object_id = $2
