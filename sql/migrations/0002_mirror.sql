-- The mirror: one table for each kind of Clerk object.
--
-- A row's version is (clerk_updated_at, event_at, delivery_id): the object's own clock, the event's clock, then the
-- delivery's id. An older version never replaces a newer one. A deleted object keeps its row as a tombstone: the id, when
-- it was deleted, and nothing about the person; no later event raises it.
-- Times named *_at with type bigint are milliseconds of Unix time, as Clerk sends them.
-- There are no foreign keys: events arrive in any order. E-mail addresses and user names are not unique: Clerk hands them on.

create schema if not exists clerk;
comment on schema clerk is 'Clerk in Postgres: the mirror''s tables, live views and the functions that policies call. Written by Rowlock.';

create table if not exists clerk.users (
  id text primary key,
  primary_email_address text,
  primary_email_address_verified boolean,
  primary_phone_number text,
  username text,
  first_name text,
  last_name text,
  image_url text,
  external_id text,
  public_metadata jsonb,
  unsafe_metadata jsonb,
  banned boolean,
  locked boolean,
  last_sign_in_at timestamptz,
  last_active_at timestamptz,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.organizations (
  id text primary key,
  name text,
  slug text,
  image_url text,
  created_by text,
  members_count bigint,
  max_allowed_memberships bigint,
  public_metadata jsonb,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.organization_memberships (
  id text primary key,
  organization_id text,
  user_id text,
  role text,
  role_name text,
  permissions text[],
  public_metadata jsonb,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

-- The predicates name the column itself (a tombstone has none of them). With `deleted_at is null` the planner would take these
-- for indexes of all live rows, and scan one of them for a look-up by id as long as the table has no statistics.
create index if not exists users_primary_email_address on clerk.users (lower(primary_email_address)) where primary_email_address is not null;
create index if not exists users_external_id on clerk.users (external_id) where external_id is not null;
create index if not exists organizations_slug on clerk.organizations (slug) where slug is not null;
create index if not exists organization_memberships_user on clerk.organization_memberships (user_id, organization_id);
create index if not exists organization_memberships_organization on clerk.organization_memberships (organization_id, user_id);

create or replace view clerk.active_users with (security_invoker = true) as
  select
    id, primary_email_address, primary_email_address_verified, primary_phone_number, username, first_name, last_name,
    image_url, external_id, public_metadata, unsafe_metadata, banned, locked, last_sign_in_at, last_active_at, created_at
  from clerk.users
  where deleted_at is null;

create or replace view clerk.active_organizations with (security_invoker = true) as
  select id, name, slug, image_url, created_by, members_count, max_allowed_memberships, public_metadata, created_at
  from clerk.organizations
  where deleted_at is null;

-- A user who left and came back has two memberships until the end of the first is known: the younger one counts.
create or replace view clerk.active_organization_memberships with (security_invoker = true) as
  select distinct on (organization_id, user_id)
    id, organization_id, user_id, role, role_name, permissions, public_metadata, created_at
  from clerk.organization_memberships
  where deleted_at is null
  order by organization_id, user_id, created_at desc nulls last, id desc;

comment on table clerk.users is 'Every Clerk user ever seen; the live ones are in clerk.active_users.';
comment on table clerk.organizations is 'Every Clerk organization ever seen; the live ones are in clerk.active_organizations.';
comment on table clerk.organization_memberships is 'Every membership ever seen; a user who is added again gets a new id. The live ones are in clerk.active_organization_memberships.';
comment on view clerk.active_users is 'Users that Clerk still has, without private metadata.';
comment on view clerk.active_organizations is 'Organizations that Clerk still has.';
comment on view clerk.active_organization_memberships is 'Memberships that hold now: one for each organization and user.';
comment on column clerk.users.raw is 'The whole object as Clerk sent it, private metadata included: granted to no client role.';
comment on column clerk.users.clerk_updated_at is 'updated_at of the object in milliseconds, as sent; 0 when it had none.';
comment on column clerk.users.event_at is 'Time of the event in milliseconds, as sent.';
comment on column clerk.users.delivery_id is 'The svix-id of the delivery that this row is made of.';
comment on column clerk.users.deleted_at is 'When Clerk deleted the user. The row then is a tombstone and holds nothing about the person.';
comment on column clerk.users.synced_at is 'When Rowlock wrote this row.';
comment on column clerk.users.source is 'Who brought the row: webhook, backfill, reconcile or token.';
comment on column clerk.organization_memberships.permissions is 'All permissions of the role, system permissions (org:sys_…) included, which tokens never carry.';

-- Rowlock writes as the owner. Clients read their own row and their organizations through the policies below.
alter table clerk.users enable row level security;
alter table clerk.organizations enable row level security;
alter table clerk.organization_memberships enable row level security;
