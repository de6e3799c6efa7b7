select
  last.work,
  (extract(epoch from last.started_at) * 1000)::bigint as started_at,
  (extract(epoch from last.finished_at) * 1000)::bigint as finished_at,
  last.reason, last.repairs,
  coalesce(found.drift, 0) as drift, coalesce(found.repaired, 0) as repaired, coalesce(found.refused, 0) as refused,
  (
    select (extract(epoch from max(finished_at)) * 1000)::bigint
    from rowlock.runs as succeeded
    where succeeded.work = last.work and succeeded.reason is null
  ) as succeeded_at
from (select distinct on (work) * from rowlock.runs order by work, run_id desc) as last
left join lateral (
  select
    sum(missing + older + different + gone + buried)::bigint as drift, sum(repaired)::bigint as repaired,
    sum(refused)::bigint as refused
  from rowlock.run_objects as object
  where object.run_id = last.run_id
) as found on true
order by last.work
