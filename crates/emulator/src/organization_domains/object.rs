//! An organization domain as the Backend API and webhooks show it.

use clerk::Timestamp;
use serde_json::{Value, json};

use super::OrganizationDomain;
use crate::view::View;

impl OrganizationDomain {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let affiliation = verification(self.verified_at, "affiliation_email_code");
        json!({
            "object": "organization_domain",
            "id": self.id,
            "organization_id": self.organization_id,
            "name": self.name,
            "enrollment_mode": self.enrollment_mode,
            "affiliation_email_address": null,
            "affiliation_verification": affiliation,
            "ownership_verification": verification(self.owned_since, "txt"),
            "verification": affiliation,
            "total_pending_invitations": 0,
            "total_pending_suggestions": 0,
            "public_organization_data": view.public_organization(&self.organization_id),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    pub(crate) fn deleted(&self) -> Value {
        json!({ "object": "organization_domain", "id": self.id, "deleted": true })
    }
}

/// What the Backend API said to be verified was verified by hand; the rest waits for the strategy a person would use.
fn verification(verified_at: Option<Timestamp>, strategy: &str) -> Value {
    json!({
        "status": if verified_at.is_some() { "verified" } else { "unverified" },
        "strategy": if verified_at.is_some() { "manual_override" } else { strategy },
        "attempts": null,
        "expire_at": null,
        "verified_at": verified_at,
    })
}
