create schema if not exists rowlock;
create table if not exists rowlock.migrations (
  version integer primary key,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default now()
);
comment on table rowlock.migrations is 'The migrations applied to this database, with the SHA-256 of each.';
