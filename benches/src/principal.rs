//! A client's statement under its identity: one round trip against four.
//!
//! Both sides send the same four statements with the same login and get the same row; they differ in whether the next is sent before
//! the last was answered, and ours cleans the session besides. The limit is the shortest thing one can ask a Postgres, one round trip long.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use postgres::{ClientPool, Parameter, Pool};
use tokens::Principal;
use tokio::runtime::Runtime;
use tokio_postgres::types::Type;

use crate::database::Database;
use crate::measure::{Contender, Race};
use crate::report::Report;
use crate::session::Session;
use crate::{callers, delay_proxy};

/// A network between two machines of one region.
const ONE_WAY: Duration = Duration::from_millis(1);

/// A thousand rows of ours among ten thousand.
const NOTES: &str = "
create table public.notes (id bigint primary key, org_id text not null, body text not null);
create index notes_org on public.notes (org_id);
alter table public.notes enable row level security;
grant usage on schema public to authenticated;
grant select on public.notes to authenticated;
create policy notes_of_the_organization on public.notes for select to authenticated
  using (org_id = (select clerk.org_id()));
";
const FILL: &str = "
insert into public.notes (id, org_id, body)
select id, case id % 10 when 0 then $1 else 'org_' || id % 10 end, repeat('note ', 20)
from generate_series(1, 10000) as id
";

const STATEMENT: &str = "select id, body from public.notes where id = $1";
/// One of ours.
const NOTE: i64 = 5000;
const SETTINGS: &str = include_str!("../../sql/principal/settings.sql");

pub(crate) fn measure(runtime: &Runtime, database: &Database, report: &mut Report) -> Result<()> {
    let session = runtime.block_on(Session::begin())?;
    runtime.block_on(fill(&database.owner, &session.organization_id))?;
    let near = database.both_through(database.port())?;
    let far = database.both_through(delay_proxy::start(database.port(), ONE_WAY)?)?;
    let network = format!("{} ms each way", ONE_WAY.as_millis());
    for (pool, where_to, callers) in [(&near, "loopback", 1), (&near, "loopback", 32), (&far, network.as_str(), 1)] {
        let title = format!(
            "principal: one indexed row of 10,000 under row-level security, {where_to}, concurrency {callers} \
             (Postgres {})",
            database.version()
        );
        report.add(Race::run(title, contenders(runtime, pool, &session.principal, callers))?);
    }
    Ok(())
}

async fn fill(owner: &Pool, organization_id: &str) -> Result<()> {
    let connection = owner.get().await?;
    connection.batch_execute(NOTES).await?;
    connection.execute(FILL, &[&organization_id]).await?;
    connection.batch_execute("analyze public.notes").await?;
    Ok(())
}

fn contenders<'a>(
    runtime: &'a Runtime,
    (clients, pool): &'a (ClientPool, Pool),
    principal: &'a Arc<Principal>,
    count: usize,
) -> Vec<Contender<'a>> {
    vec![
        Contender::ours("ClientPool::as_principal(..).query(..)", move || {
            let (clients, principal) = (clients.clone(), Arc::clone(principal));
            callers::round(runtime, count, move || in_one_flight(clients.clone(), Arc::clone(&principal)))
        }),
        Contender::peer(
            "the same four statements, each awaited",
            Ok(Box::new(move || {
                let (pool, principal) = (pool.clone(), Arc::clone(principal));
                callers::round(runtime, count, move || one_by_one(pool.clone(), Arc::clone(&principal)))
            })),
        ),
        Contender::limit(
            "a bare `select 1`",
            Ok(Box::new(move || {
                let pool = pool.clone();
                callers::round(runtime, count, move || round_trip(pool.clone()))
            })),
        ),
    ]
}

async fn in_one_flight(clients: ClientPool, principal: Arc<Principal>) -> Result<()> {
    let rows = clients.as_principal(&principal).query(STATEMENT, &[(&NOTE, Type::INT8)]).await?;
    found_it(rows.len())
}

async fn one_by_one(pool: Pool, principal: Arc<Principal>) -> Result<()> {
    let (role, claims, none) = (principal.role(), principal.claims_json(), "");
    let settings: [Parameter<'_>; 5] =
        [(&role, Type::TEXT), (&claims, Type::TEXT), (&none, Type::TEXT), (&none, Type::TEXT), (&none, Type::TEXT)];
    let connection = pool.get().await?;
    connection.batch_execute("begin").await?;
    connection.query_typed(SETTINGS, &settings).await?;
    let rows = connection.query_typed(STATEMENT, &[(&NOTE, Type::INT8)]).await?;
    connection.batch_execute("commit").await?;
    found_it(rows.len())
}

async fn round_trip(pool: Pool) -> Result<()> {
    let rows = pool.get().await?.query_typed("select 1", &[]).await?;
    found_it(rows.len())
}

/// A fast answer without the row is no answer.
fn found_it(rows: usize) -> Result<()> {
    ensure!(rows == 1, "expected one row, found {rows}");
    Ok(())
}
