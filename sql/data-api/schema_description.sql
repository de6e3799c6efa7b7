select pg_catalog.obj_description(n.oid, 'pg_namespace') as description
from pg_catalog.pg_namespace as n
where n.nspname = $1::text
