select schema, kind, count(*) as count, string_agg(name, ', ' order by name) as names
from (
  select
    n.nspname::text as schema,
    case c.relkind when 'v' then 'view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end as kind,
    c.relname::text as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname in ('clerk', 'rowlock') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select n.nspname::text, 'function', p.proname::text
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where n.nspname in ('clerk', 'rowlock')
) as found
group by schema, kind
order by schema, kind desc
