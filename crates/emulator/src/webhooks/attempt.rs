//! One attempt to deliver, and how it went.

use std::time::Duration;

use clerk::Timestamp;
use serde::{Deserialize, Serialize};

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered {
        status: u16,
        retry_after: Option<Duration>,
        control: Option<Control>,
        /// The beginning of the answer, for people.
        body: String,
    },
    TimedOut,
    Unreachable(String),
}

/// What a receiver can ask for in the response header `webhook-delivery`
/// (<https://docs.svix.com/receiving/delivery-control>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Do not try this message again.
    AbortMessage,
    /// Send this endpoint nothing any more.
    Disable,
}

impl Control {
    pub(crate) fn parse(header: &str) -> Option<Self> {
        match header.trim() {
            "abort-message" => Some(Self::AbortMessage),
            "disable" => Some(Self::Disable),
            _ => None,
        }
    }
}

impl Outcome {
    /// Only 2xx is success; a redirect is a failure like any other.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Answered { status: 429, .. })
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            Self::TimedOut | Self::Unreachable(_) => None,
        }
    }

    pub(crate) fn control(&self) -> Option<Control> {
        match self {
            Self::Answered { control, .. } => *control,
            Self::TimedOut | Self::Unreachable(_) => None,
        }
    }
}

/// Why an attempt was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trigger {
    Scheduled,
    Manual,
}

/// An attempt as it is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    pub(crate) at: Timestamp,
    pub(crate) trigger: Trigger,
    /// The HTTP status, when there was an answer.
    pub(crate) status: Option<u16>,
    /// The beginning of the answer, or why there was none.
    pub(crate) detail: String,
    pub(crate) duration_ms: u64,
}

impl Attempt {
    pub(crate) fn of(outcome: &Outcome, trigger: Trigger, at: Timestamp, took: Duration) -> Self {
        let (status, detail) = match outcome {
            Outcome::Answered { status, body, .. } => (Some(*status), body.clone()),
            Outcome::TimedOut => (None, "no answer in time".to_owned()),
            Outcome::Unreachable(reason) => (None, reason.clone()),
        };
        Self { at, trigger, status, detail, duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }
    }
    /// In a few words for people: the end of a chain of reasons says what really happened.
    pub(crate) fn outcome(&self) -> String {
        const SHOWN: usize = 80;
        let reason: String = self.detail.rsplit(": ").next().unwrap_or_default().chars().take(SHOWN).collect();
        match self.status {
            Some(status @ 200..=299) => status.to_string(),
            Some(status) if reason.is_empty() => status.to_string(),
            Some(status) => format!("{status} {reason}"),
            None => reason,
        }
    }
}
