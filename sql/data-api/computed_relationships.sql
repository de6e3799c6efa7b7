-- Functions from a row of one relation to rows of another: relationships that somebody wrote.
select json_build_object(
  'function', json_build_object('schema', n.nspname, 'name', p.proname),
  'table', json_build_object('schema', an.nspname, 'name', a.typname),
  'foreign_table', json_build_object('schema', rn.nspname, 'name', r.typname),
  'to_one', not p.proretset or p.prorows = 1
)::text as relationship
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
join pg_catalog.pg_type as a on a.oid = p.proargtypes[0]
join pg_catalog.pg_namespace as an on an.oid = a.typnamespace
join pg_catalog.pg_type as r on r.oid = p.prorettype
join pg_catalog.pg_namespace as rn on rn.oid = r.typnamespace
where p.pronargs = 1
  and exists (select from pg_catalog.pg_class as c where c.reltype = a.oid and c.relkind in ('r', 'v', 'm', 'f', 'p'))
  and exists (select from pg_catalog.pg_class as c where c.reltype = r.oid and c.relkind in ('r', 'v', 'm', 'f', 'p'))
