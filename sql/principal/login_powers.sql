select
  r.rolname::text as role,
  r.rolsuper as is_superuser,
  r.rolbypassrls as bypasses_rls,
  r.rolinherit as inherits,
  r.rolcreaterole or r.rolcreatedb or r.rolreplication as administers,
  exists (select from pg_catalog.pg_class as c where c.relowner = r.oid) as owns_relations,
  (
    select p.rolname::text
    from pg_catalog.pg_roles as p
    where p.oid <> r.oid
      and pg_catalog.pg_has_role(r.oid, p.oid, 'member')
      and (
        p.rolsuper or p.rolbypassrls or p.rolcreaterole or p.rolreplication
        or exists (select from pg_catalog.pg_class as c where c.relowner = p.oid)
      )
    order by p.rolname
    limit 1
  ) as may_become
from pg_catalog.pg_roles as r
where r.rolname = session_user
