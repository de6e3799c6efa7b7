-- The application of the demo: tasks that belong to a person or to an organization, locked to whoever may see them.
create table public.tasks (
  id bigint generated always as identity primary key,
  title text not null,
  owner_id text not null,
  org_id text
);
create index tasks_owner on public.tasks (owner_id);
create index tasks_org on public.tasks (org_id);

alter table public.tasks enable row level security;
grant usage on schema public to authenticated;
grant select on public.tasks to authenticated;

create policy own_tasks on public.tasks for select to authenticated
  using (org_id is null and owner_id = (select clerk.user_id()));
create policy organization_tasks on public.tasks for select to authenticated
  using (org_id = (select clerk.org_id()));
