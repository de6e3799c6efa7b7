-- The other ten kinds of Clerk objects, in the shape of 0002: typed columns that people filter on, the whole object in `raw`,
-- the version, and a tombstone that holds nothing but ids.

create table if not exists clerk.sessions (
  id text primary key,
  user_id text,
  client_id text,
  status text,
  actor jsonb,
  last_active_organization_id text,
  last_active_at timestamptz,
  expire_at timestamptz,
  abandon_at timestamptz,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.organization_invitations (
  id text primary key,
  organization_id text,
  user_id text,
  email_address text,
  role text,
  role_name text,
  inviter_id text,
  status text,
  public_metadata jsonb,
  expires_at timestamptz,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.organization_domains (
  id text primary key,
  organization_id text,
  name text,
  enrollment_mode text,
  affiliation_email_address text,
  verification_status text,
  total_pending_invitations bigint,
  total_pending_suggestions bigint,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.roles (
  id text primary key,
  key text,
  name text,
  description text,
  is_creator_eligible boolean,
  permissions text[],
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.permissions (
  id text primary key,
  key text,
  name text,
  description text,
  type text,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.invitations (
  id text primary key,
  email_address text,
  status text,
  revoked boolean,
  public_metadata jsonb,
  expires_at timestamptz,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.waitlist_entries (
  id text primary key,
  email_address text,
  status text,
  is_locked boolean,
  invitation_id text,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.subscriptions (
  id text primary key,
  payer_id text,
  payer_user_id text,
  payer_organization_id text,
  status text,
  active_at timestamptz,
  past_due_at timestamptz,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.subscription_items (
  id text primary key,
  subscription_id text,
  payer_id text,
  payer_user_id text,
  payer_organization_id text,
  plan_id text,
  plan_slug text,
  plan_period text,
  status text,
  is_free_trial boolean,
  period_start timestamptz,
  period_end timestamptz,
  canceled_at timestamptz,
  past_due_at timestamptz,
  ended_at timestamptz,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

create table if not exists clerk.payment_attempts (
  id text primary key,
  payment_id text,
  statement_id text,
  payer_id text,
  payer_user_id text,
  payer_organization_id text,
  status text,
  charge_type text,
  amount bigint,
  currency text,
  failed_reason text,
  billing_date timestamptz,
  paid_at timestamptz,
  failed_at timestamptz,
  created_at timestamptz,
  raw jsonb,
  clerk_updated_at bigint not null,
  event_at bigint not null,
  delivery_id text collate "C" not null,
  deleted_at timestamptz,
  synced_at timestamptz not null,
  source text not null check (source in ('webhook', 'backfill', 'reconcile', 'token'))
);

-- As in 0002, a predicate names the column itself.
create index if not exists sessions_user on clerk.sessions (user_id, status);
create index if not exists organization_invitations_organization on clerk.organization_invitations (organization_id, status);
create index if not exists organization_invitations_email_address on clerk.organization_invitations (lower(email_address)) where email_address is not null;
create index if not exists organization_domains_organization on clerk.organization_domains (organization_id);
create index if not exists organization_domains_name on clerk.organization_domains (lower(name)) where name is not null;
create index if not exists roles_key on clerk.roles (key) where key is not null;
create index if not exists permissions_key on clerk.permissions (key) where key is not null;
create index if not exists invitations_email_address on clerk.invitations (lower(email_address)) where email_address is not null;
create index if not exists waitlist_entries_email_address on clerk.waitlist_entries (lower(email_address)) where email_address is not null;
create index if not exists subscriptions_payer_user on clerk.subscriptions (payer_user_id) where payer_user_id is not null;
create index if not exists subscriptions_payer_organization on clerk.subscriptions (payer_organization_id) where payer_organization_id is not null;
create index if not exists subscription_items_payer_user on clerk.subscription_items (payer_user_id) where payer_user_id is not null;
create index if not exists subscription_items_payer_organization on clerk.subscription_items (payer_organization_id) where payer_organization_id is not null;
create index if not exists payment_attempts_payer_user on clerk.payment_attempts (payer_user_id) where payer_user_id is not null;
create index if not exists payment_attempts_payer_organization on clerk.payment_attempts (payer_organization_id) where payer_organization_id is not null;

create or replace view clerk.active_sessions with (security_invoker = true) as
  select id, user_id, client_id, status, actor, last_active_organization_id, last_active_at, expire_at, abandon_at, created_at
  from clerk.sessions
  where deleted_at is null;

create or replace view clerk.active_organization_invitations with (security_invoker = true) as
  select id, organization_id, user_id, email_address, role, role_name, inviter_id, status, public_metadata, expires_at, created_at
  from clerk.organization_invitations
  where deleted_at is null;

create or replace view clerk.active_organization_domains with (security_invoker = true) as
  select id, organization_id, name, enrollment_mode, affiliation_email_address, verification_status, total_pending_invitations, total_pending_suggestions, created_at
  from clerk.organization_domains
  where deleted_at is null;

create or replace view clerk.active_roles with (security_invoker = true) as
  select id, key, name, description, is_creator_eligible, permissions, created_at
  from clerk.roles
  where deleted_at is null;

create or replace view clerk.active_permissions with (security_invoker = true) as
  select id, key, name, description, type, created_at
  from clerk.permissions
  where deleted_at is null;

create or replace view clerk.active_invitations with (security_invoker = true) as
  select id, email_address, status, revoked, public_metadata, expires_at, created_at
  from clerk.invitations
  where deleted_at is null;

create or replace view clerk.active_waitlist_entries with (security_invoker = true) as
  select id, email_address, status, is_locked, invitation_id, created_at
  from clerk.waitlist_entries
  where deleted_at is null;

create or replace view clerk.active_subscriptions with (security_invoker = true) as
  select id, payer_id, payer_user_id, payer_organization_id, status, active_at, past_due_at, created_at
  from clerk.subscriptions
  where deleted_at is null;

create or replace view clerk.active_subscription_items with (security_invoker = true) as
  select id, subscription_id, payer_id, payer_user_id, payer_organization_id, plan_id, plan_slug, plan_period, status, is_free_trial, period_start, period_end, canceled_at, past_due_at, ended_at, created_at
  from clerk.subscription_items
  where deleted_at is null;

create or replace view clerk.active_payment_attempts with (security_invoker = true) as
  select id, payment_id, statement_id, payer_id, payer_user_id, payer_organization_id, status, charge_type, amount, currency, failed_reason, billing_date, paid_at, failed_at, created_at
  from clerk.payment_attempts
  where deleted_at is null;

comment on table clerk.sessions is 'Every session ever seen; those that Clerk still has are in clerk.active_sessions.';
comment on table clerk.organization_invitations is 'Every invitation to an organization ever seen; those that Clerk still has are in clerk.active_organization_invitations.';
comment on table clerk.organization_domains is 'Every domain of an organization ever seen; those that Clerk still has are in clerk.active_organization_domains.';
comment on table clerk.roles is 'Every role ever seen; those that Clerk still has are in clerk.active_roles.';
comment on table clerk.permissions is 'Every permission ever seen; those that Clerk still has are in clerk.active_permissions.';
comment on table clerk.invitations is 'Every invitation to the application ever seen; those that Clerk still has are in clerk.active_invitations.';
comment on table clerk.waitlist_entries is 'Every entry of the waitlist ever seen; those that Clerk still has are in clerk.active_waitlist_entries.';
comment on table clerk.subscriptions is 'Every subscription ever seen; those that Clerk still has are in clerk.active_subscriptions.';
comment on table clerk.subscription_items is 'Every item of a subscription ever seen; those that Clerk still has are in clerk.active_subscription_items.';
comment on table clerk.payment_attempts is 'Every attempt at a payment ever seen; those that Clerk still has are in clerk.active_payment_attempts.';
comment on view clerk.active_sessions is 'Sessions that Clerk still has; `status` says which of them are active.';
comment on view clerk.active_organization_invitations is 'Invitations to organizations that still exist; `status` says what became of each.';
comment on view clerk.active_organization_domains is 'Domains that organizations have now.';
comment on view clerk.active_roles is 'Roles that memberships may have now, with the keys of their permissions.';
comment on view clerk.active_permissions is 'Permissions that roles may hold now.';
comment on view clerk.active_invitations is 'Invitations to the application that Clerk still has; Clerk sends no event about them, so they are as new as the last reconciliation.';
comment on view clerk.active_waitlist_entries is 'Entries that the waitlist has now.';
comment on view clerk.active_subscriptions is 'Subscriptions of users and organizations.';
comment on view clerk.active_subscription_items is 'What users and organizations subscribe to.';
comment on view clerk.active_payment_attempts is 'Attempts at payments; amounts are in the smallest unit of the currency.';
comment on column clerk.payment_attempts.amount is 'Grand total in the smallest unit of the currency (cents).';
comment on column clerk.roles.permissions is 'Keys of the role''s permissions, system permissions (org:sys_…) included.';

alter table clerk.sessions enable row level security;
alter table clerk.organization_invitations enable row level security;
alter table clerk.organization_domains enable row level security;
alter table clerk.roles enable row level security;
alter table clerk.permissions enable row level security;
alter table clerk.invitations enable row level security;
alter table clerk.waitlist_entries enable row level security;
alter table clerk.subscriptions enable row level security;
alter table clerk.subscription_items enable row level security;
alter table clerk.payment_attempts enable row level security;

-- A user may see their own sessions, without addresses and devices (those are in `raw`). The rest is for the service role.
grant select (
  id, user_id, status, last_active_organization_id, last_active_at, expire_at, abandon_at, created_at, deleted_at
) on clerk.sessions to authenticated;
drop policy if exists users_read_their_sessions on clerk.sessions;
create policy users_read_their_sessions on clerk.sessions
  for select to authenticated
  using (user_id = (select clerk.user_id()));

-- A row may be there before Clerk has said more of the object than its id: made of a token or of a membership.
alter table clerk.users add column if not exists stub boolean not null default false;
alter table clerk.organizations add column if not exists stub boolean not null default false;
comment on column clerk.users.stub is 'True while only the id is certain: the row was made of a token or a membership, and Clerk is asked for the rest.';
comment on column clerk.organizations.stub is 'True while little more than the id is certain: the row was made of a token or a membership, and Clerk is asked for the rest.';
grant select (stub) on clerk.users, clerk.organizations to authenticated;

-- Whole objects are two kilobytes: in the row up to this size, so that writing one neither compresses nor moves it.
alter table clerk.users set (toast_tuple_target = 8160);
alter table clerk.organizations set (toast_tuple_target = 8160);
alter table clerk.organization_memberships set (toast_tuple_target = 8160);
alter table clerk.sessions set (toast_tuple_target = 8160);
alter table clerk.organization_invitations set (toast_tuple_target = 8160);
alter table clerk.organization_domains set (toast_tuple_target = 8160);
alter table clerk.roles set (toast_tuple_target = 8160);
alter table clerk.permissions set (toast_tuple_target = 8160);
alter table clerk.invitations set (toast_tuple_target = 8160);
alter table clerk.waitlist_entries set (toast_tuple_target = 8160);
alter table clerk.subscriptions set (toast_tuple_target = 8160);
alter table clerk.subscription_items set (toast_tuple_target = 8160);
alter table clerk.payment_attempts set (toast_tuple_target = 8160);

grant select on all tables in schema clerk to service_role;
