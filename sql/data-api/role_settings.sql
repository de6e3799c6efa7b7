-- What is set for the roles that this login may become: settings a user may set, and the isolation of their transactions.
select
  r.rolname::text as role,
  split_part(s.setting, '=', 1) as name,
  substr(s.setting, strpos(s.setting, '=') + 1) as value
from pg_catalog.pg_auth_members as m
join pg_catalog.pg_roles as r on r.oid = m.roleid
cross join lateral unnest(r.rolconfig) as s (setting)
join pg_catalog.pg_settings as p on p.name = split_part(s.setting, '=', 1)
where m.member = (select u.oid from pg_catalog.pg_roles as u where u.rolname = current_user)
  and (p.context = 'user' or pg_catalog.has_parameter_privilege(current_user, p.name, 'set'))
order by r.rolname, p.name
