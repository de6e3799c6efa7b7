select
  set_config('lock_timeout', '5s', true),
  set_config('statement_timeout', '60s', true),
  set_config('row_security', 'off', true),
  set_config('timezone', 'UTC', true)
