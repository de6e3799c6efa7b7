update rowlock.inbox
set
  state = $2,
  reason = $3,
  attempts = $4,
  next_attempt_at = case when $2 = 'failed' then now() + $5::bigint * interval '1 millisecond' end,
  settled_at = case when $2 <> 'failed' then now() end
where delivery_id = $1
