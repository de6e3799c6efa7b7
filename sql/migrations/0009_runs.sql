-- Walks through everything that Clerk has: which ran, how far they came, what they found.

create table if not exists rowlock.runs (
  run_id bigint generated always as identity primary key,
  work text not null check (work in ('backfill', 'reconcile')),
  instance_id text,
  repairs boolean not null default false,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  reason text
);
comment on table rowlock.runs is 'Backfills and reconciliations. One at a time works; an advisory lock says which.';
comment on column rowlock.runs.instance_id is 'The Clerk instance that was walked. A key of another one is refused: everything here would look deleted.';
comment on column rowlock.runs.repairs is 'Whether a reconciliation was to write, or only to report.';
comment on column rowlock.runs.finished_at is 'Null while it works, and for a backfill that was interrupted: the next one goes on from there.';
comment on column rowlock.runs.reason is 'Why it ended before its end.';

create table if not exists rowlock.run_objects (
  run_id bigint not null references rowlock.runs on delete cascade,
  object text not null,
  cursor jsonb,
  total bigint,
  seen bigint not null default 0,
  written bigint not null default 0,
  refused bigint not null default 0,
  missing bigint not null default 0,
  older bigint not null default 0,
  different bigint not null default 0,
  gone bigint not null default 0,
  buried bigint not null default 0,
  ahead bigint not null default 0,
  unverified bigint not null default 0,
  in_flight bigint not null default 0,
  repaired bigint not null default 0,
  started_at timestamptz,
  updated_at timestamptz,
  finished_at timestamptz,
  reason text,
  primary key (run_id, object)
);
comment on table rowlock.run_objects is 'What a run did with one kind of objects.';
comment on column rowlock.run_objects.cursor is 'Where the walk stands; everything before it is written.';
comment on column rowlock.run_objects.total is 'How many Clerk said there are, when the walk began.';
comment on column rowlock.run_objects.seen is 'Objects that Clerk has shown.';
comment on column rowlock.run_objects.written is 'Of those, rows that a backfill wrote. The others were here already, as new or newer.';
comment on column rowlock.run_objects.refused is 'Objects that could not be read, or that Postgres did not take.';
comment on column rowlock.run_objects.missing is 'Clerk has it, the mirror does not.';
comment on column rowlock.run_objects.older is 'The mirror has an older version.';
comment on column rowlock.run_objects.different is 'The same version with other values in its columns.';
comment on column rowlock.run_objects.gone is 'The mirror has it, Clerk says that it does not exist.';
comment on column rowlock.run_objects.buried is 'Clerk has it, the mirror says that it was deleted.';
comment on column rowlock.run_objects.ahead is 'The mirror has a newer version than Clerk.';
comment on column rowlock.run_objects.unverified is 'Not in Clerk''s list, and Clerk cannot be asked about it alone: left as it is.';
comment on column rowlock.run_objects.in_flight is 'Changed so recently that its webhook may be on its way: not counted as drift.';
comment on column rowlock.run_objects.repaired is 'Of the drift, what the run has repaired.';
comment on column rowlock.run_objects.reason is 'Why nothing, or not everything, could be done.';

-- What the reconciliation that runs now has seen. Of no use after a crash, so it is not logged.
create unlogged table if not exists rowlock.seen (
  object text not null,
  object_id text collate "C" not null,
  primary key (object, object_id)
);
comment on table rowlock.seen is 'Ids that the reconciliation that runs now has seen in Clerk.';
