select format('%s.%s', n.nspname, c.relname)
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'p')
  and n.nspname not in ('pg_catalog', 'information_schema', 'clerk', 'rowlock')
  and n.nspname not like 'pg\_%'
order by n.nspname <> $1, n.nspname, c.relname
limit 20
