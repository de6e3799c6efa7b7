select
  step.deletion_id, step.rule, step.action, step.attempts, deletion.subject_id,
  coalesce(step.mark, date_trunc('second', now()))::text as mark,
  to_jsonb(known) as definition
from rowlock.deletion_steps as step
join rowlock.deletions as deletion on deletion.id = step.deletion_id
left join rowlock.deletion_rules as known on known.name = step.rule
where step.state in ('held', 'failed') and step.next_attempt_at <= now()
order by step.next_attempt_at, step.deletion_id, step.position
limit 1
for update of step skip locked
