update rowlock.inquiries as tie
set attempts = attempts + 1, next_attempt_at = now() + interval '1 minute'
from (
  select object, object_id
  from rowlock.inquiries
  where next_attempt_at <= now()
  order by next_attempt_at
  limit 1
  for update skip locked
) as due
where tie.object = due.object and tie.object_id = due.object_id
returning tie.object, tie.object_id, tie.attempts, tie.noticed_at::text
