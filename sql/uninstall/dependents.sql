-- Everything outside of Rowlock's schemas that would fall with them: policies and defaults that call clerk.* functions,
-- views, foreign keys, triggers, publications.
with recursive falls (classid, objid, objsubid) as (
  select 'pg_catalog.pg_namespace'::regclass::oid, oid, 0
  from pg_catalog.pg_namespace
  where nspname in ('clerk', 'rowlock')
  union
  select next.classid, next.objid, next.objsubid
  from falls
  cross join lateral (
    select d.classid, d.objid, d.objsubid
    from pg_catalog.pg_depend as d
    where d.refclassid = falls.classid and d.refobjid = falls.objid
      and (falls.objsubid = 0 or d.refobjsubid = falls.objsubid)
    union all
    -- A view goes with the rule that makes it.
    select 'pg_catalog.pg_class'::regclass::oid, r.ev_class, 0
    from pg_catalog.pg_rewrite as r
    where falls.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = falls.objid and r.rulename = '_RETURN'
  ) as next
)
select distinct pg_catalog.pg_describe_object(falls.classid, falls.objid, falls.objsubid) as object
from falls
cross join lateral pg_catalog.pg_identify_object_as_address(falls.classid, falls.objid, falls.objsubid) as address
where falls.classid not in (
    'pg_catalog.pg_namespace'::regclass, 'pg_catalog.pg_type'::regclass, 'pg_catalog.pg_default_acl'::regclass
  )
  and not exists (
    select from pg_catalog.pg_rewrite as r
    where falls.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = falls.objid and r.rulename = '_RETURN'
  )
  and not exists (
    select from pg_catalog.pg_trigger as t
    where falls.classid = 'pg_catalog.pg_trigger'::regclass and t.oid = falls.objid and t.tgisinternal
  )
  and (
    address.type like 'publication%'
    or (address.object_names[1] not in ('clerk', 'rowlock') and address.object_names[1] not like 'pg\_toast%')
  )
order by 1
