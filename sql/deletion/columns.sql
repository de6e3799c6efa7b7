select
  a.attname::text as name,
  format_type(a.atttypid, a.atttypmod) as type,
  a.atttypid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) as is_text,
  a.atttypid in ('timestamptz'::regtype, 'timestamp'::regtype) as is_time,
  a.attnotnull as is_required,
  a.attgenerated <> '' or a.attidentity = 'a' as is_generated
from pg_catalog.pg_attribute as a
where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
order by a.attnum
