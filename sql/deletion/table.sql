select
  c.oid,
  c.relkind in ('r', 'p') as is_table,
  row_security_active(c.oid) as is_filtered,
  has_table_privilege(c.oid, 'select') as may_select,
  has_table_privilege(c.oid, 'update') as may_update,
  has_table_privilege(c.oid, 'delete') as may_delete,
  array(
    select a.attname::text
    from pg_catalog.pg_index as i
    cross join lateral unnest(i.indkey::smallint[]) with ordinality as k (attnum, place)
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = c.oid and i.indisprimary
    order by k.place
  ) as key_columns,
  array(
    select a.attname::text
    from pg_catalog.pg_index as i
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = c.oid and i.indisvalid and i.indpred is null
  ) as indexed_columns
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
