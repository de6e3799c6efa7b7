-- The functions of the schemas $1 that can be called by name; $2 are the settings that a function may set for its transaction.
-- With $3, only those that the current role may execute.
with recursive bases (oid, base) as (
  select t.oid, t.typbasetype from pg_catalog.pg_type as t where t.typtype = 'd'
  union all
  select b.oid, t.typbasetype
  from bases as b
  join pg_catalog.pg_type as t on t.oid = b.base
  where t.typtype = 'd'
),
domains as (
  select b.oid, t.oid as base
  from bases as b
  join pg_catalog.pg_type as t on t.oid = b.base and t.typtype <> 'd'
)
select json_build_object(
  'schema', n.nspname,
  'name', p.proname,
  'description', pg_catalog.obj_description(p.oid, 'pg_proc'),
  'parameters', coalesce(a.list, '[]'),
  'returns', json_build_object(
    'schema', tn.nspname,
    'name', coalesce(tc.relname, t.typname),
    'set', p.proretset,
    'composite', t.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false)
  ),
  'volatility', p.provolatile,
  'variadic', p.provariadic <> 0,
  'isolation', (
    select split_part(setting, '=', 2)
    from unnest(p.proconfig) as setting
    where split_part(setting, '=', 1) = 'default_transaction_isolation'
  ),
  'settings', coalesce((
    select json_agg(json_build_array(
      split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
    ))
    from unnest(p.proconfig) as setting
    where split_part(setting, '=', 1) = any($2::text[])
  ), '[]')
)::text as function
from pg_catalog.pg_proc as p
join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
left join domains as d on d.oid = p.prorettype
join pg_catalog.pg_type as t on t.oid = coalesce(d.base, p.prorettype)
join pg_catalog.pg_namespace as tn on tn.oid = t.typnamespace
left join pg_catalog.pg_class as tc on tc.oid = t.typrelid
cross join lateral (
  select
    json_agg(
      json_build_object(
        'name', coalesce(i.name, ''),
        'type', i.type::pg_catalog.regtype::text,
        -- `bit` and `character` alone would mean one of them.
        'wide_type', case i.type
          when 'bit'::pg_catalog.regtype then 'bit varying'
          when 'bit[]'::pg_catalog.regtype then 'bit varying[]'
          when 'character'::pg_catalog.regtype then 'character varying'
          when 'character[]'::pg_catalog.regtype then 'character varying[]'
          else i.type::pg_catalog.regtype::text
        end,
        'required', i.number <= p.pronargs - p.pronargdefaults,
        'variadic', coalesce(i.mode = 'v', false)
      )
      order by i.number
    ) as list,
    count(*) filter (where coalesce(i.name, '') = '') as unnamed,
    count(*) as total,
    min(i.type::oid) as first_type
  from (
    select
      x.name, x.type, x.mode, row_number() over (order by x.position) as number
    from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
      with ordinality as x (type, name, mode, position)
    where coalesce(x.mode, 'i') in ('i', 'b', 'v')
  ) as i
) as a
where n.nspname = any($1::text[])
  and p.prokind = 'f'
  and t.oid <> 'pg_catalog.trigger'::pg_catalog.regtype
  -- A single parameter without a name takes the whole body.
  and (
    a.unnamed = 0
    or (
      a.total = 1
      and a.first_type in (
        'bytea'::pg_catalog.regtype, 'json'::pg_catalog.regtype, 'jsonb'::pg_catalog.regtype,
        'text'::pg_catalog.regtype, 'xml'::pg_catalog.regtype
      )
    )
  )
  and (not $3::boolean or pg_catalog.has_function_privilege(p.oid, 'execute'))
