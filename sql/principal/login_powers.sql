select
  r.rolname::text as role,
  r.rolsuper as is_superuser,
  r.rolbypassrls as bypasses_rls,
  r.rolinherit as inherits,
  exists (select from pg_catalog.pg_class as c where c.relowner = r.oid) as owns_relations
from pg_catalog.pg_roles as r
where r.rolname = session_user
