//! The tables, each once with the generated policies and once without any, and the orders in the forms that people write.

use anyhow::Result;
use policy::generator::{Existing, migration};
use policy::model::Model;
use postgres::Pool;

const DECLARATION: &str = r#"
[[table]]
name = "orders"
access = "organization"
organization = "org_id"

[[table]]
name = "customers"
access = "organization"
organization = "org_id"

[[table]]
name = "projects"
access = "organization"
organization = "org_id"

[[table]]
name = "notes"
access = "organization"
organization = "org_id"

[[table]]
name = "orders_mirror"
access = "organization"
organization = "org_id"
membership = "mirror"
"#;

/// Organization 0 is the member's own; `$1` cannot stand in a script, so a setting holds its id.
const TABLES: &str = "
create function public.organization(number bigint) returns text language sql stable
  as $$ select case number when 0 then current_setting('bench.organization') else 'org_' || number end $$;

create table public.customers (id bigint primary key, org_id text not null, name text not null);
insert into public.customers
select id, public.organization(id % 1000), 'customer ' || id from generate_series(0, 9999) as id;

create table public.projects (id bigint primary key, org_id text not null, name text not null);
insert into public.projects
select id, public.organization(id % 1000), 'project ' || id from generate_series(0, 99999) as id;

create table public.orders (
  id bigint primary key, org_id text not null, customer_id bigint not null, project_id bigint not null, cents bigint not null
);
insert into public.orders
select id, public.organization(id % 1000), id % 10000, id % 100000, id from generate_series(0, 999999) as id;

create table public.notes (id bigint primary key, org_id text not null, order_id bigint not null, body text not null);
insert into public.notes
select id, public.organization(id % 1000), id, 'note ' || id from generate_series(0, 999999) as id;
create index on public.notes (order_id);

create table public.customers_open (like public.customers including all);
insert into public.customers_open table public.customers;
create table public.projects_open (like public.projects including all);
insert into public.projects_open table public.projects;
create table public.orders_open (like public.orders including all);
insert into public.orders_open table public.orders;
create table public.notes_open (like public.notes including all);
insert into public.notes_open table public.notes;
create index on public.customers_open (org_id);
create index on public.projects_open (org_id);
create index on public.orders_open (org_id);
create index on public.notes_open (org_id);
grant select on public.customers_open, public.projects_open, public.orders_open, public.notes_open to authenticated;

create table public.orders_mirror (like public.orders including all);
insert into public.orders_mirror table public.orders;

create table public.orders_bare (like public.orders including all);
insert into public.orders_bare table public.orders;
create index on public.orders_bare (org_id);
alter table public.orders_bare enable row level security;
create policy bare on public.orders_bare for select to authenticated using (org_id = clerk.org_id());

create table public.orders_bare_unindexed (like public.orders including all);
insert into public.orders_bare_unindexed table public.orders;
alter table public.orders_bare_unindexed enable row level security;
create policy bare on public.orders_bare_unindexed for select to authenticated using (org_id = clerk.org_id());

create table public.orders_definer (like public.orders including all);
insert into public.orders_definer table public.orders;
create index on public.orders_definer (org_id);
alter table public.orders_definer enable row level security;
create function public.belongs_to(organization_id text) returns boolean
  language sql stable security definer set search_path = ''
  as $$
    select exists (
      select from clerk.organization_memberships as m
      where m.organization_id = belongs_to.organization_id and m.user_id = clerk.user_id() and m.deleted_at is null
    )
  $$;
create policy definer on public.orders_definer for select to authenticated using (public.belongs_to(org_id));
grant select on public.orders_bare, public.orders_bare_unindexed, public.orders_definer to authenticated;
";

/// The member of one organization, and ten thousand members of the others.
const MEMBERSHIPS: &str = "
insert into clerk.organization_memberships
  (id, organization_id, user_id, role, permissions, clerk_updated_at, event_at, delivery_id, synced_at, source)
select 'orgmem_' || number, public.organization(number % 1000),
  case number when 0 then current_setting('bench.user') else 'user_' || number end,
  'org:editor', '{org:invoices:read}', 1, 1, 'msg', now(), 'backfill'
from generate_series(0, 9999) as number;
";

/// Makes and fills them.
pub(super) async fn fill(owner: &Pool, organization_id: &str, user_id: &str) -> Result<()> {
    let model = Model::parse(DECLARATION)?;
    let generated = migration(&model, model.tables.iter().map(|table| (table, Existing::default())));
    let connection = owner.get().await?;
    connection
        .execute(
            "select set_config('bench.organization', $1, false), set_config('bench.user', $2, false)",
            &[&organization_id, &user_id],
        )
        .await?;
    connection.batch_execute(TABLES).await?;
    connection.batch_execute(MEMBERSHIPS).await?;
    connection.batch_execute(&generated).await?;
    // Not inside a transaction, and not while autovacuum does the same in the middle of a round.
    connection.batch_execute("vacuum analyze").await?;
    Ok(())
}
