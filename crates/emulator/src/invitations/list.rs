//! `GET /v1/invitations`: all that are not revoked, unless the request asks for revoked ones.

use super::Invitation;
use crate::{
    invitation_status::INVITATION_STATUSES,
    listing::{Listing, SortKey},
    query::Query,
    refusal::Refusal,
    view::View,
};

/// One request for a list.
#[derive(Debug)]
pub(crate) struct InvitationList {
    listing: Listing,
    statuses: Vec<String>,
    search: Option<String>,
    /// Whether the answer says how many there are on all pages.
    pub(crate) paginated: bool,
}

impl InvitationList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            listing: Listing::read(query, &["created_at", "email_address", "expires_at"])?,
            statuses: query.words("status", &INVITATION_STATUSES)?,
            search: query.search("query"),
            paginated: query.boolean("paginated")?.unwrap_or(false),
        })
    }

    pub(crate) fn select<'a>(&self, view: View<'a>) -> (Vec<&'a Invitation>, usize) {
        let admits = |invitation: &Invitation| {
            let status = invitation.status_at(view.now);
            let wanted = match self.statuses.as_slice() {
                [] => status != "revoked",
                statuses => statuses.iter().any(|one| one == status),
            };
            wanted
                && self.search.as_ref().is_none_or(|part| {
                    invitation.email_address.to_lowercase().contains(part) || invitation.id.to_lowercase() == *part
                })
        };
        let key = |invitation: &Invitation, property: &str| match property {
            "expires_at" => SortKey::Time(invitation.expires_at),
            _ => SortKey::Text(invitation.email_address.clone()),
        };
        self.listing.select(view.state.invitations.oldest_first(), admits, key)
    }
}
