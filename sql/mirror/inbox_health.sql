select
  waiting.failed, waiting.dead,
  (extract(epoch from newest.received_at) * 1000)::bigint as last_received_at,
  extract(epoch from now() - newest.received_at)::bigint as silent_for_seconds,
  extract(epoch from now() - waiting.overdue_since)::bigint as overdue_for_seconds,
  extract(epoch from now() - waiting.failing_since)::bigint as failing_for_seconds
from (
  select
    count(*) filter (where state = 'failed') as failed,
    count(*) filter (where state = 'dead') as dead,
    min(next_attempt_at) filter (where state = 'failed' and next_attempt_at < now() and body is not null) as overdue_since,
    min(received_at) filter (where state = 'failed') as failing_since
  from rowlock.inbox
  where state in ('failed', 'dead')
) as waiting
cross join (select max(received_at) as received_at from rowlock.inbox) as newest
