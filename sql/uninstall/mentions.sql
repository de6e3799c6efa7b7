-- Functions whose text names Rowlock's schemas: Postgres does not look into them, so they stay and fail when called.
select format('function %s', p.oid::regprocedure) as object
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_language as l on l.oid = p.prolang
where n.nspname not in ('clerk', 'rowlock', 'pg_catalog', 'information_schema')
  and l.lanname in ('sql', 'plpgsql')
  and p.prosqlbody is null
  and p.prosrc ~* '\m(clerk|rowlock)"?\s*\.'
  and not exists (
    select from pg_catalog.pg_depend as d
    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
  )
order by 1
