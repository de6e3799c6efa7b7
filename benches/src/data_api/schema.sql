create table public.boats (id bigint primary key, org_id text not null default clerk.org_id(), name text not null, seats integer not null);
create table public.rowers (
  id bigint primary key, org_id text not null default clerk.org_id(), name text not null,
  boat_id bigint not null references public.boats
);
create table public.oars (
  id bigint primary key, org_id text not null default clerk.org_id(), length integer not null,
  rower_id bigint not null references public.rowers
);
create table public.logs (id bigint primary key generated always as identity, org_id text not null default clerk.org_id(), said text not null);

create index on public.boats (org_id, id);
create index on public.rowers (boat_id);
create index on public.oars (rower_id);

alter table public.boats enable row level security;
alter table public.rowers enable row level security;
alter table public.oars enable row level security;
alter table public.logs enable row level security;
create policy own on public.boats to authenticated using (org_id = (select clerk.org_id()));
create policy own on public.rowers to authenticated using (org_id = (select clerk.org_id()));
create policy own on public.oars to authenticated using (org_id = (select clerk.org_id()));
create policy own on public.logs to authenticated
  using (org_id = (select clerk.org_id())) with check (org_id = (select clerk.org_id()));

create function public.seats_of(boat bigint) returns bigint language sql stable as $$
  select seats from public.boats where id = boat
$$;

grant usage on schema public to authenticated;
grant select on public.boats, public.rowers, public.oars, public.logs to authenticated;
grant insert on public.logs to authenticated;
