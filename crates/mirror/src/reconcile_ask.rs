//! Asking Clerk about one object, before anything final is done to its row.

use clerk::{MembershipId, OrganizationId, UserId};
use clerk_api::{ApiError, BackendApi, List};
use serde_json::value::RawValue;

use crate::ObjectKind;

/// An object that a list did not show, or a tombstone says is gone.
#[derive(Debug, Clone)]
pub(crate) struct Suspect {
    pub(crate) id: String,
    /// What it belongs to, as its row says.
    pub(crate) parents: Vec<Option<String>>,
}

/// What Clerk says of it.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// This is it.
    Alive(Box<RawValue>),
    /// Clerk itself says that it does not exist.
    Gone,
    /// Clerk cannot be asked about it alone, or what it belongs to is not known.
    CannotTell,
}

/// Asks. An object that Clerk does not show one by one is looked for once more, by a search of its list.
pub(crate) async fn ask(api: BackendApi, kind: ObjectKind, suspect: Suspect) -> Result<Verdict, ApiError> {
    let Suspect { id, parents } = &suspect;
    let parent = |which: usize| parents.get(which).and_then(Option::as_deref);
    let found = match kind {
        ObjectKind::User => api.one(&["users", id]).await,
        ObjectKind::Organization => api.one(&["organizations", id]).await,
        ObjectKind::Session => api.one(&["sessions", id]).await,
        ObjectKind::Role => api.one(&["organization_roles", id]).await,
        ObjectKind::Permission => api.one(&["organization_permissions", id]).await,
        ObjectKind::Membership => {
            let organization = parent(0).and_then(|id| OrganizationId::parse(id).ok());
            let user = parent(1).and_then(|id| UserId::parse(id).ok());
            match (MembershipId::parse(id), organization, user) {
                (Ok(id), Some(organization), Some(user)) => api.membership(&id, &organization, &user).await,
                _ => return Ok(Verdict::CannotTell),
            }
        }
        ObjectKind::OrganizationInvitation => match parent(0) {
            Some(organization) => api.one(&["organizations", organization, "invitations", id]).await,
            None => return Ok(Verdict::CannotTell),
        },
        ObjectKind::OrganizationDomain => match parent(0) {
            Some(organization) => api.find(&List::OrganizationDomains, ("organization_id", organization), id).await,
            None => return Ok(Verdict::CannotTell),
        },
        ObjectKind::Invitation => api.find(&List::Invitations, ("query", id), id).await,
        ObjectKind::WaitlistEntry => api.find(&List::WaitlistEntries, ("query", id), id).await,
        ObjectKind::Subscription | ObjectKind::SubscriptionItem | ObjectKind::PaymentAttempt => {
            return Ok(Verdict::CannotTell);
        }
    };
    match found {
        Ok(Some(object)) => Ok(Verdict::Alive(object)),
        Ok(None) => Ok(Verdict::Gone),
        Err(error) if error.is_not_offered() => Ok(Verdict::CannotTell),
        Err(error) => Err(error),
    }
}
