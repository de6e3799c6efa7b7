//! Which Postgres roles a token may name.
//!
//! Custom claims are written by people, and JWT templates and machine tokens carry whatever their author put there,
//! signed with the same key as everything else. So a token never *brings* a role; it picks one from a short list, and the
//! powerful ones cannot get onto that list.

use std::fmt;
use std::sync::Arc;

/// The role of a signed-in caller whose token names none.
const AUTHENTICATED: &str = "authenticated";
/// The role of a caller without a token.
const ANONYMOUS: &str = "anon";
/// The role of the application's own servers.
const SERVICE: &str = "service_role";
/// Roles that no list may hold: they see past row-level security or own what it protects.
const NEVER: &[&str] = &[
    SERVICE,
    "postgres",
    "authenticator",
    "rowlock_client",
    "rowlock_service",
    "dashboard_user",
    "pgbouncer",
    // The owners that hosts make instead of a superuser: RDS, Cloud SQL, Azure, Neon, DigitalOcean.
    "rds_superuser",
    "cloudsqlsuperuser",
    "azure_pg_admin",
    "neon_superuser",
    "doadmin",
    // No role, but the word that makes `set role` give the login's own rights back.
    "none",
];
/// How such roles begin: Postgres' own, and those of Supabase's services.
const NEVER_BEGINNING: &[&str] = &["pg_", "supabase_"];
/// Postgres cuts longer names off, and then they name something else.
const MAX_NAME_BYTES: usize = 63;

/// A role that a caller may have.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DatabaseRole(Arc<str>);

impl DatabaseRole {
    /// `anon`: whoever brings no token.
    pub fn anonymous() -> Self {
        Self(ANONYMOUS.into())
    }

    /// `authenticated`: whoever is signed in.
    pub(crate) fn authenticated() -> Self {
        Self(AUTHENTICATED.into())
    }

    /// `service_role`: whoever holds a secret key. No list holds it, so no Clerk token gets it.
    pub(crate) fn service() -> Self {
        Self(SERVICE.into())
    }

    /// The name in Postgres.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for DatabaseRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatabaseRole({})", self.0)
    }
}

/// Why a role cannot be on the list.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("role `{name}` cannot be given to tokens: {reason}")]
pub struct InvalidDatabaseRole {
    name: String,
    reason: &'static str,
}

/// The roles that tokens may pick.
#[derive(Debug, Clone)]
pub struct DatabaseRoles {
    default: DatabaseRole,
    allowed: Vec<DatabaseRole>,
}

impl Default for DatabaseRoles {
    fn default() -> Self {
        let authenticated = DatabaseRole::authenticated();
        Self { default: authenticated.clone(), allowed: vec![authenticated] }
    }
}

impl DatabaseRoles {
    /// `authenticated`, and `more` roles that a token's `role` claim may name.
    ///
    /// # Errors
    /// For a role that bypasses row-level security by its nature, an empty or an overlong name.
    pub fn with_also<S: AsRef<str>>(more: impl IntoIterator<Item = S>) -> Result<Self, InvalidDatabaseRole> {
        let mut roles = Self::default();
        for name in more {
            let name = name.as_ref();
            let refuse = |reason| InvalidDatabaseRole { name: name.to_owned(), reason };
            if name.is_empty() || name.contains('\0') {
                return Err(refuse("it is not a role name"));
            }
            if name.len() > MAX_NAME_BYTES {
                return Err(refuse("Postgres cuts names off after 63 bytes"));
            }
            if NEVER.contains(&name) || NEVER_BEGINNING.iter().any(|beginning| name.starts_with(beginning)) {
                return Err(refuse("it sees past row-level security"));
            }
            roles.allowed.push(DatabaseRole(name.into()));
        }
        Ok(roles)
    }

    /// The role for a token with this `role` claim; none when it names a role that is not on the list.
    pub(crate) fn pick(&self, claim: Option<&str>) -> Option<DatabaseRole> {
        match claim {
            None => Some(self.default.clone()),
            Some(name) => self.allowed.iter().find(|role| role.as_str() == name).cloned(),
        }
    }

    /// All of them, for messages: `authenticated, editor`.
    pub(crate) fn listed(&self) -> String {
        self.allowed.iter().map(DatabaseRole::as_str).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_without_the_claim_is_authenticated_and_never_more() {
        let roles = DatabaseRoles::with_also(["editor"]).unwrap();
        assert_eq!(roles.pick(None).unwrap().as_str(), "authenticated");
        assert_eq!(roles.pick(Some("editor")).unwrap().as_str(), "editor");
        assert_eq!(roles.pick(Some("service_role")), None);
        assert_eq!(roles.pick(Some("anon")), None);
        assert_eq!(roles.pick(Some("")), None);
    }

    #[test]
    fn powerful_roles_cannot_be_listed() {
        for name in [
            "service_role",
            "postgres",
            "pg_read_all_data",
            "rowlock_client",
            "none",
            "supabase_auth_admin",
            "rds_superuser",
        ] {
            let error = DatabaseRoles::with_also([name]).unwrap_err();
            assert!(error.to_string().ends_with("it sees past row-level security"), "{error}");
        }
        assert!(DatabaseRoles::with_also([""]).is_err());
        assert!(DatabaseRoles::with_also(["x".repeat(64)]).is_err());
    }
}
