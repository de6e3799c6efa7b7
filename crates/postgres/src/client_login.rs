//! The login of the client pool: `rowlock_client`, which owns nothing and inherits nothing.
//!
//! One database address is all that `rowlock serve` asks for, yet clients' statements must not run on a connection that
//! logged in as the owner. So the powerless login's password is *derived* from the owner's (HMAC-SHA-256): `rowlock
//! migrate` sets it, every node computes it, nobody stores it, and it cannot be turned back. An address without a
//! password (peer or trust authentication) gives a login without one.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postgres_protocol::password::scram_sha_256;

use crate::identifier::{quote_identifier, quote_literal};
use crate::role_change::change_roles;
use crate::{ClientPool, DatabaseUrl, Error, Pool};

/// The login role of the client pool; created by the migrations.
pub const CLIENT_LOGIN: &str = "rowlock_client";

/// Why a login is not fit to act for clients.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// It could do things that row-level security is there to prevent.
    #[error("the client login `{role}` is too powerful: {why}; a login for clients owns nothing and inherits nothing")]
    TooPowerful {
        /// The login found.
        role: String,
        /// Which power it has.
        why: String,
    },
    /// Postgres could not be asked.
    #[error("the client login could not be checked")]
    Postgres(#[from] Error),
}

impl DatabaseUrl {
    /// The address with which clients' statements are run: same server, same database, the powerless login.
    #[must_use]
    pub fn for_clients(&self) -> Self {
        self.with_login(CLIENT_LOGIN, derived_password(self).as_deref())
    }
}

/// Lets [`CLIENT_LOGIN`] log in to the server with the password derived from the owner's.
///
/// # Errors
/// Whatever Postgres says; the owner needs the right to alter roles.
pub async fn install_client_login(owner: &Pool) -> Result<(), Error> {
    // The verifier, not the password: `alter role` may stand in the server's log.
    let verifier = derived_password(owner.url()).map(|password| scram_sha_256(password.as_bytes()));
    let password = verifier.map_or_else(|| "null".to_owned(), |verifier| quote_literal(&verifier));
    let role = quote_identifier(CLIENT_LOGIN);
    let statement = format!("alter role {role} with login password {password}");
    let connection = owner.get().await?;
    change_roles(&connection, &statement).await.map_err(Error::Statement)
}

/// Refuses a client login that is a superuser, bypasses row-level security, inherits, administers, owns a relation, or may
/// become a role that does.
///
/// # Errors
/// [`LoginError::TooPowerful`] says which power was found.
pub async fn refuse_powerful_login(clients: &ClientPool) -> Result<(), LoginError> {
    let statement = include_str!("../../../sql/principal/login_powers.sql");
    let rows = clients.ask(statement, &[]).await?;
    let row = rows.first().expect("the statement gives one row, about the login");
    let powers = [
        ("is_superuser", "it is a superuser"),
        ("bypasses_rls", "it bypasses row-level security"),
        ("inherits", "it inherits the rights of its roles"),
        ("administers", "it creates roles or databases, or replicates"),
        ("owns_relations", "it owns relations"),
    ];
    let own = powers.into_iter().find(|(column, _)| row.get::<&str, bool>(column)).map(|(_, why)| why.to_owned());
    let other: Option<&str> = row.get("may_become");
    match own.or_else(|| other.map(|role| format!("it may become `{role}`, which sees past row-level security"))) {
        Some(why) => Err(LoginError::TooPowerful { role: row.get("role"), why }),
        None => Ok(()),
    }
}

fn derived_password(url: &DatabaseUrl) -> Option<String> {
    derived(url, b"rowlock client login, version 1")
}

/// A password for `purpose`, which only whoever knows the owner's can compute.
pub(crate) fn derived(url: &DatabaseUrl, purpose: &[u8]) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, url.password()?);
    Some(URL_SAFE_NO_PAD.encode(hmac::sign(&key, purpose)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_password_depends_on_the_owners_and_does_not_show_it() {
        let of = |text| derived_password(&DatabaseUrl::parse(text).unwrap());
        let first = of("postgres://postgres:one@127.0.0.1/shop").unwrap();
        assert_ne!(Some(&first), of("postgres://postgres:two@127.0.0.1/shop").as_ref());
        assert_eq!(Some(first), of("postgres://other:one@127.0.0.1/elsewhere"));
        assert_eq!(of("postgres://postgres@127.0.0.1/shop"), None);
    }
}
