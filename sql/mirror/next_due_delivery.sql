select delivery_id, body, (extract(epoch from sent_at) * 1000)::bigint as sent_at, attempts
from rowlock.inbox
where state = 'failed' and next_attempt_at <= now() and body is not null
order by next_attempt_at
limit 1
for update skip locked
