-- Every relation, with the columns of those in the schemas $1. The search path must be empty: names are then qualified.
with recursive bases (oid, base) as (
  select t.oid, t.typbasetype from pg_catalog.pg_type as t where t.typtype = 'd'
  union all
  select b.oid, t.typbasetype
  from bases as b
  join pg_catalog.pg_type as t on t.oid = b.base
  where t.typtype = 'd'
),
domains as (
  select b.oid, t.oid as base, t.typnamespace as base_namespace, t.typtype as base_kind
  from bases as b
  join pg_catalog.pg_type as t on t.oid = b.base and t.typtype <> 'd'
),
columns as (
  select
    a.attrelid as relation,
    json_agg(
      json_build_object(
        'name', a.attname,
        'description', r.description,
        'nullable', not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)),
        'base_type', case
          when coalesce(d.base_namespace, t.typnamespace) = 'pg_catalog'::pg_catalog.regnamespace
            then pg_catalog.format_type(coalesce(d.base, t.oid), null)
          else pg_catalog.format_type(a.atttypid, a.atttypmod)
        end,
        'nominal_type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'max_length', case
          when m.modifier = -1 then null
          when m.type in ('bpchar'::pg_catalog.regtype, 'varchar'::pg_catalog.regtype) then m.modifier - 4
          when m.type in ('bit'::pg_catalog.regtype, 'varbit'::pg_catalog.regtype) then m.modifier
        end,
        'default', case
          when t.typtype = 'd' and e.adbin is null then pg_catalog.pg_get_expr(t.typdefaultbin, 0)
          when a.attidentity = 'd'
            then (
              -- By its dependency: looking it up by name would need rights that this login does not have.
              select pg_catalog.format('nextval(%L)', s.objid::pg_catalog.regclass)
              from pg_catalog.pg_depend as s
              where s.refobjid = a.attrelid
                and s.refobjsubid = a.attnum
                and s.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and s.deptype = 'i'
            )
          when a.attgenerated <> '' then null
          else pg_catalog.pg_get_expr(e.adbin, e.adrelid)
        end,
        -- Looking for the words of a type that has none would be most of the work.
        'enum', case when coalesce(d.base_kind, t.typtype) = 'e' then array(
          select v.enumlabel from pg_catalog.pg_enum as v
          where v.enumtypid = coalesce(d.base, t.oid)
          order by v.enumsortorder
        ) else '{}' end
      )
      order by a.attnum
    ) as list
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_type as t on t.oid = a.atttypid
  left join domains as d on d.oid = t.oid
  left join pg_catalog.pg_description as r
    on r.objoid = a.attrelid and r.objsubid = a.attnum and r.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
  left join pg_catalog.pg_attrdef as e on e.adrelid = a.attrelid and e.adnum = a.attnum
  cross join lateral (
    select
      case when t.typtype = 'd' then t.typbasetype else a.atttypid end as type,
      case when t.typtype = 'd' then t.typtypmod else a.atttypmod end as modifier
  ) as m
  where n.nspname = any($1::text[])
    and c.relkind in ('r', 'v', 'm', 'f', 'p')
    and not pg_catalog.pg_is_other_temp_schema(c.relnamespace)
    and a.attnum > 0
    and not a.attisdropped
  group by a.attrelid
)
select json_build_object(
  'schema', n.nspname,
  'name', c.relname,
  'description', pg_catalog.obj_description(c.oid, 'pg_class'),
  'insertable', w.is_table or w.events & 8 = 8,
  'updatable', w.is_table or w.events & 4 = 4,
  'deletable', w.is_table or w.events & 16 = 16,
  -- Without row security, and nothing behind it that may have some.
  'open', w.is_table and not c.relrowsecurity,
  'primary_key', array(
    select a.attname
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = any(k.conkey)
    where k.conrelid = c.oid and k.contype = 'p' and c.relkind in ('r', 'p')
    order by a.attname
  ),
  'columns', coalesce(l.list, '[]')
)::text as relation
from pg_catalog.pg_class as c
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
left join columns as l on l.relation = c.oid
cross join lateral (
  select
    c.relkind in ('r', 'p') as is_table,
    -- Bit 2 is update, 3 insert, 4 delete: `1 << CmdType`. Triggers count, so a view that has them can be written.
    case when c.relkind in ('v', 'f') then pg_catalog.pg_relation_is_updatable(c.oid, true) else 0 end as events
) as w
where c.relkind in ('r', 'v', 'm', 'f', 'p')
  and n.nspname not in ('pg_catalog', 'information_schema')
  and not pg_catalog.pg_is_other_temp_schema(c.relnamespace)
  and not c.relispartition
order by n.nspname, c.relname
