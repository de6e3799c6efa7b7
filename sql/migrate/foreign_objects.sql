-- What stands in schema `clerk` when it is not Rowlock's: nothing, once the mirror's first table is there.
select found.object
from (
  select
    format(
      '%s clerk.%I',
      case c.relkind
        when 'f' then 'foreign table' when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
        else 'table'
      end,
      c.relname
    ) as object,
    c.relkind = 'f' as is_foreign
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'clerk' and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
  union all
  select format('function clerk.%I', p.proname), false
  from pg_catalog.pg_proc as p
  join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = 'clerk'
) as found
where not exists (
  select
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'clerk' and c.relname = 'users' and c.relkind = 'r' and a.attname = 'clerk_updated_at'
)
order by found.is_foreign desc, found.object
