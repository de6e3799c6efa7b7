//! An organization invitation as the Backend API and webhooks show it.

use serde_json::{Value, json};

use super::OrganizationInvitation;
use crate::{users::PublicUserData, view::View};

impl OrganizationInvitation {
    /// As below its organization.
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let state = view.state;
        let role = state.roles.get(&self.role);
        let inviter = self.inviter_id.as_ref().and_then(|id| state.users.get(id.as_str()));
        json!({
            "object": "organization_invitation",
            "id": self.id,
            "email_address": self.email_address,
            "role": self.role,
            "role_name": role.map_or(&self.role, |role| &role.name),
            "organization_id": self.organization_id,
            "inviter_id": self.inviter_id,
            "public_inviter_data": inviter.map(|user| PublicUserData::of(user, view.instance_id).of_inviter()),
            "status": self.status_at(view.now),
            "public_metadata": self.public_metadata,
            "private_metadata": self.private_metadata,
            "url": self.is_pending(view.now).then(|| self.url(view)),
            "expires_at": self.expires_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    /// As in the lists of a user and of the instance.
    pub(crate) fn object_with_organization(&self, view: View<'_>) -> Value {
        let mut object = self.object(view);
        object["public_organization_data"] = view.public_organization(&self.organization_id);
        object
    }

    /// As in webhooks: an accepted one names who accepted it.
    pub(crate) fn event_object(&self, view: View<'_>) -> Value {
        let mut object = self.object_with_organization(view);
        if let Some(user_id) = &self.user_id {
            object["user_id"] = json!(user_id);
        }
        object
    }

    /// The link in the e-mail.
    pub(crate) fn url(&self, view: View<'_>) -> String {
        format!("{}/v1/tickets/accept?ticket={}", view.state.base_url, self.ticket)
    }
}
