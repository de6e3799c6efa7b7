//! The mirror with Clerk behind it, for commands that ask Clerk about everything.
//!
//! Whose Clerk and which database is said by `CLERK_SECRET_KEY` and `DATABASE_URL`. Where neither is said, a `rowlock dev` that runs here is
//! meant: with both of its own, so that an emulator's people never get into a database of yours, nor yours into one of its.

use anyhow::Context as _;
use clerk::SecretKey;
use clerk_api::{BackendApi, RequestRate};
use mirror::Mirror;
use postgres::{DatabaseUrl, Pool};
use server::config::Settings;
use server::telemetry;
use url::Url;

use super::dev::Ready;
use crate::cli::WalkArguments;
use crate::printer::{DIM, Printer};
use crate::report::Hinted;

/// The run's lock, two writers and one who looks something up.
const CONNECTIONS: usize = 4;

/// What belongs together.
struct Place {
    key: SecretKey,
    api_url: Url,
    owner: Pool,
}

pub(super) async fn mirror(arguments: &WalkArguments, printer: Printer) -> anyhow::Result<Mirror> {
    let settings = Settings::load(arguments.config.as_deref())?;
    // What cannot be read or written is told one by one, beside the table.
    let filter = super::environment("ROWLOCK_LOG").unwrap_or_else(|| "warn".to_owned());
    telemetry::start_logging(settings.log_format(), Some(&filter), Printer::colours_errors());
    let running = match (super::environment("CLERK_SECRET_KEY"), super::environment("DATABASE_URL")) {
        (None, None) => Ready::of_running(&arguments.data_dir)?,
        _ => None,
    };
    let Place { key, api_url, owner } = match running {
        Some(ready) => {
            let place = of_running(&ready)?;
            let (clerk, database) = (&place.api_url, place.owner.url());
            printer.line(format!("{DIM}of the `rowlock dev` that runs here: {clerk} and {database}{DIM:#}"));
            place
        }
        None => of_environment(&settings)?,
    };
    let rate = arguments.rate.map_or(RequestRate::documented(key.environment()), RequestRate::per_ten_seconds);
    let api = BackendApi::new(api_url, key)?.at_rate(rate);
    Ok(Mirror::new(super::migrated(owner).await?, Some(api)))
}

fn of_running(ready: &Ready) -> anyhow::Result<Place> {
    let url = DatabaseUrl::parse(&ready.database_url).context("the running stack's database has no usable address")?;
    let key = SecretKey::parse(&ready.clerk.secret_key).context("the running stack's secret key cannot be used")?;
    Ok(Place { key, api_url: ready.clerk.api_url.parse()?, owner: super::pool_at(&url, CONNECTIONS)? })
}

fn of_environment(settings: &Settings) -> anyhow::Result<Place> {
    let key = super::environment("CLERK_SECRET_KEY").ok_or_else(|| {
        Hinted::new(
            "CLERK_SECRET_KEY is not set; expected the secret key of the instance, `sk_test_…` or `sk_live_…`",
            "copy it from the Clerk dashboard, API keys; for a `rowlock dev` that runs here, set neither it nor DATABASE_URL",
        )
    })?;
    let key = SecretKey::parse(key.trim()).context("CLERK_SECRET_KEY cannot be used")?;
    Ok(Place { key, api_url: settings.api_url()?, owner: super::pool_of(CONNECTIONS)? })
}
