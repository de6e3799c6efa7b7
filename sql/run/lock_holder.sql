select
  activity.application_name,
  coalesce(host(activity.client_addr), 'this machine'),
  to_char(activity.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
  activity.pid
from pg_locks
join pg_stat_activity as activity on activity.pid = pg_locks.pid
where pg_locks.locktype = 'advisory'
  and pg_locks.granted
  and pg_locks.database = (select oid from pg_database where datname = current_database())
  and pg_locks.objsubid = 1
  and pg_locks.classid::bigint = $1::bigint >> 32
  and pg_locks.objid::bigint = $1::bigint & 4294967295
