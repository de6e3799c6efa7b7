//! Taking webhooks over HTTP: `rowlock serve`, the handler that people write by hand, and what Postgres takes at all.
//!
//! Every delivery is a signed `user.created` of a user never seen before, sent over kept-alive connections by a generator that
//! does little else than sign. All endpoints verify the signature, write to Postgres and answer 2xx after the commit;
//! Rowlock also keeps the inbox, the order of versions and everything else that a handler has not. The limit is the same
//! rows of inbox and users, unsigned and unparsed, in transactions of a hundred deliveries.

mod handler;
mod limit;
mod load;
mod serve;
mod stock;

use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Runtime;

use crate::database::Database;
use crate::measure::{Contender, Measured, Race};
use crate::report::Report;
use crate::session::Session;
pub(crate) use serve::{Server, free_address};
use stock::Stock;

/// Connections of the generator, each with one delivery on its way: the burst of an import, more than any endpoint has
/// use for, so that all are saturated.
const CONNECTIONS: usize = 512;

const EXPRESS: &str = "Express, verifyWebhook and an upsert through pg";
const NEXT: &str = "the same as a route of Next.js";
const BARE: &str = "the same on Node's own HTTP server, without a framework";

pub(crate) fn measure(runtime: &Runtime, database: &Database, report: &mut Report) -> Result<()> {
    let session = runtime.block_on(Session::begin())?;
    let stock = Arc::new(Stock::of(&session)?);
    runtime.block_on(async {
        database.owner.get().await?.batch_execute(handler::TABLE).await.map_err(anyhow::Error::from)
    })?;
    let serve = serve::start(runtime, database, &stock)?;
    let express = handler::express(database, &stock);
    let bare = handler::bare(database, &stock);
    let next = handler::next(database, &stock);
    let peers = [
        (EXPRESS, express.as_ref().map(|server| server.address)),
        (NEXT, next.as_ref().map(|(server, _)| server.address)),
        (BARE, bare.as_ref().map(|server| server.address)),
    ];
    let (size, version) = (stock.body_size(), database.version());
    let closed = |address| {
        let stock = Arc::clone(&stock);
        move || load::closed_loop(runtime, address, &stock, CONNECTIONS)
    };
    let mut contenders = vec![Contender::ours("rowlock serve", closed(serve.address))];
    for (name, address) in &peers {
        contenders.push(Contender::peer(
            *name,
            match address {
                Ok(address) => Ok(Box::new(closed(*address))),
                Err(reason) => Err(anyhow::anyhow!("{reason:#}")),
            },
        ));
    }
    contenders.push(Contender::limit(
        "Postgres alone, 100 deliveries a transaction",
        Ok(Box::new(|| limit::round(runtime, database, &stock))),
    ));
    let renew = || runtime.block_on(stock.renew(&database.owner));
    let race = Race::run_tidying(
        format!("ingest: user.created of {size} bytes over HTTP, {CONNECTIONS} connections (Postgres {version})"),
        contenders,
        renew,
    )?;
    let saturations: Vec<_> = race.results[1..=peers.len()].iter().map(Measured::per_second).collect();
    report.add(race);

    for ((name, address), rate) in peers.into_iter().zip(saturations) {
        let (Ok(address), Some(rate)) = (address, rate) else { continue };
        let open = |address| {
            let stock = Arc::clone(&stock);
            move || load::open_loop(runtime, address, &stock, CONNECTIONS, rate)
        };
        report.add(Race::run_tidying(
            format!("ingest: {rate:.0} deliveries per second, where the second is saturated; look at p99"),
            vec![
                Contender::ours("rowlock serve", open(serve.address)),
                Contender::peer(name, Ok(Box::new(open(address)))),
            ],
            renew,
        )?);
    }
    Ok(())
}
