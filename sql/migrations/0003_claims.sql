-- What policies ask about the caller. Read from the verified claims of the transaction, in Clerk's version 1 and 2.
-- Called as `(select clerk.user_id())`, Postgres evaluates each once for a statement and not once for a row.

create or replace function clerk.claims() returns jsonb
  language sql stable
  as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;

create or replace function clerk.user_id() returns text
  language sql stable
  as $$ select case when clerk.claims() ->> 'sub' like 'user\_%' then clerk.claims() ->> 'sub' end $$;

create or replace function clerk.session_id() returns text
  language sql stable
  as $$ select clerk.claims() ->> 'sid' $$;

create or replace function clerk.org_id() returns text
  language sql stable
  as $$ select case when (clerk.claims() ->> 'v') = '2' then clerk.claims() -> 'o' ->> 'id' else clerk.claims() ->> 'org_id' end $$;

create or replace function clerk.org_slug() returns text
  language sql stable
  as $$ select case when (clerk.claims() ->> 'v') = '2' then clerk.claims() -> 'o' ->> 'slg' else clerk.claims() ->> 'org_slug' end $$;

create or replace function clerk.org_role() returns text
  language sql stable
  as $$ select case when (clerk.claims() ->> 'v') = '2' then 'org:' || (clerk.claims() -> 'o' ->> 'rol') else clerk.claims() ->> 'org_role' end $$;

comment on function clerk.claims() is 'The verified claims of this transaction, or null for a caller without a token.';
comment on function clerk.user_id() is 'The caller''s Clerk user id (user_…), or null.';
comment on function clerk.session_id() is 'The caller''s Clerk session id (sess_…), or null.';
comment on function clerk.org_id() is 'The organization that is active in the caller''s token (org_…), or null.';
comment on function clerk.org_slug() is 'The slug of the active organization, or null.';
comment on function clerk.org_role() is 'The caller''s role in the active organization, always with its prefix (org:admin), or null.';

revoke all on schema clerk from public;
grant usage on schema clerk to anon, authenticated, service_role;
revoke execute on all functions in schema clerk from public;
grant execute on all functions in schema clerk to anon, authenticated, service_role;

-- Column by column: `raw` holds private metadata and is granted to nobody.
grant select (
  id, primary_email_address, primary_email_address_verified, primary_phone_number, username, first_name, last_name,
  image_url, external_id, public_metadata, unsafe_metadata, banned, locked, last_sign_in_at, last_active_at, created_at,
  deleted_at
) on clerk.users to authenticated;
grant select (
  id, name, slug, image_url, created_by, members_count, max_allowed_memberships, public_metadata, created_at, deleted_at
) on clerk.organizations to authenticated;
grant select (
  id, organization_id, user_id, role, role_name, permissions, public_metadata, created_at, deleted_at
) on clerk.organization_memberships to authenticated;
grant select on clerk.active_users, clerk.active_organizations, clerk.active_organization_memberships to authenticated;
grant select on all tables in schema clerk to service_role;

drop policy if exists users_read_themselves on clerk.users;
create policy users_read_themselves on clerk.users
  for select to authenticated
  using (id = (select clerk.user_id()));

drop policy if exists users_read_their_memberships on clerk.organization_memberships;
create policy users_read_their_memberships on clerk.organization_memberships
  for select to authenticated
  using (user_id = (select clerk.user_id()));

drop policy if exists members_read_their_organizations on clerk.organizations;
create policy members_read_their_organizations on clerk.organizations
  for select to authenticated
  using (
    id = any (
      array(
        select organization_id
        from clerk.organization_memberships
        where user_id = (select clerk.user_id()) and deleted_at is null
      )
    )
  );
