//! `rowlock uninstall`: takes Rowlock out of a database, after saying what would go.

use std::process::ExitCode;

use anyhow::Context as _;
use postgres::{
    CLIENT_LOGIN, Inventory, Login, Pool, SERVICE_LOGIN, drop_client_login, drop_service_login, inventory, uninstall,
};
use serde_json::{Value, json};

use crate::cli::UninstallArguments;
use crate::confirm;
use crate::printer::{BAD, DIM, GOOD, Printer, STRONG, WARN};
use crate::report::Hinted;

pub(super) async fn run(arguments: UninstallArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let owner = super::owner_pool()?;
    let url = owner.url().clone();
    let Some(found) = inventory(&owner).await.with_context(|| format!("{url} cannot be looked into"))? else {
        printer.line(format!("Rowlock is not in {url}: there is nothing to uninstall"));
        printer.value(&json!({ "installed": false }));
        return Ok(ExitCode::SUCCESS);
    };
    show(&found, &owner, arguments.cascade, printer);
    let nothing_is_lost = found.dependents.is_empty() && found.mentions.is_empty();
    let blocked = !(arguments.cascade || nothing_is_lost);
    if blocked || arguments.dry_run {
        printer.value(&as_json(&found, false, None));
        if !blocked {
            return Ok(ExitCode::SUCCESS);
        }
        let count = found.dependents.len() + found.mentions.len();
        let objects =
            if count == 1 { "object of the application depends" } else { "objects of the application depend" };
        let message = format!("{count} {objects} on Rowlock's schemas: nothing was dropped");
        return Err(Hinted::new(message, "change or drop them first, or take them along with --cascade").into());
    }
    if !confirm::agreed(&format!("drop the schemas clerk and rowlock of {url} with everything in them"), arguments.yes)?
    {
        printer.line("nothing was dropped");
        return Ok(ExitCode::FAILURE);
    }
    uninstall(&owner, arguments.cascade).await.context("nothing was dropped")?;
    printer.line(format!("{GOOD}✓{GOOD:#} schemas clerk and rowlock are dropped"));
    let login = drop_client_login(&owner).await.context("the schemas are dropped, but not the login")?;
    match &login {
        Login::Dropped => {
            printer.line(format!("{GOOD}✓{GOOD:#} login {CLIENT_LOGIN} is dropped"));
            if !drop_service_login(&owner)
                .await
                .context("the schemas are dropped, but not the login for secret keys")?
            {
                printer.line(format!("{WARN}!{WARN:#} login {SERVICE_LOGIN} stays: somebody uses it"));
            }
        }
        Login::Absent => {}
        Login::Kept(reason) => printer.line(format!("{WARN}!{WARN:#} login {CLIENT_LOGIN} stays: {reason}")),
    }
    printer.line(format!("{DIM}roles anon, authenticated and service_role stay: others may use them{DIM:#}"));
    printer.value(&as_json(&found, true, Some(&login)));
    Ok(ExitCode::SUCCESS)
}

fn show(found: &Inventory, owner: &Pool, cascade: bool, printer: Printer) {
    printer.line(format!("{STRONG}In {}{STRONG:#} there would be dropped:", owner.url()));
    for contents in &found.contents {
        let plural = if contents.count == 1 { "" } else { "s" };
        let what = format!("{} {}{plural}", contents.count, contents.kind);
        printer.line(format!("  {:<8} {what:<13} {DIM}{}{DIM:#}", contents.schema, contents.names));
    }
    if !found.dependents.is_empty() {
        let word = if cascade { "and, of the application, with them" } else { "The application depends on them" };
        printer.line(format!("{BAD}{word}:{BAD:#}"));
        for object in &found.dependents {
            printer.line(format!("  {object}"));
        }
    }
    if !found.mentions.is_empty() {
        printer.line(format!("{BAD}These name them in their text, stay, and would fail when called:{BAD:#}"));
        for object in &found.mentions {
            printer.line(format!("  {object}"));
        }
    }
    if found.connected > 0 {
        let connections = if found.connected == 1 { "connection" } else { "connections" };
        printer.line(format!(
            "{WARN}!{WARN:#} Rowlock runs on this database ({} {connections}): stop `rowlock serve` first; Clerk keeps \
             undelivered webhooks for about 28 hours",
            found.connected
        ));
    }
}

fn as_json(found: &Inventory, dropped: bool, login: Option<&Login>) -> Value {
    let contents = found.contents.iter().map(|contents| {
        json!({
            "schema": contents.schema, "kind": contents.kind, "count": contents.count,
            "names": contents.names.split(", ").collect::<Vec<_>>(),
        })
    });
    let login = login.map(|login| match login {
        Login::Dropped => json!({ "dropped": true }),
        Login::Absent => json!({ "dropped": false, "reason": "it was not there" }),
        Login::Kept(reason) => json!({ "dropped": false, "reason": reason }),
    });
    json!({
        "installed": true, "dropped": dropped, "contents": contents.collect::<Vec<_>>(), "dependents": found.dependents,
        "mentions": found.mentions, "connected": found.connected, "login": login,
    })
}
