-- The views of the schemas $1, as Postgres keeps them: which of their columns come from which columns is read from the tree.
select
  c.oid,
  n.nspname::text as schema,
  c.relname::text as name,
  r.ev_action::text as definition,
  (
    select json_object_agg(a.attnum, a.attname)
    from pg_catalog.pg_attribute as a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  )::text as columns
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_rewrite as r on r.ev_class = c.oid and r.rulename = '_RETURN'
where c.relkind in ('v', 'm') and n.nspname = any($1::text[])
order by n.nspname, c.relname
