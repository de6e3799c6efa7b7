-- The machinery: granted to nobody.

create schema if not exists rowlock;
comment on schema rowlock is 'Rowlock''s machinery. No client role may see it.';
revoke all on schema rowlock from public;

create table if not exists rowlock.inbox (
  delivery_id text collate "C" primary key,
  event_type text,
  object_id text,
  event_at bigint,
  body bytea not null,
  state text not null check (state in ('applied', 'stale', 'kept', 'failed', 'dead')),
  reason text,
  attempts integer not null default 1,
  next_attempt_at timestamptz,
  sent_at timestamptz not null,
  received_at timestamptz not null default now(),
  settled_at timestamptz,
  check ((state = 'failed') = (next_attempt_at is not null))
);

create index if not exists inbox_due on rowlock.inbox (next_attempt_at) where state = 'failed';
create index if not exists inbox_waiting on rowlock.inbox (state, received_at) where state in ('failed', 'dead');
create index if not exists inbox_object on rowlock.inbox (object_id, received_at);
create index if not exists inbox_received on rowlock.inbox (received_at);

comment on table rowlock.inbox is 'Every verified delivery, once. Row, effect on the mirror and state are one transaction.';
comment on column rowlock.inbox.delivery_id is 'The svix-id: the same for retries, replays and a second endpoint.';
comment on column rowlock.inbox.body is 'The bytes as received and signed.';
comment on column rowlock.inbox.state is 'applied: the mirror shows it. stale: something newer was there already. kept: no table for this type. failed: will be tried again. dead: given up, waits for a replay.';
comment on column rowlock.inbox.reason is 'Why it failed; never holds personal data.';
comment on column rowlock.inbox.sent_at is 'svix-timestamp of the attempt that arrived.';

create table if not exists rowlock.ties (
  object text not null check (object in ('user', 'organization', 'organization_membership')),
  object_id text not null,
  noticed_at timestamptz not null default now(),
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  reason text,
  primary key (object, object_id)
);
comment on table rowlock.ties is 'Objects of which two versions carry the same times and different content: Clerk''s Backend API is asked which one holds.';
