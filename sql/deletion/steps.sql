select
  step.deletion_id, step.rule, step.action, step.state, step.rows, step.attempts, step.reason,
  (extract(epoch from step.next_attempt_at) * 1000)::bigint as next_attempt_at,
  (extract(epoch from step.finished_at) * 1000)::bigint as finished_at
from rowlock.deletion_steps as step
where step.deletion_id = any ($1)
order by step.deletion_id desc, step.position, step.rule
