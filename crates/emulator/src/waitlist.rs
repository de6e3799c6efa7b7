//! The waitlist: e-mail addresses of people who want in.
//!
//! An address stands on it once. Inviting somebody makes an invitation to the application; signing up by it completes
//! the entry. Clerk announces `waitlistEntry.created` and `waitlistEntry.updated`; a deleted entry goes without a word.

mod change;

use clerk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use change::NewWaitlistEntry;

use crate::{
    listing::{Listing, SortKey},
    query::Query,
    refusal::Refusal,
    table::Row,
    view::View,
};

const STATUSES: [&str; 4] = ["pending", "invited", "completed", "rejected"];

/// One entry, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitlistEntry {
    pub(crate) id: String,
    pub(crate) email_address: String,
    pub(crate) status: WaitlistStatus,
    pub(crate) invitation_id: Option<String>,
    pub(crate) invited_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WaitlistStatus {
    Pending,
    Invited,
    Completed,
    Rejected,
}

impl WaitlistStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Invited => "invited",
            Self::Completed => "completed",
            Self::Rejected => "rejected",
        }
    }
}

impl WaitlistEntry {
    /// The entry as the Backend API and webhooks show it.
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let mut object = json!({
            "object": "waitlist_entry",
            "id": self.id,
            "email_address": self.email_address,
            "status": self.status.as_str(),
            "is_locked": false,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        // May be left out, and may not be null (2026-05-12, schema WaitlistEntry).
        let invitation = self.invitation_id.as_deref().and_then(|id| view.state.invitations.get(id));
        if let Some(invitation) = invitation {
            object["invitation"] = invitation.object(view);
        }
        object
    }

    pub(crate) fn deleted(&self) -> Value {
        json!({ "object": "waitlist_entry", "id": self.id, "deleted": true })
    }
}

impl Row for WaitlistEntry {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// One request for a list.
#[derive(Debug)]
pub(crate) struct WaitlistList {
    listing: Listing,
    statuses: Vec<String>,
    search: Option<String>,
}

impl WaitlistList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            listing: Listing::read(query, &["created_at", "email_address", "invited_at"])?,
            statuses: query.words("status", &STATUSES)?,
            search: query.search("query"),
        })
    }

    pub(crate) fn select<'a>(&self, view: View<'a>) -> (Vec<&'a WaitlistEntry>, usize) {
        let admits = |entry: &WaitlistEntry| {
            (self.statuses.is_empty() || self.statuses.iter().any(|status| status == entry.status.as_str()))
                && self.search.as_ref().is_none_or(|part| {
                    entry.email_address.to_lowercase().contains(part) || entry.id.to_lowercase() == *part
                })
        };
        let key = |entry: &WaitlistEntry, property: &str| match property {
            "invited_at" => SortKey::from(entry.invited_at),
            _ => SortKey::Text(entry.email_address.clone()),
        };
        self.listing.select(view.state.waitlist.oldest_first(), admits, key)
    }
}
