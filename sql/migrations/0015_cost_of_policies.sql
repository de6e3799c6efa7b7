-- What every statement under a policy pays, and what every new membership pays, made cheaper. What the functions answer is the
-- same as before.
--
-- A pattern that counts, `{1,128}`, is a machine of as many states, and Postgres walks them by itself: it cost thirty microseconds
-- of each call, where the claims themselves are read in ten. The length is compared as a number, the pattern only repeats.

create or replace function clerk.user_id() returns text
  language plpgsql stable parallel safe
  set search_path = ''
  as $$
declare
  found constant text := clerk.claims() ->> 'sub';
begin
  -- Nothing but a text of Clerk's has this form: no number, no list, no unresolved shortcode.
  if length(found) <= 133 and found ~ '^user_[A-Za-z0-9_-]+$' then
    return found;
  end if;
  return null;
end
$$;

create or replace function clerk.session_id() returns text
  language plpgsql stable parallel safe
  set search_path = ''
  as $$
declare
  found constant text := clerk.claims() ->> 'sid';
begin
  if length(found) <= 133 and found ~ '^sess_[A-Za-z0-9_-]+$' then
    return found;
  end if;
  return null;
end
$$;

create or replace function clerk.organization_claims() returns jsonb
  language plpgsql stable parallel safe
  set search_path = ''
  as $$
declare
  token constant jsonb := clerk.claims();
  version constant integer := case when (token -> 'v')::text = '2' then 2 else clerk.claims_version() end;
  organization jsonb;
  found text;
begin
  if version = 2 and jsonb_typeof(token -> 'o') = 'object' then
    organization := jsonb_build_object(
      'id', token -> 'o' -> 'id',
      'slug', token -> 'o' -> 'slg',
      'role', token -> 'o' -> 'rol',
      'actions', token -> 'o' -> 'per',
      'masks', token -> 'o' -> 'fpm',
      'features', token -> 'fea'
    );
  elsif version = 1 then
    organization := jsonb_build_object(
      'id', token -> 'org_id',
      'slug', token -> 'org_slug',
      'role', token -> 'org_role',
      'permissions', token -> 'org_permissions'
    );
  end if;
  found := organization ->> 'id';
  if length(found) <= 132 and found ~ '^org_[A-Za-z0-9_-]+$' then
    return organization;
  end if;
  return null;
end
$$;

-- By itself, and not out of organization_claims: nearly every policy asks for it.
create or replace function clerk.org_id() returns text
  language plpgsql stable parallel safe
  set search_path = ''
  as $$
declare
  token constant jsonb := clerk.claims();
  found constant text := case
    when (token -> 'v')::text = '2' then token -> 'o' ->> 'id'
    when clerk.claims_version() = 1 then token ->> 'org_id'
  end;
begin
  if length(found) <= 132 and found ~ '^org_[A-Za-z0-9_-]+$' then
    return found;
  end if;
  return null;
end
$$;

-- Nearly every token says `active`: that is compared before anything is looked at more closely.
create or replace function clerk.is_pending() returns boolean
  language plpgsql stable parallel safe
  set search_path = ''
  as $$
declare
  status constant jsonb := clerk.claims() -> 'sts';
begin
  return coalesce(status <> '"active"', false) and clerk.claim_text(status) is not null;
end
$$;

-- The permission cache, as new memberships are written into it: one statement where there were two, and no search for rows that are
-- there already before each that is added. That makes it half as dear.
--
-- Whoever reads the permissions of a role in order to write them down keeps everybody else from changing them until the end of the
-- transaction. Volatile: the answer is of the moment after the wait.
create or replace function rowlock.keep_role_permissions(asked text) returns text[]
  language plpgsql volatile
  set search_path = ''
  as $$
begin
  perform pg_advisory_xact_lock_shared(rowlock.role_lock(asked));
  return rowlock.role_permissions(asked);
end
$$;
comment on function rowlock.keep_role_permissions(text) is 'The permissions of a role, which nobody changes until the transaction ends.';

create or replace function rowlock.hold_permissions_of_new() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  for attempt in 1..2 loop
    begin
      -- Materialized: once for each role, and not once for each row; in the order of the roles, in which everybody locks them.
      with known as materialized (
        select role, rowlock.keep_role_permissions(role) as permissions
        from (select distinct role from new_rows where deleted_at is null and role is not null order by role offset 0) as roles
      )
      insert into rowlock.held_permissions (user_id, organization_id, membership_id, role, permissions, member_since)
      select
        n.user_id, n.organization_id, n.id, n.role,
        coalesce(known.permissions, array_remove(n.permissions, null), '{}'), n.created_at
      from new_rows as n
      left join known on known.role = n.role
      where n.deleted_at is null and n.user_id is not null and n.organization_id is not null;
      return null;
    exception when unique_violation then
      -- A membership that is new has no row here, unless somebody deleted it while the triggers were switched off.
      if attempt = 2 then
        raise;
      end if;
      delete from rowlock.held_permissions as held
      using new_rows as n
      where held.user_id = n.user_id and held.organization_id = n.organization_id and held.membership_id = n.id;
    end;
  end loop;
  return null;
end
$$;
