//! The mirror with Clerk behind it, for commands that ask Clerk about everything.

use anyhow::Context as _;
use clerk::SecretKey;
use clerk_api::{BackendApi, RequestRate};
use mirror::Mirror;
use server::config::Settings;
use server::telemetry;

use crate::cli::WalkArguments;
use crate::printer::Printer;
use crate::report::Hinted;

/// The run's lock, two writers and one who looks something up.
const CONNECTIONS: usize = 4;

pub(super) async fn mirror(arguments: &WalkArguments) -> anyhow::Result<Mirror> {
    let settings = Settings::load(arguments.config.as_deref())?;
    // What cannot be read or written is told one by one, beside the table.
    let filter = super::environment("ROWLOCK_LOG").unwrap_or_else(|| "warn".to_owned());
    telemetry::start_logging(settings.log_format(), Some(&filter), Printer::colours_errors());
    let key = super::environment("CLERK_SECRET_KEY").ok_or_else(|| {
        Hinted::new(
            "CLERK_SECRET_KEY is not set; expected the secret key of the instance, `sk_test_…` or `sk_live_…`",
            "copy it from the Clerk dashboard, API keys",
        )
    })?;
    let key = SecretKey::parse(key.trim()).context("CLERK_SECRET_KEY cannot be used")?;
    let rate = arguments.rate.map_or(RequestRate::documented(key.environment()), RequestRate::per_ten_seconds);
    let api = BackendApi::new(settings.api_url()?, key)?.at_rate(rate);
    let pool = super::migrated(super::pool_of(CONNECTIONS)?).await?;
    Ok(Mirror::new(pool, Some(api)))
}
