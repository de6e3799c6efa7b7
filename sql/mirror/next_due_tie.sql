select object, object_id, attempts
from rowlock.ties
where next_attempt_at <= now()
order by next_attempt_at
limit 1
for update skip locked
