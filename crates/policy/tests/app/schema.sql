-- A small organization app, with one table of each kind of access.
create type public.project_status as enum ('open', 'done');

create table public.projects (
  id bigint generated always as identity primary key,
  org_id text not null,
  created_by text not null,
  name text not null check (length(name) between 1 and 80),
  status public.project_status not null default 'open',
  budget numeric(10, 2) check (budget >= 0),
  created_at timestamptz not null default now()
);

create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  project_id bigint not null references public.projects (id) on delete cascade,
  title text not null,
  done boolean not null default false
);

create table public.notes (
  id serial primary key,
  user_id text not null,
  body text not null
);

create table public.profiles (
  user_id text primary key,
  handle text not null unique check (handle ~ '^[a-z0-9_]{3,30}$'),
  is_public boolean not null default false
);

create table public.announcements (
  id bigint generated always as identity primary key,
  author text not null,
  body text not null
);

create table public.invoices (
  id bigint generated always as identity primary key,
  org_id text not null,
  cents integer not null check (cents > 0)
);

create table public.audit_log (
  id bigint generated always as identity primary key,
  org_id text not null,
  actor text not null,
  action text not null,
  details jsonb not null default '{}'
);

create table public.reports (
  id bigint generated always as identity primary key,
  title text not null
);
