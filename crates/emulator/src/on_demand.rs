//! An event of an object that exists, without anything having happened: `POST /__rowlock/events` with an `object_id`.
//!
//! The data is the object as it is now, in the form its webhooks have; a deletion is announced of what is still there.

use clerk::EventKind;
use serde_json::{Value, json};

use crate::{
    change::{Event, deleted_organization, deleted_user},
    refusal::Refusal,
    view::{Detail, View},
};

pub(crate) fn on_demand(view: View<'_>, kind: EventKind, id: &str) -> Result<Event, Refusal> {
    let (family, happening) = kind.as_str().split_once('.').unwrap_or_default();
    let deleted = happening == "deleted";
    let data = match family {
        "user" | "organization" | "organizationMembership" | "session" => directory(view, family, deleted, id)?,
        "organizationInvitation" => view.organization_invitation(None, id)?.event_object(view),
        "organizationDomain" => {
            let domain = view.state.organization_domains.get(id);
            let domain = domain.ok_or_else(|| Refusal::not_found("organization domain", id))?;
            if deleted { domain.deleted() } else { domain.object(view) }
        }
        "role" => {
            let role = view.state.roles.find(id)?;
            if deleted { role.deleted() } else { role.object(&view.state.roles) }
        }
        "permission" => {
            let permission = view.state.roles.find_permission(id)?;
            if deleted { permission.deleted() } else { permission.object() }
        }
        "waitlistEntry" => {
            let entry = view.state.waitlist.get(id).ok_or_else(|| Refusal::not_found("waitlist entry", id))?;
            entry.object(view)
        }
        "subscription" | "subscriptionItem" | "paymentAttempt" => billing(view, family, id)?,
        _ => {
            let expected =
                "a type that is about an object; for an e-mail, a text message or a type of your own give `data`";
            return Err(Refusal::wrong_value("type", kind.as_str(), expected));
        }
    };
    Ok(Event::new(kind, &data, view.now))
}

fn directory(view: View<'_>, family: &str, deleted: bool, id: &str) -> Result<Value, Refusal> {
    let state = view.state;
    Ok(match family {
        "user" => {
            let user = state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?;
            if deleted { deleted_user(user) } else { json!(view.user(user)) }
        }
        "organization" => {
            let organization = state.organizations.get(id).ok_or_else(|| Refusal::not_found("organization", id))?;
            if deleted {
                deleted_organization(organization)
            } else {
                json!(view.organization(organization, Detail::Plain))
            }
        }
        "organizationMembership" => {
            let membership = state.memberships.get(id);
            let membership = membership.ok_or_else(|| Refusal::not_found("organization membership", id))?;
            json!(view.membership(membership, Detail::Plain))
        }
        _ => {
            let session = state.sessions.get(id).ok_or_else(|| Refusal::not_found("session", id))?;
            json!(view.session_with_user(session))
        }
    })
}

fn billing(view: View<'_>, family: &str, id: &str) -> Result<Value, Refusal> {
    let billing = &view.state.billing;
    let found = match family {
        "subscription" => billing.subscriptions.get(id).map(|subscription| subscription.event_object(view)),
        "subscriptionItem" => billing.items.get(id).map(|item| item.event_object(view)),
        _ => billing.payment_attempts.get(id).map(|attempt| attempt.event_object(view)),
    };
    found.ok_or_else(|| Refusal::not_found(family, id))
}
