//! Row-level security as Rowlock generates it, beside what people write, on a million rows of a thousand organizations.
//!
//! The tables hold the same rows; they differ in their policies alone. Everybody asks through the client pool, as the same
//! member of one organization, and must answer with that organization's rows. *Ours* are policies out of the generator.

mod cache;
mod tables;
mod tools;

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use postgres::{ClientPool, ClientTransaction, End, Identity, Isolation, Parameter};
use tokens::Principal;
use tokio::runtime::Runtime;
use tokio_postgres::types::Type;

use crate::callers;
use crate::database::Database;
use crate::measure::{Contender, Race, Round, Run};
use crate::report::Report;
use crate::session::Session;

/// Rows of one organization in each of the large tables.
pub(super) const ROWS_EACH: i64 = 1_000;

pub(crate) fn measure(runtime: &Runtime, database: &Database, report: &mut Report) -> Result<()> {
    let session = runtime.block_on(Session::begin())?;
    let user_id = session.user["id"].as_str().context("a user has an id")?;
    runtime.block_on(tables::fill(&database.owner, &session.organization_id, user_id))?;
    let asking = Asking { runtime, pool: database.clients()?, session: &session };
    let version = database.version();

    report.add(Race::run(
        format!("policies: one organization's 1,000 of 1,000,000 rows, read as a member (Postgres {version})"),
        vec![
            Contender::ours("the generated policy", asking.run("select id, cents from public.orders", ROWS_EACH)),
            asking.limit(
                "no policy, `where org_id = …`",
                "select id, cents from public.orders_open where org_id = $1",
                ROWS_EACH,
            ),
            asking.peer(
                "bare function, `org_id = clerk.org_id()`, with an index",
                "select id, cents from public.orders_bare",
                ROWS_EACH,
            ),
            asking.peer(
                "bare function, without an index",
                "select id, cents from public.orders_bare_unindexed",
                ROWS_EACH,
            ),
            asking.slow_peer(
                "security definer function for each row",
                "select id, cents from public.orders_definer",
                ROWS_EACH,
            ),
        ],
    )?);
    report.add(Race::run(
        format!(
            "policies: the same, over every organization of the member, as the mirror knows them (Postgres {version})"
        ),
        vec![
            Contender::ours(
                "the generated policy",
                asking.run("select id, cents from public.orders_mirror", ROWS_EACH),
            ),
            asking.limit(
                "no policy, `where org_id = …`",
                "select id, cents from public.orders_open where org_id = $1",
                ROWS_EACH,
            ),
        ],
    )?);
    let join = |suffix: &str, condition: &str| {
        format!(
            "select o.id, c.name, p.name, n.body
             from public.orders{suffix} as o
             join public.customers{suffix} as c on c.id = o.customer_id
             join public.projects{suffix} as p on p.id = o.project_id
             join public.notes{suffix} as n on n.order_id = o.id{condition}"
        )
    };
    let of_one = " where o.org_id = $1 and c.org_id = $1 and p.org_id = $1 and n.org_id = $1";
    report.add(Race::run(
        format!("policies: a join of four tables (1,000,000, 1,000,000, 100,000 and 10,000 rows), one organization's (Postgres {version})"),
        vec![
            Contender::ours("four generated policies", asking.run(&join("", ""), ROWS_EACH)),
            asking.limit("no policies, `where org_id = …` four times", &join("_open", of_one), ROWS_EACH),
        ],
    )?);
    cache::measure(runtime, database, report)?;
    tools::measure(runtime, database, report)
}

/// One member, who asks.
struct Asking<'a> {
    runtime: &'a Runtime,
    pool: ClientPool,
    session: &'a Session,
}

impl<'a> Asking<'a> {
    fn run(&self, statement: &str, rows: i64) -> impl FnMut() -> Result<Round> + use<'a> {
        let (runtime, pool, statement) = (self.runtime, self.pool.clone(), Arc::new(statement.to_owned()));
        let principal = Arc::clone(&self.session.principal);
        let organization = Arc::new(self.session.organization_id.clone());
        move || {
            let (pool, principal) = (pool.clone(), Arc::clone(&principal));
            let (statement, organization) = (Arc::clone(&statement), Arc::clone(&organization));
            callers::round(runtime, 1, move || {
                ask(pool.clone(), Arc::clone(&principal), Arc::clone(&statement), Arc::clone(&organization), rows)
            })
        }
    }

    fn boxed(&self, statement: &str, rows: i64) -> Run<'a> {
        Box::new(self.run(statement, rows))
    }

    fn peer(&self, name: &str, statement: &str, rows: i64) -> Contender<'a> {
        Contender::peer(name, Ok(self.boxed(statement, rows)))
    }

    /// One call a round, without a warm-up: it takes longer than everybody else's round.
    fn slow_peer(&self, name: &str, statement: &str, rows: i64) -> Contender<'a> {
        let (runtime, pool, statement) = (self.runtime, self.pool.clone(), Arc::new(statement.to_owned()));
        let principal = Arc::clone(&self.session.principal);
        let organization = Arc::new(self.session.organization_id.clone());
        let run = move || {
            let began = Instant::now();
            let call =
                ask(pool.clone(), Arc::clone(&principal), Arc::clone(&statement), Arc::clone(&organization), rows);
            runtime.block_on(call)?;
            Ok(Round::of(vec![began.elapsed()], began.elapsed()))
        };
        Contender::peer(name, Ok(Box::new(run)))
    }

    fn limit(&self, name: &str, statement: &str, rows: i64) -> Contender<'a> {
        Contender::limit(name, Ok(self.boxed(statement, rows)))
    }
}

async fn ask(
    pool: ClientPool,
    principal: Arc<Principal>,
    statement: Arc<String>,
    organization: Arc<String>,
    rows: i64,
) -> Result<()> {
    let organization: &str = &organization;
    let parameters: &[Parameter<'_>] = if statement.contains("$1") { &[(&organization, Type::TEXT)] } else { &[] };
    // As the data API does: prepared for the role, and planned once.
    let transaction = ClientTransaction {
        identity: Identity::from(&*principal),
        read_only: true,
        isolation: Isolation::ReadCommitted,
        settings_before_role: &[],
        settings: &[],
        ensures_rows: false,
        before: None,
        statements: &[(&statement, parameters)],
        prepares: true,
        end: End::Commit,
    };
    let found = pool.run_for_client(transaction).await?[0].len();
    ensure!(found as i64 == rows, "expected {rows} rows, found {found}");
    Ok(())
}
