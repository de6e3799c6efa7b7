select
  to_regclass('rowlock.migrations') is not null or to_regclass('rowlock.inbox') is not null as installed
