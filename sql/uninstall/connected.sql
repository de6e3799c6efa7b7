select count(*)
from pg_catalog.pg_stat_activity
where datname = current_database() and application_name like 'rowlock%' and application_name <> 'rowlock command'
  and pid <> pg_backend_pid()
