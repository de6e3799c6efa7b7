select
  state, reason, count(*) as count, min(delivery_id) as example,
  (extract(epoch from min(received_at)) * 1000)::bigint as oldest_at
from rowlock.inbox
where state in ('failed', 'dead')
group by state, reason
order by count(*) desc, state, reason
limit 5
