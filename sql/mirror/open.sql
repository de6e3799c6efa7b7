select
  set_config('lock_timeout', '5s', true),
  set_config('statement_timeout', '10s', true),
  case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end
