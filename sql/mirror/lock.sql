select case when writes then pg_advisory_xact_lock(key) else pg_advisory_xact_lock_shared(key) end
from (
  select hashtextextended(object_id, 0) as key, bool_or(writes) as writes
  from unnest($1::text[], $2::boolean[]) as object (object_id, writes)
  group by 1
  order by 1
  offset 0
) as locks
