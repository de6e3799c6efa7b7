-- How large each table of the mirror is, and what Postgres itself estimates of its rows and tombstones.
select
  c.relname::text as name,
  pg_relation_size(c.oid) as bytes,
  greatest(c.reltuples, 0)::bigint as rows,
  (greatest(c.reltuples, 0) * (1 - coalesce(s.null_frac, 1)))::bigint as tombstones
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join pg_catalog.pg_stats as s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = 'deleted_at'
where n.nspname = 'clerk' and c.relkind in ('r', 'p')
