select
  count(*) filter (where state = 'failed') as failed,
  count(*) filter (where state = 'dead') as dead,
  (select (extract(epoch from max(received_at)) * 1000)::bigint from rowlock.inbox) as last_received_at
from rowlock.inbox
where state in ('failed', 'dead')
