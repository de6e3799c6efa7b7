select pg_try_advisory_lock($1), set_config('application_name', $2, false)
