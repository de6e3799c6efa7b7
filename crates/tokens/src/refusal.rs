//! Why a token was not accepted.

use std::error::Error;
use std::time::Duration;

use clerk::quoted;

/// A token that was not accepted. The message says what was found and what was expected; it is one line, never holds the
/// token, and shows what the token's author wrote escaped and cut.
///
/// [`code`](Self::code) gives the reason under the name Clerk's SDK uses where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than any token Clerk makes.
    #[error("token is {found} bytes long; at most {limit} are accepted")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes accepted.
        limit: usize,
    },
    /// Not three parts of base64url with a JSON header.
    #[error("this is not a JSON Web Token: {0}")]
    NotAToken(String),
    /// The header names extensions that must be understood, and nobody understands them.
    #[error("token header has `crit`: it demands extensions that are not known here")]
    Critical,
    /// An algorithm that is not accepted.
    #[error("token is signed with {}; expected {expected}", quoted(.found))]
    Algorithm {
        /// The header's `alg`.
        found: String,
        /// What is accepted.
        expected: String,
    },
    /// No key is named.
    #[error("token header names no key (`kid`); Clerk always does")]
    NoKeyId,
    /// A key of somebody else.
    #[error("token is of instance {}; this server trusts {expected}", quoted(.found))]
    UnknownKey {
        /// The header's `kid`.
        found: String,
        /// The known key ids and the issuer.
        expected: String,
    },
    /// The keys could not be fetched, so nobody can say.
    #[error("the signing keys of {issuer} cannot be had: {reason}")]
    KeysUnavailable {
        /// Whose keys.
        issuer: String,
        /// What happened.
        reason: String,
    },
    /// The signature is not the key's.
    #[error("token signature is not of key {}: the token was changed, or signed by somebody else", quoted(.key_id))]
    Signature {
        /// The header's `kid`.
        key_id: String,
    },
    /// A claim that cannot be understood.
    #[error("{0}")]
    Claim(String),
    /// From another Clerk instance.
    #[error("token was issued by {}; this server trusts `{expected}`", quoted(.found))]
    Issuer {
        /// The `iss` claim.
        found: String,
        /// The pinned issuer.
        expected: String,
    },
    /// Something signed by Clerk that is not a session.
    #[error("token is {found}; expected a session token")]
    Class {
        /// What it is, with its article.
        found: &'static str,
    },
    /// Something that is not even meant as a session token. Clerk's SDK compares as exactly.
    #[error("token is of type {} (`typ`); expected `JWT`", quoted(.found))]
    Type {
        /// The header's `typ`.
        found: String,
    },
    /// Its time is over.
    #[error("token expired {} ago", seconds(.ago))]
    Expired {
        /// How long ago.
        ago: Duration,
    },
    /// Its time has not come.
    #[error("token is not valid for another {} (`nbf`)", seconds(.ahead))]
    NotYet {
        /// How far ahead.
        ahead: Duration,
    },
    /// Issued by a clock that runs ahead.
    #[error("token says it will be issued in {} (`iat`)", seconds(.ahead))]
    IssuedInTheFuture {
        /// How far ahead.
        ahead: Duration,
    },
    /// Made for another application.
    #[error("token was made for {}; authorized parties are {expected}", .found.as_deref().map_or("nobody (`azp` is missing)".to_owned(), quoted))]
    AuthorizedParty {
        /// The `azp` claim.
        found: Option<String>,
        /// The configured parties.
        expected: String,
    },
    /// Made for another audience.
    #[error("token audience is {found}; expected {expected}")]
    Audience {
        /// The `aud` claim, quoted.
        found: String,
        /// The configured audiences.
        expected: String,
    },
    /// Signed in, with a task left to do.
    #[error("session is pending: the user has a task to finish, such as choosing an organization")]
    Pending,
    /// A database role that tokens may not have.
    #[error("token asks for database role {}; tokens may have {expected}", quoted(.found))]
    Role {
        /// The `role` claim.
        found: String,
        /// The list.
        expected: String,
    },
}

impl Refusal {
    /// A stable name for programs. Clerk's own where it has one.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::NotAToken(_) | Self::Critical | Self::Claim(_) | Self::Type { .. } => {
                "token-invalid"
            }
            Self::Algorithm { .. } => "token-invalid-algorithm",
            Self::NoKeyId | Self::UnknownKey { .. } => "jwk-kid-mismatch",
            Self::KeysUnavailable { .. } => "jwk-remote-failed-to-load",
            Self::Signature { .. } => "token-invalid-signature",
            Self::Issuer { .. } => "token-invalid-issuer",
            Self::Class { .. } => "token-type-mismatch",
            Self::Expired { .. } => "token-expired",
            Self::NotYet { .. } => "token-not-active-yet",
            Self::IssuedInTheFuture { .. } => "token-iat-in-the-future",
            Self::AuthorizedParty { .. } => "token-invalid-authorized-parties",
            Self::Audience { .. } => "token-invalid-audience",
            Self::Pending => "session-pending",
            Self::Role { .. } => "token-role-not-allowed",
        }
    }

    /// What to do about it, when there is something that usually helps.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Expired { .. } => Some("session tokens live 60 s: call `getToken()` for each request"),
            Self::Class { .. } => {
                Some("send what `getToken()` gives without a template: no other token says who is signed in")
            }
            Self::UnknownKey { .. } | Self::Issuer { .. } => Some(
                "compare the application's publishable key with this server's issuer: development and production differ",
            ),
            Self::AuthorizedParty { .. } => {
                Some("`azp` is the origin that asked for the token, such as `https://app.example.com`, without a slash")
            }
            Self::NotYet { .. } | Self::IssuedInTheFuture { .. } => Some("compare this machine's clock with the time"),
            Self::Pending => Some("let the user finish the task, or set `accept_pending` to let such sessions in"),
            Self::Role { .. } => Some("add the role to `database_roles`, or remove the `role` claim from the token"),
            _ => None,
        }
    }

    /// Whether the token may be good and we could not find out: the caller should try again.
    pub const fn is_ours(&self) -> bool {
        matches!(self, Self::KeysUnavailable { .. })
    }
}

/// The message of `error` and of everything behind it, on one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A number of seconds that is known to be positive.
pub(crate) fn seconds_ago(seconds: i64) -> Duration {
    Duration::from_secs(seconds.unsigned_abs())
}

fn seconds(duration: &Duration) -> String {
    if duration.as_secs() < 10 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} s", duration.as_secs())
    }
}
