//! The login for the application's own servers: `rowlock_service`, which may become `service_role` and nothing else.
//!
//! A secret key acts past row-level security, so its statements need a login that may do that. The clients' login must never be
//! able to, and the owner's could do far more: a function that resets the role would be the owner's. So there is a third login,
//! made only where a key asks for it, with a password that is derived as the clients' is.

use postgres_protocol::password::scram_sha_256;

use crate::client_login::derived;
use crate::identifier::{quote_identifier, quote_literal};
use crate::role_change::change_roles;
use crate::{DatabaseUrl, Error, Pool};

/// The login of the pool for secret keys.
pub const SERVICE_LOGIN: &str = "rowlock_service";

/// What the password is derived for, so that it differs from the clients'.
const PURPOSE: &[u8] = b"rowlock service login, version 1";

impl DatabaseUrl {
    /// The address with which statements of the application's own servers are run.
    #[must_use]
    pub fn for_service(&self) -> Self {
        self.with_login(SERVICE_LOGIN, derived(self, PURPOSE).as_deref())
    }
}

/// Makes [`SERVICE_LOGIN`] where it is not there yet, and lets it log in with the password derived from the owner's.
///
/// # Errors
/// Whatever Postgres says; the owner needs the right to make roles, and to give `service_role` away.
pub async fn install_service_login(owner: &Pool) -> Result<(), Error> {
    let verifier = derived(owner.url(), PURPOSE).map(|password| scram_sha_256(password.as_bytes()));
    let password = verifier.map_or_else(|| "null".to_owned(), |verifier| quote_literal(&verifier));
    let connection = owner.get().await?;
    let make = include_str!("../../../sql/principal/service_login.script.sql");
    change_roles(&connection, make).await.map_err(Error::Statement)?;
    let statement = format!("alter role {} with login password {password}", quote_identifier(SERVICE_LOGIN));
    change_roles(&connection, &statement).await.map_err(Error::Statement)
}

/// Drops [`SERVICE_LOGIN`] where it is there and nobody uses it; whether it is gone.
///
/// # Errors
/// When Postgres cannot be reached.
pub async fn drop_service_login(owner: &Pool) -> Result<bool, Error> {
    let statement = format!("drop role if exists {}", quote_identifier(SERVICE_LOGIN));
    Ok(owner.get().await?.batch_execute(&statement).await.is_ok())
}
