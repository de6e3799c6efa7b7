//! `rowlock policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

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
    /// The select, insert, update or delete to explain; nothing of it stays
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
