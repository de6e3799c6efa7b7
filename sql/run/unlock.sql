select pg_advisory_unlock($1), set_config('application_name', 'rowlock', false)
