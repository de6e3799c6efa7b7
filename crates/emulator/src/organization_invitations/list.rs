//! The lists of organization invitations: of an organization, of a user, of the whole instance.

use super::OrganizationInvitation;
use crate::{
    invitation_status::INVITATION_STATUSES,
    listing::{Listing, SortKey},
    query::Query,
    refusal::Refusal,
    view::View,
};

/// One request for a list.
#[derive(Debug)]
pub(crate) struct OrganizationInvitationList {
    listing: Listing,
    statuses: Vec<String>,
    email_address: Option<String>,
    search: Option<String>,
}

impl OrganizationInvitationList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            listing: Listing::read(query, &["created_at", "email_address"])?,
            statuses: query.words("status", &INVITATION_STATUSES)?,
            email_address: query.search("email_address"),
            search: query.search("query"),
        })
    }

    /// Pending ones, newest first, whatever else the request asks.
    pub(crate) fn pending(query: &Query) -> Result<Self, Refusal> {
        let listing = Listing::newest_first(query)?;
        Ok(Self { listing, statuses: vec!["pending".to_owned()], email_address: None, search: None })
    }

    pub(crate) fn select<'a>(
        &self,
        view: View<'a>,
        scope: impl Fn(&OrganizationInvitation) -> bool,
    ) -> (Vec<&'a OrganizationInvitation>, usize) {
        let admits = |invitation: &OrganizationInvitation| {
            let address = invitation.email_address.to_lowercase();
            scope(invitation)
                && (self.statuses.is_empty() || self.statuses.iter().any(|one| one == invitation.status_at(view.now)))
                && self.email_address.as_ref().is_none_or(|wanted| *wanted == address)
                && self.search.as_ref().is_none_or(|part| address.contains(part))
        };
        let key = |invitation: &OrganizationInvitation, _: &str| SortKey::Text(invitation.email_address.clone());
        self.listing.select(view.state.organization_invitations.oldest_first(), admits, key)
    }
}
