with ours as (select oid, nspname from pg_namespace where nspname in ('clerk', 'rowlock'))
select line from (
  select format('column %s.%s.%s %s%s', nspname, relname, attname, format_type(atttypid, atttypmod), case when attnotnull then ' not null' else '' end)
    || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') || coalesce(' acl ' || attacl::text, '') as line
  from pg_attribute join pg_class c on c.oid = attrelid join ours on ours.oid = relnamespace
    left join pg_attrdef d on d.adrelid = attrelid and d.adnum = attnum
  where attnum > 0 and not attisdropped
  union all
  select format('%s %s.%s rls %s acl %s comment %s options %s', relkind, nspname, relname, relrowsecurity, relacl, obj_description(c.oid, 'pg_class'), reloptions)
  from pg_class c join ours on ours.oid = relnamespace
  union all
  select format('index %s', pg_get_indexdef(c.oid)) from pg_class c join ours on ours.oid = relnamespace where relkind = 'i'
  union all
  select format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(p.oid)) from pg_constraint p join ours on ours.oid = connamespace
  union all
  select format('view %s %s', c.oid::regclass, pg_get_viewdef(c.oid)) from pg_class c join ours on ours.oid = relnamespace where relkind = 'v'
  union all
  select format('function %s acl %s comment %s', pg_get_functiondef(p.oid), proacl, obj_description(p.oid, 'pg_proc')) from pg_proc p join ours on ours.oid = pronamespace
  union all
  select format('policy %s.%s %s %s %s %s %s', schemaname, tablename, policyname, roles, cmd, qual, with_check) from pg_policies where schemaname in ('clerk', 'rowlock')
  union all
  select format('trigger %s', pg_get_triggerdef(t.oid)) from pg_trigger t join pg_class c on c.oid = tgrelid join ours on ours.oid = relnamespace where not tgisinternal
  union all
  select format('schema %s acl %s', nspname, nspacl) from pg_namespace where nspname in ('clerk', 'rowlock')
) as described
order by line
