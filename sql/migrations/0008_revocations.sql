-- Tokens that are void before they expire. A Clerk token lives for a minute or longer and cannot be called back; what is
-- known here about its user, its session and its organization can be newer than the token.
--
-- The rows are made by triggers on the mirror's tables, in the transaction that changes the mirror, whoever writes it: a
-- webhook, a backfill, a reconciliation, or a person with SQL. Nothing here may fail for what a row holds: numbers are
-- brought into range first, because an error would take the delivery with it.

create sequence if not exists rowlock.revocation_revision;

create table if not exists rowlock.revocations (
  revision bigint primary key default nextval('rowlock.revocation_revision'),
  reason text not null check (
    reason in ('user_deleted', 'user_banned', 'user_locked', 'session_ended', 'membership_lost', 'role_changed')
  ),
  subject text not null,
  user_id text,
  session_id text,
  organization_id text,
  issued_until bigint,
  since timestamptz not null,
  noticed_at timestamptz not null default now(),
  lapses_at timestamptz,
  lifted_at timestamptz,
  check (num_nonnulls(user_id, session_id, organization_id) > 0),
  check ((organization_id is null) = (issued_until is null))
);

-- One of a kind holds at a time; those that were lifted stay beside it until they are pruned.
create unique index if not exists revocations_in_force on rowlock.revocations (subject, reason) where lifted_at is null;
create index if not exists revocations_user on rowlock.revocations (user_id)
  where session_id is null and organization_id is null and lifted_at is null;
create index if not exists revocations_session on rowlock.revocations (session_id) where session_id is not null;
create index if not exists revocations_organization on rowlock.revocations (organization_id, user_id, issued_until)
  where organization_id is not null;
create index if not exists revocations_noticed on rowlock.revocations (noticed_at);

comment on table rowlock.revocations is 'What makes tokens void before they expire. A row with a session voids its tokens for ever; one with an organization voids tokens in which it is active, of the user (of everybody without one), issued in the second `issued_until` or before; one with a user alone voids all of the user''s tokens while it holds.';
comment on column rowlock.revocations.revision is 'Grows with every change of a row; notifications on channel rowlock_revocations name a range of it.';
comment on column rowlock.revocations.subject is 'The id of the mirror''s row that this comes from.';
comment on column rowlock.revocations.issued_until is 'Unix seconds, as `iat` counts. A token of that very second may be older than what happened in it, and is void.';
comment on column rowlock.revocations.since is 'When it happened, by Clerk''s clock.';
comment on column rowlock.revocations.lapses_at is 'When it ends by itself: Clerk unlocks a user without an event.';
comment on column rowlock.revocations.lifted_at is 'When it ended: the user was unbanned or unlocked.';

-- What was forgotten by pruning must not come to life again: a token that is older than the memory is void.
create table if not exists rowlock.revocation_horizon (
  single boolean primary key default true check (single),
  issued_until bigint not null
);
comment on table rowlock.revocation_horizon is 'Tokens issued in this second or before are void, because what would void them may be forgotten.';

-- Milliseconds as Clerk sends them, brought into the time that Postgres knows.
create or replace function rowlock.moment(milliseconds bigint) returns timestamptz
  language sql immutable
  as $$ select to_timestamp(least(greatest(milliseconds, 0), 253402300799999) / 1000.0) $$;

create or replace function rowlock.second(milliseconds bigint) returns bigint
  language sql immutable
  as $$ select least(greatest(milliseconds, 0), 253402300799999) / 1000 $$;

create or replace function rowlock.announce_revocations() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
declare
  range record;
begin
  select min(revision) as first, max(revision) as last into range from new_rows;
  if range.first is not null then
    perform pg_notify('rowlock_revocations', json_build_object('from', range.first, 'to', range.last)::text);
  end if;
  return null;
end
$$;
comment on function rowlock.announce_revocations() is 'Tells listeners which revisions to read: as small for thousands of rows as for one, and about nobody.';

create or replace trigger announce_inserted after insert on rowlock.revocations
  referencing new table as new_rows for each statement execute function rowlock.announce_revocations();
create or replace trigger announce_updated after update on rowlock.revocations
  referencing new table as new_rows for each statement execute function rowlock.announce_revocations();

create or replace function rowlock.revoke_by_users() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  if exists (select from new_rows where banned or locked or deleted_at is not null) then
    insert into rowlock.revocations as known (reason, subject, user_id, since, lapses_at)
    select 'user_deleted', id, id, deleted_at, null::timestamptz
    from new_rows
    where deleted_at is not null
    union all
    select 'user_banned', id, id, rowlock.moment(clerk_updated_at), null
    from new_rows
    where banned
    union all
    select
      'user_locked', id, id, rowlock.moment(clerk_updated_at),
      case when jsonb_typeof(raw -> 'lockout_expires_in_seconds') = 'number' then
        rowlock.moment(greatest(event_at, clerk_updated_at))
          + least(greatest((raw ->> 'lockout_expires_in_seconds')::numeric, 0), 315360000)::bigint * interval '1 second'
      end
    from new_rows
    where locked
    on conflict (subject, reason) where lifted_at is null do update set
      lapses_at = excluded.lapses_at, revision = nextval('rowlock.revocation_revision')
    where known.lapses_at is distinct from excluded.lapses_at;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows where banned or locked) then
      update rowlock.revocations as known
      set lifted_at = now(), revision = nextval('rowlock.revocation_revision')
      from new_rows
      where known.subject = new_rows.id
        and known.lifted_at is null
        and (
          known.reason = 'user_banned' and new_rows.banned is not true
          or known.reason = 'user_locked' and new_rows.locked is not true
        );
    end if;
  end if;
  return null;
end
$$;

create or replace function rowlock.revoke_by_sessions() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  insert into rowlock.revocations (reason, subject, session_id, user_id, since)
  select 'session_ended', id, id, user_id, coalesce(deleted_at, rowlock.moment(greatest(event_at, clerk_updated_at)))
  from new_rows
  where deleted_at is not null or status in ('ended', 'removed', 'revoked', 'expired', 'abandoned', 'replaced')
  on conflict (subject, reason) where lifted_at is null do nothing;
  return null;
end
$$;

-- A tombstone may learn later whose membership it was. A role counts as changed from the time of the object that has the
-- new one: when several changes were missed, that voids too many tokens and never too few.
create or replace function rowlock.revoke_by_memberships() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  if tg_op = 'UPDATE' then
    insert into rowlock.revocations as known (reason, subject, user_id, organization_id, issued_until, since)
    select
      case when n.deleted_at is null then 'role_changed' else 'membership_lost' end, n.id,
      n.user_id, n.organization_id,
      rowlock.second(case when n.deleted_at is null and n.clerk_updated_at > 0 then n.clerk_updated_at else n.event_at end),
      coalesce(n.deleted_at, rowlock.moment(n.clerk_updated_at))
    from new_rows as n
    join old_rows as o on o.id = n.id
    where n.user_id is not null
      and n.organization_id is not null
      and case
        when n.deleted_at is not null then o.deleted_at is null or o.user_id is null or o.organization_id is null
        else o.deleted_at is null and o.role <> n.role
      end
    on conflict (subject, reason) where lifted_at is null do update set
      issued_until = excluded.issued_until, since = excluded.since, noticed_at = now(),
      revision = nextval('rowlock.revocation_revision')
    where known.issued_until < excluded.issued_until;
  else
    insert into rowlock.revocations (reason, subject, user_id, organization_id, issued_until, since)
    select 'membership_lost', id, user_id, organization_id, rowlock.second(event_at), deleted_at
    from new_rows
    where deleted_at is not null and user_id is not null and organization_id is not null
    on conflict (subject, reason) where lifted_at is null do nothing;
  end if;
  return null;
end
$$;

-- Clerk sends no event for each member of an organization that it deletes, and not every membership has a row here.
create or replace function rowlock.revoke_by_organizations() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  insert into rowlock.revocations (reason, subject, organization_id, issued_until, since)
  select 'membership_lost', id, id, 253402300799, deleted_at
  from new_rows
  where deleted_at is not null
  on conflict (subject, reason) where lifted_at is null do nothing;
  return null;
end
$$;

create or replace trigger revoke_inserted after insert on clerk.users
  referencing new table as new_rows for each statement execute function rowlock.revoke_by_users();
create or replace trigger revoke_updated after update on clerk.users
  referencing old table as old_rows new table as new_rows for each statement execute function rowlock.revoke_by_users();
create or replace trigger revoke_inserted after insert on clerk.sessions
  referencing new table as new_rows for each statement execute function rowlock.revoke_by_sessions();
create or replace trigger revoke_updated after update on clerk.sessions
  referencing new table as new_rows for each statement execute function rowlock.revoke_by_sessions();
create or replace trigger revoke_inserted after insert on clerk.organization_memberships
  referencing new table as new_rows for each statement execute function rowlock.revoke_by_memberships();
create or replace trigger revoke_updated after update on clerk.organization_memberships
  referencing old table as old_rows new table as new_rows for each statement execute function rowlock.revoke_by_memberships();
create or replace trigger revoke_inserted after insert on clerk.organizations
  referencing new table as new_rows for each statement execute function rowlock.revoke_by_organizations();
create or replace trigger revoke_updated after update on clerk.organizations
  referencing new table as new_rows for each statement execute function rowlock.revoke_by_organizations();

-- What happened before there was this table. Of ends and losses the last 30 days, as long as they are remembered by default.
insert into rowlock.revocations (reason, subject, user_id, since, lapses_at)
select 'user_deleted', id, id, deleted_at, null::timestamptz
from clerk.users
where deleted_at > now() - interval '30 days'
union all
select 'user_banned', id, id, rowlock.moment(clerk_updated_at), null
from clerk.users
where banned
union all
select
  'user_locked', id, id, rowlock.moment(clerk_updated_at),
  case when jsonb_typeof(raw -> 'lockout_expires_in_seconds') = 'number' then
    rowlock.moment(greatest(event_at, clerk_updated_at))
      + least(greatest((raw ->> 'lockout_expires_in_seconds')::numeric, 0), 315360000)::bigint * interval '1 second'
  end
from clerk.users
where locked
on conflict (subject, reason) where lifted_at is null do nothing;
insert into rowlock.revocations (reason, subject, session_id, user_id, since)
select 'session_ended', id, id, user_id, coalesce(deleted_at, rowlock.moment(greatest(event_at, clerk_updated_at)))
from clerk.sessions
where (deleted_at is not null or status in ('ended', 'removed', 'revoked', 'expired', 'abandoned', 'replaced'))
  and synced_at > now() - interval '30 days'
on conflict (subject, reason) where lifted_at is null do nothing;
insert into rowlock.revocations (reason, subject, user_id, organization_id, issued_until, since)
select 'membership_lost', id, user_id, organization_id, rowlock.second(event_at), deleted_at
from clerk.organization_memberships
where deleted_at > now() - interval '30 days' and user_id is not null and organization_id is not null
union all
select 'membership_lost', id, null, id, 253402300799, deleted_at
from clerk.organizations
where deleted_at > now() - interval '30 days'
on conflict (subject, reason) where lifted_at is null do nothing;

-- Forgets what can void no token any more, a bounded number of rows at a time; what holds is never forgotten. Returns how
-- many rows went.
create or replace function rowlock.prune_revocations(keep interval, most integer) returns bigint
  language plpgsql volatile
  set search_path = ''
  as $$
declare
  gone bigint;
begin
  with old as (
    select revision
    from rowlock.revocations
    where noticed_at < now() - keep
      and case
        when lifted_at is not null then lifted_at < now() - keep
        when reason = 'user_banned' then false
        when reason = 'user_locked' then lapses_at < now() - keep
        -- A row of a clock that runs ahead stays until its own time has passed.
        else since < now() - keep
      end
    order by noticed_at
    limit most
    for update skip locked
  )
  delete from rowlock.revocations using old where revocations.revision = old.revision;
  get diagnostics gone = row_count;
  if gone > 0 then
    insert into rowlock.revocation_horizon as horizon (issued_until)
    values (floor(extract(epoch from now() - keep))::bigint)
    on conflict (single) do update set issued_until = greatest(horizon.issued_until, excluded.issued_until);
  end if;
  return gone;
end
$$;
comment on function rowlock.prune_revocations(interval, integer) is 'Deletes at most so many rows that are older than `keep`, and makes every token void that is as old.';

create or replace function clerk.session_ok() returns boolean
  language plpgsql stable security definer parallel safe
  set search_path = ''
  as $$
declare
  token constant jsonb := clerk.claims();
  caller constant text := clerk.user_id();
  session constant text := clerk.session_id();
  organization constant text := clerk.org_id();
  -- A token that does not say when it was issued is older than everything.
  issued constant numeric := case when jsonb_typeof(token -> 'iat') = 'number' then floor((token ->> 'iat')::numeric) else 0 end;
begin
  if caller is null
    or exists (
      select from rowlock.revocations
      where user_id = caller
        and session_id is null
        and organization_id is null
        and lifted_at is null
        and (lapses_at is null or lapses_at > now())
    )
    or exists (select from rowlock.revocation_horizon where issued_until >= issued)
  then
    return false;
  end if;
  if session is not null then
    if exists (select from rowlock.revocations where session_id = session) then
      return false;
    end if;
  end if;
  if organization is not null then
    if exists (
      select from rowlock.revocations
      where organization_id = organization and user_id = caller and issued_until >= issued and lifted_at is null
    ) or exists (
      select from rowlock.revocations
      where organization_id = organization and user_id is null and issued_until >= issued and lifted_at is null
    ) then
      return false;
    end if;
  end if;
  return true;
end
$$;
comment on function clerk.session_ok() is 'Whether the caller''s token still holds: false when the user is deleted, banned or locked, the session is over, or the membership in the active organization ended or changed its role since the token was issued; false without a user. For restrictive policies: `as restrictive to authenticated using ((select clerk.session_ok()))`.';
revoke execute on function clerk.session_ok() from public;
grant execute on function clerk.session_ok() to anon, authenticated, service_role;
