update rowlock.inquiries as inquiry
set attempts = attempts + 1, next_attempt_at = now() + interval '1 minute'
from (
  select object, object_id
  from rowlock.inquiries
  where next_attempt_at <= now()
  order by next_attempt_at
  limit 1
  for update skip locked
) as due
where inquiry.object = due.object and inquiry.object_id = due.object_id
returning inquiry.object, inquiry.object_id, inquiry.attempts, inquiry.noticed_at::text, inquiry.cause
