//! Clerk's emulator: running it, and having things happen in one that runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use url::Url;

use super::duration;

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
