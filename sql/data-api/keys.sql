-- Primary keys and both sides of foreign keys, by column number: what a view can pass on.
select
  k.conname::text as name,
  s.side::text as side,
  s.relation,
  n.nspname::text as schema,
  c.relname::text as table,
  array(
    select a.attnum::integer
    from unnest(s.columns) with ordinality as _ (number, position)
    join pg_catalog.pg_attribute as a on a.attrelid = s.relation and a.attnum = number
    order by position
  ) as columns
from pg_catalog.pg_constraint as k
cross join lateral (
  select 'primary' as side, k.conrelid as relation, k.conkey as columns where k.contype = 'p'
  union all
  select 'foreign', k.conrelid, k.conkey where k.contype = 'f'
  union all
  select 'referenced', k.confrelid, k.confkey where k.contype = 'f'
) as s
join pg_catalog.pg_class as c on c.oid = s.relation
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where n.nspname <> 'pg_catalog'
order by s.relation, k.conname, s.side
