-- What becomes of an application's rows when Clerk deletes a user or an organization.
--
-- The tombstone queues the work in its own transaction and does none of it: what an application's tables refuse must not
-- refuse a delivery. The work waits for its hold, so that a slip of the hand in a dashboard can be taken back.

create table if not exists rowlock.deletion_rules (
  name text primary key,
  position integer not null,
  table_schema text not null,
  table_name text not null,
  column_name text not null,
  key_columns text[] not null check (cardinality(key_columns) > 0),
  subject text not null check (subject in ('user', 'organization')),
  action text not null check (action in ('cascade', 'soft', 'anonymise', 'keep')),
  soft_column text,
  constants jsonb not null default '{}',
  hold interval not null check (hold >= interval '0' and hold <= interval '3650 days'),
  check ((action = 'soft') = (soft_column is not null)),
  check ((action = 'anonymise') = (constants <> '{}'))
);
comment on table rowlock.deletion_rules is 'The [[deletion]] sections of rowlock.toml, as they were applied last. Written by `rowlock deletion apply` and `rowlock serve`.';
comment on column rowlock.deletion_rules.constants is 'Columns and what to put there: text, a number, a truth value, or null.';

create table if not exists rowlock.deletions (
  id bigint generated always as identity primary key,
  subject text not null check (subject in ('user', 'organization')),
  subject_id text not null,
  deleted_at timestamptz not null,
  noticed_at timestamptz not null default now(),
  held_until timestamptz not null,
  cancelled_at timestamptz,
  bodies_erased_at timestamptz,
  unique (subject, subject_id)
);
create index if not exists deletions_erased on rowlock.deletions (subject_id) where bodies_erased_at is not null;
comment on table rowlock.deletions is 'Users and organizations that Clerk deleted since there is this table.';
comment on column rowlock.deletions.held_until is 'Until then it can be undone, as far as nothing final has been done.';

create table if not exists rowlock.deletion_steps (
  deletion_id bigint not null references rowlock.deletions (id) on delete cascade,
  rule text not null,
  position integer not null,
  action text not null check (action in ('cascade', 'soft', 'anonymise', 'keep', 'bodies')),
  state text not null default 'held' check (state in ('held', 'failed', 'dead', 'done', 'cancelled', 'undone')),
  next_attempt_at timestamptz,
  attempts integer not null default 0,
  rows bigint not null default 0,
  mark timestamptz,
  reason text,
  finished_at timestamptz,
  primary key (deletion_id, rule),
  check ((state in ('held', 'failed')) = (next_attempt_at is not null))
);
create index if not exists deletion_steps_due on rowlock.deletion_steps (next_attempt_at) where state in ('held', 'failed');
create index if not exists deletion_steps_waiting on rowlock.deletion_steps (state) where state in ('held', 'failed', 'dead');
comment on table rowlock.deletion_steps is 'What is to be done, or was done, to one table for one deletion. Locked by whoever does it.';
comment on column rowlock.deletion_steps.state is 'held: waits for its time. failed: will be tried again. dead: given up, waits for `rowlock deletion retry`. done, cancelled, undone.';
comment on column rowlock.deletion_steps.mark is 'What a soft deletion wrote into its column, so that undoing it finds its own rows and no others.';
comment on column rowlock.deletion_steps.reason is 'Why it failed or was cancelled; never holds personal data.';

-- How long things are held that no rule speaks of: the bodies of deliveries, and the possibility to undo.
create table if not exists rowlock.deletion_settings (
  single boolean primary key default true check (single),
  hold interval not null check (hold >= interval '0' and hold <= interval '3650 days')
);
insert into rowlock.deletion_settings (hold) values (interval '72 hours') on conflict do nothing;

create or replace function rowlock.queue_deletions() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  if not exists (select from new_rows where deleted_at is not null) then
    return null;
  end if;
  with
    queued as (
      insert into rowlock.deletions (subject, subject_id, deleted_at, held_until)
      select
        tg_argv[0], new_rows.id, new_rows.deleted_at,
        now() + greatest(settings.hold, (select max(hold) from rowlock.deletion_rules where subject = tg_argv[0]))
      from new_rows
      cross join rowlock.deletion_settings as settings
      where new_rows.deleted_at is not null
      on conflict (subject, subject_id) do nothing
      returning id
    )
  insert into rowlock.deletion_steps (deletion_id, rule, position, action, next_attempt_at)
  select queued.id, rule.name, rule.position, rule.action, now() + rule.hold
  from queued
  cross join rowlock.deletion_rules as rule
  where rule.subject = tg_argv[0]
  union all
  select queued.id, 'rowlock.inbox', 2147483647, 'bodies', now() + settings.hold
  from queued
  cross join rowlock.deletion_settings as settings;
  return null;
end
$$;
comment on function rowlock.queue_deletions() is 'Queues what follows from new tombstones. Touches no table of the application.';

create or replace trigger queue_inserted after insert on clerk.users
  referencing new table as new_rows for each statement execute function rowlock.queue_deletions('user');
create or replace trigger queue_updated after update on clerk.users
  referencing new table as new_rows for each statement execute function rowlock.queue_deletions('user');
create or replace trigger queue_inserted after insert on clerk.organizations
  referencing new table as new_rows for each statement execute function rowlock.queue_deletions('organization');
create or replace trigger queue_updated after update on clerk.organizations
  referencing new table as new_rows for each statement execute function rowlock.queue_deletions('organization');

-- The bodies of deliveries about somebody, at most so many. One that waits for another attempt is given up: there is nobody any
-- more whom it could be about.
create or replace function rowlock.erase_bodies(about text, most integer) returns bigint
  language plpgsql volatile
  set search_path = ''
  as $$
declare
  gone bigint;
begin
  with about_them as (
    select delivery_id
    from rowlock.inbox
    where (user_id = about or object_id = about) and body is not null
    limit most
    for update
  )
  update rowlock.inbox
  set
    body = null,
    state = case when state = 'failed' then 'dead' else state end,
    next_attempt_at = null,
    reason = case when state = 'failed' then 'whom it was about is erased' else reason end,
    settled_at = coalesce(settled_at, now())
  from about_them
  where inbox.delivery_id = about_them.delivery_id;
  get diagnostics gone = row_count;
  return gone;
end
$$;
comment on function rowlock.erase_bodies(text, integer) is 'Empties the bodies of at most so many deliveries about a user or an organization.';

-- A delivery about somebody who is erased may still come, or come again under another id.
create or replace function rowlock.erase_late_bodies() returns bigint
  language sql volatile
  set search_path = ''
  as $$
    select coalesce(sum(rowlock.erase_bodies(subject_id, 2000)), 0)::bigint
    from (
      select distinct deletion.subject_id
      from rowlock.inbox as delivery
      join rowlock.deletions as deletion on deletion.subject_id in (delivery.user_id, delivery.object_id)
      where delivery.body is not null
        and delivery.received_at > now() - interval '7 days'
        and deletion.bodies_erased_at is not null
    ) as late
  $$;
comment on function rowlock.erase_late_bodies() is 'Empties the bodies of deliveries of the last week about users and organizations that are erased.';
