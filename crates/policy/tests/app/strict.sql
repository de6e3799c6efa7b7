create table public.ledgers (
  id bigint generated always as identity primary key,
  org_id text not null,
  name text not null
);

create table public.ledger_lines (
  id bigint generated always as identity primary key,
  ledger_id bigint not null references public.ledgers (id) on delete cascade,
  cents integer not null
);

create table public.line_notes (
  id bigint generated always as identity primary key,
  line_id bigint not null references public.ledger_lines (id) on delete cascade,
  body text not null
);

create table public.handbooks (
  id bigint generated always as identity primary key,
  org_id text not null,
  body text not null
);

create table public.articles (
  id bigint generated always as identity primary key,
  org_id text not null,
  author text not null,
  title text not null
);

create table public.previews (
  id bigint generated always as identity primary key,
  title text not null
);

create table public.trail (
  id bigint generated always as identity primary key,
  actor text not null,
  action text not null
);

create table public.messages (
  id bigint generated always as identity primary key,
  sender text not null,
  recipient text not null,
  body text not null
);
create index on public.messages (sender);
create index on public.messages (recipient);
