//! Inviting, accepting, revoking.

use std::time::Duration;

use clerk::{EventKind, OrganizationId, UserId};
use http::StatusCode;
use serde_json::json;

use super::OrganizationInvitation;
use crate::{
    change::Change,
    form::Form,
    ids,
    invitation_status::InvitationStatus,
    messages::Email,
    metadata::{self, Metadata},
    refusal::Refusal,
    roles::MANAGE_MEMBERSHIPS,
    users::{Identifier, check_email_address},
};

/// Clerk: "expires_in_days … defaults to 30".
const EXPIRES_IN_DAYS: i64 = 30;
pub(crate) const EXPIRES_IN_BOUNDS: std::ops::RangeInclusive<i64> = 1..=365;
const DAY: Duration = Duration::from_secs(86_400);

/// An invitation somebody asks for.
#[derive(Debug)]
pub(crate) struct NewOrganizationInvitation {
    email_address: String,
    inviter: Option<String>,
    role: String,
    public_metadata: Metadata,
    private_metadata: Metadata,
    redirect_url: Option<String>,
    expires_in_days: i64,
    notify: bool,
}

impl NewOrganizationInvitation {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            email_address: form.string("email_address")?.required("email_address")?,
            inviter: form.string("inviter_user_id")?.given().filter(|id| !id.is_empty()),
            role: form.string("role")?.required("role")?,
            public_metadata: metadata::read(&mut form, "public_metadata")?.given().unwrap_or_default(),
            private_metadata: metadata::read(&mut form, "private_metadata")?.given().unwrap_or_default(),
            redirect_url: form.string("redirect_url")?.given(),
            expires_in_days: form.bounded("expires_in_days", EXPIRES_IN_BOUNDS)?.given().unwrap_or(EXPIRES_IN_DAYS),
            notify: form.boolean("notify")?.given().unwrap_or(true),
        };
        form.finish()?;
        check_email_address("email_address", &new.email_address)?;
        Ok(new)
    }
}

impl Change<'_> {
    /// Makes the invitations, all or none, and announces each with its e-mail.
    pub(crate) fn create_organization_invitations(
        &mut self,
        organization: &str,
        new: Vec<NewOrganizationInvitation>,
    ) -> Result<Vec<OrganizationInvitation>, Refusal> {
        let found = self.state.organizations.by_id_or_slug(organization);
        let organization = found.ok_or_else(|| Refusal::not_found("organization", organization))?.clone();
        for invitation in &new {
            self.check_organization_invitation(&organization.id, invitation)?;
        }
        let addresses: std::collections::HashSet<_> = new.iter().map(|new| new.email_address.to_lowercase()).collect();
        if addresses.len() < new.len() {
            return Err(not_unique());
        }
        let occupied = self.state.memberships.count_in(&organization.id)
            + self.state.organization_invitations.pending_in(&organization.id, self.now);
        let limit = usize::try_from(organization.max_allowed_memberships).unwrap_or(usize::MAX);
        if limit > 0 && occupied + new.len() > limit {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "organization_membership_quota_exceeded",
                "organization membership quota exceeded",
                format!("The organization has reached its limit of {limit} memberships, pending invitations included."),
            ));
        }
        Ok(new.into_iter().map(|new| self.insert_organization_invitation(&organization.id, new)).collect())
    }

    fn check_organization_invitation(
        &self,
        organization: &OrganizationId,
        new: &NewOrganizationInvitation,
    ) -> Result<(), Refusal> {
        self.check_role(&new.role)?;
        if let Some(inviter) = &new.inviter {
            self.check_may_manage_memberships(organization, inviter)?;
        }
        let state = &self.state;
        let same = |invitation: &OrganizationInvitation| {
            invitation.organization_id == *organization
                && invitation.is_pending(self.now)
                && invitation.email_address.eq_ignore_ascii_case(&new.email_address)
        };
        if state.organization_invitations.oldest_first().any(same) {
            return Err(not_unique());
        }
        match state.users.owner(&Identifier::email_address(&new.email_address)) {
            Some(user) if state.memberships.between(organization.as_str(), user.id.as_str()).is_some() => {
                Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "already_a_member_in_organization",
                    "already a member",
                    format!("{} is already a member of the organization.", new.email_address),
                ))
            }
            _ => Ok(()),
        }
    }

    fn insert_organization_invitation(
        &mut self,
        organization: &OrganizationId,
        new: NewOrganizationInvitation,
    ) -> OrganizationInvitation {
        let lifetime = DAY * u32::try_from(new.expires_in_days).expect("a bounded number of days fits");
        let invitation = OrganizationInvitation {
            id: self.state.ids.prefixed("orginv_", self.now),
            organization_id: organization.clone(),
            email_address: new.email_address,
            role: new.role,
            inviter_id: new.inviter.and_then(|id| UserId::parse(&id).ok()),
            status: InvitationStatus::Pending,
            user_id: None,
            public_metadata: new.public_metadata,
            private_metadata: new.private_metadata,
            redirect_url: new.redirect_url,
            ticket: ids::hex(&self.state.ids.secret::<16>()),
            expires_at: self.now.plus(lifetime),
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.organization_invitations.put(invitation.clone());
        self.announce_organization_invitation(EventKind::OrganizationInvitationCreated, &invitation);
        if new.notify {
            let name = self.state.organizations.get(organization.as_str()).map(|one| one.name.clone());
            let name = name.unwrap_or_default();
            let url = invitation.url(self.view());
            self.announce_email(&Email {
                slug: "organization_invitation",
                to: &invitation.email_address,
                email_address_id: None,
                user_id: None,
                subject: format!("You are invited to {name}"),
                text: format!("You are invited to {name}. Accept at {url}"),
                data: json!({
                    "action_url": url,
                    "invitation": { "id": invitation.id, "expires_in_days": new.expires_in_days },
                    "org": { "name": name },
                }),
            });
        }
        invitation
    }

    /// Makes the invited user a member. `user` is by default whoever has the e-mail address of the invitation.
    pub(crate) fn accept_organization_invitation(
        &mut self,
        id: &str,
        user: Option<&str>,
    ) -> Result<OrganizationInvitation, Refusal> {
        let refused = |code, short: &'static str, long: &str| Refusal::new(StatusCode::BAD_REQUEST, code, short, long);
        let mut invitation = self.organization_invitation(None, id)?.clone();
        match invitation.status_at(self.now) {
            "pending" => {}
            "accepted" => {
                let (code, short) =
                    ("organization_invitation_already_accepted", "invitation has already been accepted");
                return Err(refused(code, short, "This invitation has already been accepted. Sign in instead."));
            }
            status => {
                let (code, short) = ("organization_invitation_revoked_code", "invitation cannot be used");
                return Err(refused(code, short, &format!("This invitation is {status} and cannot be used anymore.")));
            }
        }
        let users = &self.state.users;
        let found = match user {
            Some(id) => Some(users.get(id).ok_or_else(|| Refusal::not_found("user", id))?),
            None => users.owner(&Identifier::email_address(&invitation.email_address)),
        };
        let Some(user) = found.map(|user| user.id.clone()) else {
            let (code, short) = ("organization_invitation_identification_not_exist", "identification not found");
            let long = "There is no user with the invited e-mail address. Create one first, or name another user.";
            return Err(refused(code, short, long));
        };
        self.check_can_join(&invitation.organization_id, &user)?;
        invitation.status = InvitationStatus::Accepted;
        invitation.user_id = Some(user.clone());
        let invitation = self.put_changed_organization_invitation(invitation);
        self.announce_organization_invitation(EventKind::OrganizationInvitationAccepted, &invitation);
        let membership = self.insert_membership(
            &invitation.organization_id,
            &user,
            &invitation.role,
            invitation.public_metadata.clone(),
            invitation.private_metadata.clone(),
        );
        self.announce_membership(EventKind::OrganizationMembershipCreated, &membership);
        Ok(invitation)
    }

    pub(crate) fn revoke_organization_invitation(
        &mut self,
        organization: &str,
        id: &str,
        requester: Option<&str>,
    ) -> Result<OrganizationInvitation, Refusal> {
        let mut invitation = self.organization_invitation(Some(organization), id)?.clone();
        if let Some(requester) = requester {
            self.check_may_manage_memberships(&invitation.organization_id, requester)?;
        }
        if !invitation.is_pending(self.now) {
            return Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "organization_invitation_not_pending",
                "not pending",
                format!("The organization invitation is {}, not pending.", invitation.status_at(self.now)),
            ));
        }
        invitation.status = InvitationStatus::Revoked;
        let invitation = self.put_changed_organization_invitation(invitation);
        self.announce_organization_invitation(EventKind::OrganizationInvitationRevoked, &invitation);
        Ok(invitation)
    }

    /// An invitation by its id, below its organization or anywhere.
    pub(crate) fn organization_invitation(
        &self,
        organization: Option<&str>,
        id: &str,
    ) -> Result<&OrganizationInvitation, Refusal> {
        self.view().organization_invitation(organization, id)
    }

    fn put_changed_organization_invitation(
        &mut self,
        mut invitation: OrganizationInvitation,
    ) -> OrganizationInvitation {
        invitation.updated_at = self.now;
        self.state.organization_invitations.put(invitation.clone());
        invitation
    }

    fn announce_organization_invitation(&mut self, kind: EventKind, invitation: &OrganizationInvitation) {
        let object = invitation.event_object(self.view());
        self.announce(kind, &object);
    }

    fn check_may_manage_memberships(&self, organization: &OrganizationId, user: &str) -> Result<(), Refusal> {
        let membership = self.state.memberships.between(organization.as_str(), user);
        if membership.is_some_and(|membership| self.state.roles.allows(&membership.role, MANAGE_MEMBERSHIPS)) {
            return Ok(());
        }
        Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "not_an_admin_in_organization",
            "not an administrator",
            format!("{user} is not an administrator in the organization. Only administrators can perform this action."),
        ))
    }
}

fn not_unique() -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "organization_invitation_not_unique",
        "organization invitation not unique",
        "Organizations cannot have duplicate pending invitations for an email address.",
    )
}
