select
  set_config('lock_timeout', $1, true),
  set_config('statement_timeout', '10s', true),
  case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end,
  -- Every statement of the mirror finds its rows by id. A plan that was made while a table was small, and is kept, must
  -- not read the whole table when it has grown: the statements are written that way, and these keep it so.
  set_config('enable_seqscan', 'off', true),
  set_config('enable_hashjoin', 'off', true),
  set_config('enable_mergejoin', 'off', true),
  -- And it is made once: for a few rows planning takes longer than writing them.
  set_config('plan_cache_mode', 'force_generic_plan', true),
  set_config('jit', 'off', true)
