-- What ingest at speed, erasure and questions to Clerk need of the machinery.

-- A delivery's body may go, by age or because the person it speaks of is erased; its id stays, so that the delivery is
-- still recognised when it comes again.
alter table rowlock.inbox alter column body drop not null;
alter table rowlock.inbox set (toast_tuple_target = 8160);
alter table rowlock.inbox add column if not exists user_id text;
create index if not exists inbox_user on rowlock.inbox (user_id) where user_id is not null;
create index if not exists inbox_bodies on rowlock.inbox (received_at) where body is not null;
comment on column rowlock.inbox.body is 'The bytes as received and signed, but for secrets (codes, tickets), which are never stored. Null once it is too old or its person is erased.';
comment on column rowlock.inbox.user_id is 'The person that the delivery speaks of, so that its body can be erased with them.';

-- Objects that Clerk's Backend API is to be asked about.
do $$
begin
  if to_regclass('rowlock.inquiries') is null then
    alter table rowlock.ties rename to inquiries;
    alter index rowlock.ties_pkey rename to inquiries_pkey;
  else
    -- Applied a second time by hand: 0004 has made an empty one again.
    drop table if exists rowlock.ties;
  end if;
end
$$;
alter table rowlock.inquiries drop constraint if exists ties_object_check;
alter table rowlock.inquiries add column if not exists cause text not null default 'tie' check (cause in ('tie', 'stub', 'missing'));
create index if not exists inquiries_due on rowlock.inquiries (next_attempt_at);
comment on table rowlock.inquiries is 'Objects that Clerk''s Backend API is asked about. tie: two versions carry the same times and different content. stub: only the id is known. missing: Clerk has it and the mirror does not.';

-- The row of the caller and of the caller's organization, if Clerk's webhook has not brought it yet. Called in the
-- transaction of a verified caller; whoever serves requests without Rowlock (hosted Supabase) calls it before the first
-- statement that needs the row. A tombstone stays one. A transaction that may only read makes nothing.
create or replace function clerk.ensure_caller() returns void
  language plpgsql volatile security definer
  set search_path = ''
  as $$
declare
  made text;
begin
  if clerk.user_id() is null or current_setting('transaction_read_only')::boolean then
    return;
  end if;
  insert into clerk.users (id, clerk_updated_at, event_at, delivery_id, source, synced_at, stub)
  values (clerk.user_id(), 0, 0, '', 'token', now(), true)
  on conflict (id) do nothing
  returning id into made;
  if made is not null then
    insert into rowlock.inquiries (object, object_id, cause) values ('user', made, 'stub') on conflict do nothing;
  end if;
  if clerk.org_id() like 'org\_%' then
    made := null;
    insert into clerk.organizations (id, slug, clerk_updated_at, event_at, delivery_id, source, synced_at, stub)
    values (clerk.org_id(), left(clerk.org_slug(), 256), 0, 0, '', 'token', now(), true)
    on conflict (id) do nothing
    returning id into made;
    if made is not null then
      insert into rowlock.inquiries (object, object_id, cause) values ('organization', made, 'stub') on conflict do nothing;
    end if;
  end if;
end
$$;
comment on function clerk.ensure_caller() is 'Makes the rows of the caller and of the caller''s organization if they are not there yet (source = token); Clerk is asked for the rest in the background.';
-- 0003, applied again by hand, grants every function of the schema to `anon`.
revoke execute on function clerk.ensure_caller() from public, anon;
grant execute on function clerk.ensure_caller() to authenticated, service_role;
