select cause, count(*) as count, extract(epoch from now() - min(noticed_at))::bigint as oldest_seconds, max(reason) as reason
from rowlock.inquiries
group by cause
order by cause
