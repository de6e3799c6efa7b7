-- What makes media types in the schemas $1: aggregates over rows, and functions, that return a domain named like one.
with media_types as (
  select t.oid, n.nspname as schema, lower(t.typname) as name
  from pg_catalog.pg_type as t
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
  where t.typtype = 'd' and (t.typname ~* '^[a-z0-9.-]+/[a-z0-9.+-]+$' or t.typname = '*/*')
)
select
  n.nspname::text as schema,
  p.proname::text as name,
  case when a.typname = 'anyelement' then null else an.nspname::text end as target_schema,
  case when a.typname = 'anyelement' then null else a.typname::text end as target_name,
  m.name::text as media_type
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join media_types as m on m.oid = p.prorettype
join pg_catalog.pg_type as a on a.oid = p.proargtypes[0]
join pg_catalog.pg_namespace as an on an.oid = a.typnamespace
where n.nspname = any($1::text[])
  and p.prokind = 'a'
  and p.pronargs = 1
  and (
    a.oid = 'pg_catalog.anyelement'::pg_catalog.regtype
    or exists (select from pg_catalog.pg_class as c where c.reltype = a.oid and c.relkind in ('r', 'v', 'm', 'f', 'p'))
  )
union all
select m.schema::text, m.name::text, n.nspname::text, p.proname::text, m.name::text
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join media_types as m on m.oid = p.prorettype
where n.nspname = any($1::text[]) and p.prokind = 'f' and not p.proretset
