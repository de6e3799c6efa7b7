//! Why a delivery is refused.
//!
//! Of all errors of a webhook endpoint this is the one people meet first, and usually all they see of it is a red row in
//! Clerk's dashboard. Each variant therefore names the one thing that is wrong, carries a stable [`code`], and knows a
//! [`hint`].
//!
//! [`code`]: SignatureError::code
//! [`hint`]: SignatureError::hint

use std::time::Duration;

use crate::{DeliveryId, InvalidId};

/// A delivery that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The request is not a delivery, or a proxy dropped headers.
    #[error("webhook is not signed: no header {}", listed(missing))]
    MissingHeader {
        /// Names of the headers that are not there.
        missing: Vec<&'static str>,
    },
    /// The delivery id is malformed.
    #[error("webhook delivery id is unreadable")]
    UnreadableId {
        /// What is wrong with it.
        source: InvalidId,
    },
    /// The time is malformed.
    #[error("webhook timestamp is unreadable: found {found}, expected Unix seconds in decimal digits")]
    UnreadableTimestamp {
        /// The header's value, quoted.
        found: String,
    },
    /// We cannot verify anything.
    #[error("webhook cannot be verified: no signing secret is configured")]
    NoSecret,
    /// Signed, but with nothing that this version checks.
    #[error("webhook has no `v1` signature: found {found}, expected `v1,<base64>`")]
    NoSupportedSignature {
        /// The versions in the header, quoted.
        found: String,
    },
    /// The body is not what was signed, and we can show why.
    #[error("webhook signature does not match: the body was re-encoded on the way (delivery {id})")]
    BodyReencoded {
        /// The delivery.
        id: DeliveryId,
    },
    /// Another secret, or other bytes.
    #[error(
        "webhook signature does not match ({}, delivery {id}, {})",
        counted(*secrets), aged(*age_seconds)
    )]
    Mismatch {
        /// The delivery.
        id: DeliveryId,
        /// How many secrets were tried.
        secrets: usize,
        /// Seconds since it says it was sent; negative when in the future. Not authenticated.
        age_seconds: i64,
    },
    /// Genuine, but of another time.
    #[error("webhook is too old: sent {} s ago, at most {} s are accepted (delivery {id})", age.as_secs(), tolerance.as_secs())]
    TooOld {
        /// The delivery.
        id: DeliveryId,
        /// Time since it was sent.
        age: Duration,
        /// What is accepted.
        tolerance: Duration,
    },
    /// Genuine, but from the future.
    #[error("webhook is from the future: sent {} s ahead of this clock, at most {} s are accepted (delivery {id})", ahead.as_secs(), tolerance.as_secs())]
    TooNew {
        /// The delivery.
        id: DeliveryId,
        /// Time until it will have been sent.
        ahead: Duration,
        /// What is accepted.
        tolerance: Duration,
    },
}

impl SignatureError {
    /// A stable word for metrics, logs and the answer's body.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } => "missing-header",
            Self::UnreadableId { .. } => "unreadable-id",
            Self::UnreadableTimestamp { .. } => "unreadable-timestamp",
            Self::NoSecret => "no-secret",
            Self::NoSupportedSignature { .. } => "no-supported-signature",
            Self::BodyReencoded { .. } => "body-re-encoded",
            Self::Mismatch { .. } => "signature-mismatch",
            Self::TooOld { .. } => "too-old",
            Self::TooNew { .. } => "too-new",
        }
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::MissingHeader { .. } => {
                "only Clerk's deliveries are taken here; if this is one, let the proxy in front pass its `svix-*` headers"
            }
            Self::UnreadableId { .. } | Self::UnreadableTimestamp { .. } => {
                "the sender is not Svix, or a proxy in front changed the header"
            }
            Self::NoSecret => {
                "copy the signing secret (`whsec_…`) of this endpoint from the Clerk dashboard, Webhooks, into the configuration"
            }
            Self::NoSupportedSignature { .. } => {
                "the endpoint is set to asymmetric signatures, or the sender is not Svix; set it to symmetric ones"
            }
            Self::BodyReencoded { .. } => {
                "pass the raw bytes of the request: a proxy or body parser in front reads the JSON and writes it anew"
            }
            Self::Mismatch { .. } => {
                "copy the signing secret of exactly this endpoint from the Clerk dashboard, Webhooks; every endpoint has its own"
            }
            Self::TooOld { .. } => {
                "set this machine's clock (NTP); if the clock is right, an old delivery was replayed byte for byte: let Clerk send it again"
            }
            Self::TooNew { .. } => "set this machine's clock (NTP): it is behind",
        }
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn counted(secrets: usize) -> String {
    if secrets == 1 { "1 secret configured".into() } else { format!("{secrets} secrets configured") }
}

fn aged(seconds: i64) -> String {
    if seconds < 0 { format!("{} s in the future", seconds.unsigned_abs()) } else { format!("age {seconds} s") }
}
