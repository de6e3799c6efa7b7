-- Everything that decides who may see what, as one JSON document: relations with columns, keys, policies and grants, and functions.
-- System schemas and what extensions own are left out; so are partitions, which the policies of their parent cover only through it.
select jsonb_build_object(
  'relations', coalesce((
    select jsonb_agg(
      jsonb_build_object(
        'schema', n.nspname,
        'name', c.relname,
        'kind', c.relkind::text,
        'owner', pg_get_userbyid(c.relowner),
        'row_security', c.relrowsecurity,
        'forced', c.relforcerowsecurity,
        'security_invoker', coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false),
        'rows', greatest(c.reltuples, 0)::bigint,
        'columns', (
          select coalesce(jsonb_agg(
            jsonb_build_object(
              'name', a.attname,
              'type', format_type(a.atttypid, a.atttypmod),
              'base_type', format_type(case when t.typtype = 'd' then t.typbasetype else a.atttypid end, null),
              'labels', (select coalesce(jsonb_agg(e.enumlabel order by e.enumsortorder), '[]') from pg_enum as e where e.enumtypid = a.atttypid),
              'not_null', a.attnotnull,
              'default', pg_get_expr(d.adbin, d.adrelid),
              'identity', a.attidentity <> '',
              'generated', a.attgenerated <> ''
            ) order by a.attnum
          ), '[]')
          from pg_attribute as a
          join pg_type as t on t.oid = a.atttypid
          left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ),
        'policies', (
          select coalesce(jsonb_agg(
            jsonb_build_object(
              'name', p.polname,
              'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
              'permissive', p.polpermissive,
              'roles', (
                select jsonb_agg(case when member = 0 then 'public' else pg_get_userbyid(member) end order by 1)
                from unnest(p.polroles) as member
              ),
              'using', pg_get_expr(p.polqual, p.polrelid),
              'check', pg_get_expr(p.polwithcheck, p.polrelid)
            ) order by p.polname
          ), '[]')
          from pg_policy as p where p.polrelid = c.oid
        ),
        'grants', (
          select coalesce(jsonb_agg(jsonb_build_object('role', grantee, 'privilege', privilege, 'column', column_name) order by grantee, privilege, column_name), '[]')
          from (
            select case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee) end as grantee,
              lower(acl.privilege_type) as privilege, null::name as column_name
            from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as acl
            where acl.grantee <> c.relowner
            union all
            select case when acl.grantee = 0 then 'public' else pg_get_userbyid(acl.grantee) end, lower(acl.privilege_type), a.attname
            from pg_attribute as a, aclexplode(a.attacl) as acl
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and acl.grantee <> c.relowner
          ) as granted
        ),
        'indexes', (
          select coalesce(jsonb_agg(
            jsonb_build_object(
              'name', ic.relname,
              'columns', (
                select coalesce(jsonb_agg(a.attname order by place), '[]')
                from unnest(i.indkey::int2[]) with ordinality as keys (number, place)
                join pg_attribute as a on a.attrelid = c.oid and a.attnum = number
                where place <= i.indnkeyatts
              ),
              'unique', i.indisunique,
              'partial', i.indpred is not null,
              'expression', i.indexprs is not null
            ) order by ic.relname
          ), '[]')
          from pg_index as i join pg_class as ic on ic.oid = i.indexrelid
          where i.indrelid = c.oid and i.indisvalid
        ),
        'primary_key', (
          select coalesce(jsonb_agg(a.attname order by place), '[]')
          from pg_constraint as k, unnest(k.conkey) with ordinality as keys (number, place)
          join pg_attribute as a on a.attrelid = c.oid and a.attnum = number
          where k.conrelid = c.oid and k.contype = 'p'
        ),
        'foreign_keys', (
          select coalesce(jsonb_agg(
            jsonb_build_object(
              'name', k.conname,
              'columns', (select jsonb_agg(a.attname order by place) from unnest(k.conkey) with ordinality as keys (number, place) join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = number),
              'to_schema', tn.nspname,
              'to_table', tc.relname,
              'to_columns', (select jsonb_agg(a.attname order by place) from unnest(k.confkey) with ordinality as keys (number, place) join pg_attribute as a on a.attrelid = k.confrelid and a.attnum = number)
            ) order by k.conname
          ), '[]')
          from pg_constraint as k
          join pg_class as tc on tc.oid = k.confrelid
          join pg_namespace as tn on tn.oid = tc.relnamespace
          where k.conrelid = c.oid and k.contype = 'f'
        ),
        'checks', (
          select coalesce(jsonb_agg(k.conname || ': ' || pg_get_constraintdef(k.oid) order by k.conname), '[]')
          from pg_constraint as k where k.conrelid = c.oid and k.contype = 'c'
        ),
        'sequences', (
          select coalesce(jsonb_agg(
            jsonb_build_object('name', format('%I.%I', sn.nspname, s.relname), 'usable', has_sequence_privilege('authenticated', s.oid, 'usage'))
            order by s.relname
          ), '[]')
          from pg_depend as d
          join pg_class as s on s.oid = d.objid and s.relkind = 'S'
          join pg_namespace as sn on sn.oid = s.relnamespace
          where d.refobjid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'a'
        )
      ) order by n.nspname, c.relname
    )
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
      and n.nspname !~ '^(pg_|information_schema$)'
      and not exists (select from pg_depend as d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  ), '[]'),
  'functions', coalesce((
    select jsonb_agg(
      jsonb_build_object(
        'schema', n.nspname,
        'name', p.proname,
        'arguments', pg_get_function_identity_arguments(p.oid),
        'security_definer', p.prosecdef,
        'search_path', exists (select from unnest(p.proconfig) as setting where setting like 'search\_path=%'),
        'trigger', p.prorettype = 'trigger'::regtype,
        'source', coalesce(pg_get_function_sqlbody(p.oid), p.prosrc),
        'callable_by', (
          select coalesce(jsonb_agg(role order by role), '[]')
          from unnest(array['anon', 'authenticated']) as role
          where has_function_privilege(role, p.oid, 'execute')
        )
      ) order by n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)
    )
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname !~ '^(pg_|information_schema$)'
      and p.prokind in ('f', 'p')
      and not exists (select from pg_depend as d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
  ), '[]'),
  'schemas', coalesce((
    select jsonb_object_agg(
      n.nspname,
      (
        select coalesce(jsonb_agg(role order by role), '[]')
        from unnest(array['anon', 'authenticated']) as role
        where has_schema_privilege(role, n.oid, 'usage')
      )
    )
    from pg_namespace as n
    where n.nspname !~ '^(pg_|information_schema$)'
  ), '{}')
)
