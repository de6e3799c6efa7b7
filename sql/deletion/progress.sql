update rowlock.deletion_steps
set
  action = $3, rows = rows + $4, attempts = 0, reason = null,
  mark = case when $3 = 'soft' then $5::text::timestamptz end,
  state = case when $6 then 'done' else 'held' end,
  next_attempt_at = case when not $6 then next_attempt_at end,
  finished_at = case when $6 then now() end
where deletion_id = $1 and rule = $2
