select delivery_id, body, (extract(epoch from sent_at) * 1000)::bigint as sent_at, 0 as attempts
from rowlock.inbox
where delivery_id = $1 and state in ('failed', 'dead', 'kept') and body is not null
for update
