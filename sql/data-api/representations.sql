-- Implicit casts between a domain and JSON or text: how a column of that domain is shown and understood.
select
  c.castsource::pg_catalog.regtype::text as source,
  c.casttarget::pg_catalog.regtype::text as target,
  n.nspname::text as schema,
  p.proname::text as name
from pg_catalog.pg_cast as c
join pg_catalog.pg_type as s on s.oid = c.castsource
join pg_catalog.pg_type as t on t.oid = c.casttarget
join pg_catalog.pg_proc as p on p.oid = c.castfunc
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
where c.castcontext = 'i'
  and c.castmethod = 'f'
  and pg_catalog.has_function_privilege(c.castfunc, 'execute')
  and (
    (s.typtype = 'd' and t.oid in ('json'::pg_catalog.regtype, 'text'::pg_catalog.regtype))
    or (t.typtype = 'd' and s.oid in ('json'::pg_catalog.regtype, 'text'::pg_catalog.regtype))
  )
