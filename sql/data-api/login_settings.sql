-- The `pgrst.*` settings of a login, of this one where none is named; those for this database win over those for all.
select distinct on (x.name) x.name, x.value
from (
  select
    s.setdatabase,
    replace(split_part(c.setting, '=', 1), 'pgrst.', '') as name,
    substr(c.setting, strpos(c.setting, '=') + 1) as value
  from pg_catalog.pg_db_role_setting as s
  cross join lateral unnest(s.setconfig) as c (setting)
  where s.setrole = (select u.oid from pg_catalog.pg_roles as u where u.rolname = coalesce($1, current_user))
    and s.setdatabase in (0, (select d.oid from pg_catalog.pg_database as d where d.datname = current_catalog))
    and c.setting like 'pgrst.%'
) as x
order by x.name, x.setdatabase desc
