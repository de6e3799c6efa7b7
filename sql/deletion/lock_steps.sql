select step.rule, step.action, step.state, step.rows, step.mark::text as mark, to_jsonb(known) as definition
from rowlock.deletion_steps as step
left join rowlock.deletion_rules as known on known.name = step.rule
where step.deletion_id = $1
order by step.position, step.rule
for update of step
