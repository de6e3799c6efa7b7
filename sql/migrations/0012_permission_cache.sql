-- The permission cache: who holds which permissions where, now. A row for each user and organization, kept in the transactions that write
-- the mirror. A membership repeats the permissions that its role had when Clerk last sent the membership. When the role changes, Clerk sends
-- the role and no membership, so what a membership repeats goes stale. The permissions here are those of the role that
-- clerk.roles knows by that key; only a role that is not known yet leaves the membership's own list.
--
-- One row holds all permissions of a membership: a row for each permission made writing a membership half as slow again.
-- A row belongs to one membership, so that two memberships of one user in one organization (who left and came back) never write
-- the same row. Rows of deleted or banned users and of deleted organizations stay and are not looked at: see clerk.my_memberships.

create table if not exists rowlock.held_permissions (
  user_id text not null,
  organization_id text not null,
  membership_id text not null,
  role text,
  permissions text[] not null,
  member_since timestamptz,
  primary key (user_id, organization_id, membership_id)
);
comment on table rowlock.held_permissions is 'The permission cache: what each user may do in each organization now, system permissions (org:sys_…) included. Kept by triggers on clerk.organization_memberships and clerk.roles.';
comment on column rowlock.held_permissions.permissions is 'Of the role as clerk.roles has it; of the membership where the role is not known.';

-- Whoever writes memberships of a role and whoever changes the role wait for each other: otherwise each would not see what the
-- other has not committed, and a permission that was taken away could stay.
create or replace function rowlock.role_lock(role text) returns bigint
  language sql immutable parallel safe
  set search_path = ''
  as $$ select hashtextextended('rowlock role ' || role, 0) $$;

-- The permissions of a role, or null when no live role has that key. A role that was deleted and made again has two rows until
-- its end is known: the younger counts.
create or replace function rowlock.role_permissions(asked text) returns text[]
  language plpgsql stable
  set search_path = ''
  as $$
begin
  return (
    select array_remove(r.permissions, null)
    from clerk.roles as r
    where r.key = asked and r.deleted_at is null and r.permissions is not null
    order by r.created_at desc nulls last, r.id desc
    limit 1
  );
end
$$;
comment on function rowlock.role_permissions(text) is 'In plpgsql, because a session then plans it once and not once for each statement that writes memberships.';

create or replace function rowlock.hold_permissions_of_new() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  perform pg_advisory_xact_lock_shared(rowlock.role_lock(role))
  from (select distinct role from new_rows where deleted_at is null and role is not null order by role offset 0) as roles;
  -- Materialized: once for each role, and not once for each row.
  with known as materialized (
    select role, rowlock.role_permissions(role) as permissions
    from (select distinct role from new_rows where deleted_at is null and role is not null) as roles
  )
  insert into rowlock.held_permissions as held (user_id, organization_id, membership_id, role, permissions, member_since)
  select
    n.user_id, n.organization_id, n.id, n.role,
    coalesce(known.permissions, array_remove(n.permissions, null), '{}'), n.created_at
  from new_rows as n
  left join known on known.role = n.role
  where n.deleted_at is null and n.user_id is not null and n.organization_id is not null
  on conflict (user_id, organization_id, membership_id) do update set
    role = excluded.role, permissions = excluded.permissions, member_since = excluded.member_since;
  return null;
end
$$;

create or replace function rowlock.hold_permissions_of_changed() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  delete from rowlock.held_permissions as held
  where held.user_id = old.user_id and held.organization_id = old.organization_id and held.membership_id = old.id;
  if tg_op = 'UPDATE' then
    if new.deleted_at is null and new.user_id is not null and new.organization_id is not null then
      if new.role is not null then
        perform pg_advisory_xact_lock_shared(rowlock.role_lock(new.role));
      end if;
      insert into rowlock.held_permissions (user_id, organization_id, membership_id, role, permissions, member_since)
      values (
        new.user_id, new.organization_id, new.id, new.role,
        coalesce(rowlock.role_permissions(new.role), array_remove(new.permissions, null), '{}'), new.created_at
      );
    end if;
  end if;
  return null;
end
$$;

create or replace function rowlock.hold_permissions_of_role() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
declare
  concerned text;
  known text[];
begin
  for concerned in
    select distinct key
    from unnest(array[case when tg_op <> 'INSERT' then old.key end, case when tg_op <> 'DELETE' then new.key end]) as key
    where key is not null
    order by key
  loop
    perform pg_advisory_xact_lock(rowlock.role_lock(concerned));
    known := rowlock.role_permissions(concerned);
    if known is not null then
      update rowlock.held_permissions as held set permissions = known
      where held.role = concerned and held.permissions <> known;
    else
      update rowlock.held_permissions as held set permissions = coalesce(array_remove(m.permissions, null), '{}')
      from clerk.organization_memberships as m
      where held.role = concerned
        and m.id = held.membership_id
        and held.permissions is distinct from coalesce(array_remove(m.permissions, null), '{}');
    end if;
  end loop;
  return null;
end
$$;

create or replace function rowlock.hold_no_permissions() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  delete from rowlock.held_permissions;
  return null;
end
$$;

-- Most updates of a membership change nothing here. The condition of a row trigger is a comparison of columns and costs nearly
-- nothing, where a function for the statement would join the rows before with the rows after each time.
create or replace trigger hold_permissions_inserted after insert on clerk.organization_memberships
  referencing new table as new_rows for each statement execute function rowlock.hold_permissions_of_new();
create or replace trigger hold_permissions_updated after update on clerk.organization_memberships
  for each row
  when (
    old.role is distinct from new.role
    or old.permissions is distinct from new.permissions
    or (old.deleted_at is null) <> (new.deleted_at is null)
    or old.user_id is distinct from new.user_id
    or old.organization_id is distinct from new.organization_id
    or old.created_at is distinct from new.created_at
  )
  execute function rowlock.hold_permissions_of_changed();
create or replace trigger hold_permissions_deleted after delete on clerk.organization_memberships
  for each row when (old.deleted_at is null) execute function rowlock.hold_permissions_of_changed();
create or replace trigger hold_permissions_truncated after truncate on clerk.organization_memberships
  for each statement execute function rowlock.hold_no_permissions();

create or replace trigger hold_permissions_inserted after insert on clerk.roles
  for each row when (new.deleted_at is null) execute function rowlock.hold_permissions_of_role();
create or replace trigger hold_permissions_updated after update on clerk.roles
  for each row
  when (
    old.key is distinct from new.key
    or old.permissions is distinct from new.permissions
    or (old.deleted_at is null) <> (new.deleted_at is null)
    or old.created_at is distinct from new.created_at
  )
  execute function rowlock.hold_permissions_of_role();
create or replace trigger hold_permissions_deleted after delete on clerk.roles
  for each row when (old.deleted_at is null) execute function rowlock.hold_permissions_of_role();

-- What the mirror held before there was this table; applied again, what is there already is put right.
with known as materialized (
  select role, rowlock.role_permissions(role) as permissions
  from (select distinct role from clerk.organization_memberships where deleted_at is null and role is not null) as roles
)
insert into rowlock.held_permissions as held (user_id, organization_id, membership_id, role, permissions, member_since)
select
  m.user_id, m.organization_id, m.id, m.role,
  coalesce(known.permissions, array_remove(m.permissions, null), '{}'), m.created_at
from clerk.organization_memberships as m
left join known on known.role = m.role
where m.deleted_at is null and m.user_id is not null and m.organization_id is not null
on conflict (user_id, organization_id, membership_id) do update set
  role = excluded.role, permissions = excluded.permissions, member_since = excluded.member_since
where (held.role, held.permissions, held.member_since)
  is distinct from (excluded.role, excluded.permissions, excluded.member_since);

-- What policies ask of the mirror, in plpgsql: 0013 says why.
--
-- The memberships that hold now, one for each organization. A user who left and came back has two until the end of the first is
-- known: the younger counts. A user who was deleted or banned has none, nor has an organization that was deleted any members.
create or replace function clerk.my_memberships() returns table (organization_id text, role text, permissions text[])
  language plpgsql stable parallel safe security definer
  set search_path = ''
  rows 20
  as $$
declare
  caller constant text := clerk.user_id();
begin
  if caller is null or exists (
    select from clerk.users as u where u.id = caller and (u.deleted_at is not null or u.banned)
  ) then
    return;
  end if;
  return query
    select distinct on (held.organization_id) held.organization_id, held.role, held.permissions
    from rowlock.held_permissions as held
    where held.user_id = caller
      and not exists (
        select from clerk.organizations as o
        where o.id = held.organization_id and o.deleted_at is not null
      )
    order by held.organization_id, held.member_since desc nulls last, held.membership_id desc;
end
$$;

create or replace function clerk.my_org_ids() returns setof text
  language plpgsql stable parallel safe security definer
  set search_path = ''
  rows 20
  as $$
begin
  return query select mine.organization_id from clerk.my_memberships() as mine;
end
$$;

create or replace function clerk.is_member(organization_id text) returns boolean
  language plpgsql stable parallel safe security definer
  set search_path = ''
  as $$
begin
  return exists (select from clerk.my_memberships() as mine where mine.organization_id = is_member.organization_id);
end
$$;

create or replace function clerk.has_live_permission(permission text, organization_id text default clerk.org_id()) returns boolean
  language plpgsql stable parallel safe security definer
  set search_path = ''
  as $$
begin
  return exists (
    select
    from clerk.my_memberships() as mine
    where mine.organization_id = has_live_permission.organization_id
      and has_live_permission.permission = any (mine.permissions)
  );
end
$$;

create or replace function clerk.my_org_ids_with(permission text) returns setof text
  language plpgsql stable parallel safe security definer
  set search_path = ''
  rows 20
  as $$
begin
  return query
    select mine.organization_id from clerk.my_memberships() as mine where my_org_ids_with.permission = any (mine.permissions);
end
$$;
comment on function clerk.my_memberships() is 'The caller''s memberships that hold now, with the permissions of their roles now.';
