//! Rowlock's way to Postgres.
//!
//! Two kinds of statements reach a database. Rowlock's own (migrations, the mirror) run on a [`Pool`] that logs in with
//! the configured URL. A client's run through [`AsPrincipal`] alone: one transaction, one role, one set of verified
//! claims, sent in one round trip, on a [`ClientPool`] whose login role owns nothing and inherits nothing, so that a mistake on
//! our side ends in "permission denied" and never in somebody else's rows.
//!
//! The crate also holds the [`migrations`] and the supervisor of a [local cluster](cluster::Cluster) for development,
//! the demo and the tests. It does not build SQL for anybody: planes bring their own statements.

pub mod binaries;
mod client_login;
mod client_pool;
mod client_transaction;
pub mod cluster;
mod database_url;
mod error;
pub mod identifier;
mod listener;
pub mod migrations;
mod pool;
mod principal_transaction;
mod rehearsal;
mod role_change;
mod script;
mod service_login;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod uninstall;
mod wire;

pub use client_login::{CLIENT_LOGIN, LoginError, install_client_login, refuse_powerful_login};
pub use client_pool::ClientPool;
pub use client_transaction::{ClientStatement, ClientTransaction, End, Identity, Isolation, Setting, Verdict};
pub use database_url::{DatabaseUrl, InvalidDatabaseUrl};
pub use error::{Error, is_data_error};
pub use listener::{Heard, Listener};
pub use pool::{Connection, Pool, PoolOptions, PoolStatus, Transaction};
pub use principal_transaction::{AsPrincipal, Parameter, RequestContext};
pub use rehearsal::{Attempt, Rehearsal};
pub use script::script;
pub use service_login::{SERVICE_LOGIN, drop_service_login, install_service_login};
pub use uninstall::{Contents, Inventory, Login, UninstallError, drop_client_login, inventory, uninstall};
pub use wire::{Column, Place, Refusal, Row};
