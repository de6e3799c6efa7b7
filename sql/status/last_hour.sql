select
  count(*) filter (where state = 'applied') as applied,
  count(*) filter (where state = 'stale') as stale,
  count(*) filter (where state = 'kept') as kept,
  count(*) filter (where state = 'failed') as failed,
  count(*) filter (where state = 'dead') as dead,
  (percentile_cont(0.5) within group (order by lag))::bigint as lag_p50,
  (percentile_cont(0.99) within group (order by lag))::bigint as lag_p99
from (
  select
    state,
    case when state in ('applied', 'stale') then extract(epoch from coalesce(settled_at, received_at)) * 1000 - event_at end as lag
  from rowlock.inbox
  where received_at > now() - interval '1 hour'
) as delivery
