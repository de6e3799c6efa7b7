select (extract(epoch from received_at) * 1000)::bigint as received_at
from rowlock.inbox
where state in ('applied', 'stale', 'kept')
order by inbox.received_at desc
limit 1
