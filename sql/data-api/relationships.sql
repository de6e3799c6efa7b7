-- Every foreign key, and whether it refers to at most one row from each side.
select json_build_object(
  'table', json_build_object('schema', n.nspname, 'name', c.relname),
  'foreign_table', json_build_object('schema', fn.nspname, 'name', f.relname),
  'constraint', k.conname,
  'columns', (
    select json_agg(json_build_array(own.attname, other.attname) order by pair.position)
    from unnest(k.conkey, k.confkey) with ordinality as pair (own, other, position)
    join pg_catalog.pg_attribute as own on own.attrelid = k.conrelid and own.attnum = pair.own
    join pg_catalog.pg_attribute as other on other.attrelid = k.confrelid and other.attnum = pair.other
  ),
  'one_to_one', exists (
    select
    from pg_catalog.pg_constraint as u
    where u.conrelid = k.conrelid
      and u.contype in ('p', 'u')
      and array(select unnest(u.conkey) order by 1) = array(select unnest(k.conkey) order by 1)
  )
)::text as relationship
from pg_catalog.pg_constraint as k
join pg_catalog.pg_class as c on c.oid = k.conrelid
join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
join pg_catalog.pg_class as f on f.oid = k.confrelid
join pg_catalog.pg_namespace as fn on fn.oid = f.relnamespace
where k.contype = 'f'
  -- What a partition inherited belongs to the whole.
  and k.conparentid = 0
order by k.conrelid, k.conname
