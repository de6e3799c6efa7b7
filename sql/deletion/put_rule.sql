insert into rowlock.deletion_rules (
  name, position, table_schema, table_name, column_name, key_columns, subject, action, soft_column, constants, hold
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::bigint * interval '1 second')
on conflict (name) do update set
  position = excluded.position, table_schema = excluded.table_schema, table_name = excluded.table_name,
  column_name = excluded.column_name, key_columns = excluded.key_columns, subject = excluded.subject,
  action = excluded.action, soft_column = excluded.soft_column, constants = excluded.constants, hold = excluded.hold
