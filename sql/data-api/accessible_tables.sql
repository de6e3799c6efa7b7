-- The relations of schema $1 that the current role may do anything with.
select c.relname::text as name
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1::text
  and c.relkind in ('r', 'v', 'm', 'f', 'p')
  and not c.relispartition
  and (
    pg_catalog.pg_has_role(c.relowner, 'usage')
    or pg_catalog.has_table_privilege(c.oid, 'select, insert, update, delete, truncate, references, trigger')
    or pg_catalog.has_any_column_privilege(c.oid, 'select, insert, update, references')
  )
