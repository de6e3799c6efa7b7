//! Who asks: out of the mirror, out of a verified token, or nobody.

use clerk::{Claims, Clock as _, SystemClock};
use postgres::{Error, Pool};
use serde_json::{Map, Value, json};
use tokens::{DatabaseRoles, Principal, Refusal, Verified};

use crate::issuer::Issuer;

const PERSON: &str = include_str!("../../../../sql/policy/person.sql");
const ANYBODY: &str = include_str!("../../../../sql/policy/anybody.sql");
const MEMBERSHIPS: &str = include_str!("../../../../sql/policy/memberships_of_person.sql");

/// A caller, and how they came to be.
#[derive(Debug)]
pub struct Caller {
    /// As Postgres meets them.
    pub principal: Principal,
    /// In words: `user_1 in org_1 as org:admin, as the mirror knows them`.
    pub described: String,
}

/// Why there is no such caller.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The mirror knows nobody of that name.
    #[error("the mirror knows no user `{found}`; expected a user id, an e-mail address or a user name")]
    NoUser {
        /// What was asked for.
        found: String,
    },
    /// The mirror knows nobody at all.
    #[error(
        "the mirror knows nobody yet, and so no user `{found}`; `rowlock backfill` writes everybody whom Clerk has, and `--token` takes a session token instead"
    )]
    Empty {
        /// What was asked for.
        found: String,
    },
    /// Several people answer to it.
    #[error("`{found}` are several users: {users}; expected one: give the id")]
    SeveralUsers {
        /// What was asked for.
        found: String,
        /// Their ids.
        users: String,
    },
    /// The user is not in that organization.
    #[error("{user} is no member of `{found}`; the mirror knows: {organizations}")]
    NoMembership {
        /// Who.
        user: String,
        /// What was asked for.
        found: String,
        /// Where they are.
        organizations: String,
    },
    /// No Clerk token is like that.
    #[error("no Clerk token can be made for this caller")]
    Refused(#[from] Refusal),
    /// The mirror could not be read.
    #[error(transparent)]
    Database(#[from] Error),
}

impl Caller {
    /// Whoever brings no token.
    pub fn nobody() -> Self {
        Self { principal: Principal::anonymous(), described: "nobody: no token was sent".to_owned() }
    }

    /// Whoever a verified token is of.
    pub fn of_token(verified: &Verified<Claims>) -> Self {
        let organization = verified.organization.as_ref().map_or_else(
            || "without an organization".to_owned(),
            |organization| format!("in {} as {}", organization.id, organization.role.as_deref().unwrap_or("nothing")),
        );
        Self {
            principal: Principal::from(verified),
            described: format!("{} {organization}, as the token says", verified.subject),
        }
    }

    /// `user@organization` or `user`, each an id or a name, with the role and permissions that the mirror knows.
    ///
    /// # Errors
    /// [`CallerError`] says who is known.
    pub async fn of_mirror(owner: &Pool, text: &str) -> Result<Self, CallerError> {
        let connection = owner.get().await?;
        let people = async |name: &str| -> Result<Vec<String>, Error> {
            let rows = connection.query(PERSON, &[&name]).await.map_err(Error::Statement)?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        };
        // An e-mail address holds an `@` of its own, so the longest name goes first.
        let mut splits: Vec<(&str, Option<&str>)> = vec![(text, None)];
        splits.extend(text.rmatch_indices('@').map(|(at, _)| (&text[..at], Some(&text[at + 1..]))));
        let mut found = None;
        for (name, organization) in splits {
            match &people(name).await?[..] {
                [] => {}
                [user] => {
                    found = Some((user.clone(), organization));
                    break;
                }
                several => {
                    return Err(CallerError::SeveralUsers { found: name.to_owned(), users: several.join(", ") });
                }
            }
        }
        let Some((user, organization)) = found else {
            let anybody = connection.query_one(ANYBODY, &[]).await.map_err(Error::Statement)?.get(0);
            let found = text.to_owned();
            return Err(if anybody { CallerError::NoUser { found } } else { CallerError::Empty { found } });
        };
        let memberships = connection.query(MEMBERSHIPS, &[&user]).await.map_err(Error::Statement)?;
        let Some(asked) = organization else {
            return Self::made(
                json!({ "sub": user, "v": 2 }),
                format!("{user} without an organization, as the mirror knows them"),
            )
            .await;
        };
        let names = |place: usize, row: &tokio_postgres::Row| row.get::<_, Option<String>>(place);
        let row = memberships.iter().find(|row| (0..3).any(|place| names(place, row).as_deref() == Some(asked)));
        let Some(row) = row else {
            let known: Vec<String> = memberships
                .iter()
                .map(|row| {
                    format!(
                        "{} ({})",
                        names(0, row).unwrap_or_default(),
                        names(1, row).or(names(2, row)).unwrap_or_default()
                    )
                })
                .collect();
            let organizations =
                if known.is_empty() { "no organization of theirs".to_owned() } else { known.join(", ") };
            return Err(CallerError::NoMembership { user, found: asked.to_owned(), organizations });
        };
        let (id, slug, role) = (names(0, row), names(1, row), names(3, row));
        let permissions: Vec<String> = row.get::<_, Option<Vec<String>>>(4).unwrap_or_default();
        let described = format!(
            "{user} in {} as {}, as the mirror knows them",
            id.as_deref().unwrap_or_default(),
            role.as_deref().unwrap_or("nothing")
        );
        // System permissions are never in a token.
        let listed: Vec<String> =
            permissions.into_iter().filter(|permission| !permission.starts_with("org:sys_")).collect();
        let claims =
            json!({ "sub": user, "org_id": id, "org_slug": slug, "org_role": role, "org_permissions": listed });
        Self::made(claims, described).await
    }

    async fn made(claims: Value, described: String) -> Result<Self, CallerError> {
        let claims: Map<String, Value> = claims.as_object().cloned().unwrap_or_default();
        let (principal, _) = Issuer::new(SystemClock.now(), DatabaseRoles::default()).principal(&claims).await?;
        Ok(Self { principal, described })
    }
}
