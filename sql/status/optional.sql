select
  to_regclass('rowlock.runs') is not null as runs,
  to_regclass('rowlock.revocations') is not null as revocations,
  to_regclass('rowlock.deletions') is not null as deletions
