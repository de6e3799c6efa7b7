update rowlock.deletion_steps
set
  attempts = $3, reason = $4,
  state = case when $5::bigint is null then 'dead' else 'failed' end,
  next_attempt_at = now() + $5::bigint * interval '1 millisecond'
where deletion_id = $1 and rule = $2
