//! Inviting to the application, accepting, revoking.

use std::time::Duration;

use clerk::UserId;
use http::StatusCode;
use serde_json::json;

use super::Invitation;
use crate::{
    change::Change,
    form::Form,
    ids,
    invitation_status::InvitationStatus,
    messages::Email,
    metadata::{self, Metadata},
    refusal::Refusal,
    users::{Identifier, NewUser, check_email_address},
};

/// Clerk: "expires_in_days … default 30".
const EXPIRES_IN_DAYS: i64 = 30;
const EXPIRES_IN_BOUNDS: std::ops::RangeInclusive<i64> = 1..=365;
const DAY: Duration = Duration::from_secs(86_400);

/// An invitation somebody asks for.
#[derive(Debug)]
pub(crate) struct NewInvitation {
    email_address: String,
    public_metadata: Metadata,
    redirect_url: Option<String>,
    notify: bool,
    ignore_existing: bool,
    expires_in_days: i64,
    template: &'static str,
}

impl NewInvitation {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let templates = ["invitation", "waitlist_invitation"];
        let new = Self {
            email_address: form.string("email_address")?.required("email_address")?,
            public_metadata: metadata::read(&mut form, "public_metadata")?.given().unwrap_or_default(),
            redirect_url: form.string("redirect_url")?.given(),
            notify: form.boolean("notify")?.given().unwrap_or(true),
            ignore_existing: form.boolean("ignore_existing")?.given().unwrap_or(false),
            expires_in_days: form.bounded("expires_in_days", EXPIRES_IN_BOUNDS)?.given().unwrap_or(EXPIRES_IN_DAYS),
            template: form.word("template_slug", &templates)?.given().unwrap_or(templates[0]),
        };
        form.finish()?;
        check_email_address("email_address", &new.email_address)?;
        Ok(new)
    }

    /// What inviting somebody from the waitlist sends.
    pub(crate) fn from_waitlist(email_address: &str, ignore_existing: bool) -> Self {
        Self {
            email_address: email_address.to_owned(),
            public_metadata: Metadata::new(),
            redirect_url: None,
            notify: true,
            ignore_existing,
            expires_in_days: EXPIRES_IN_DAYS,
            template: "waitlist_invitation",
        }
    }
}

impl Change<'_> {
    /// Makes the invitations, all or none, and sends their e-mails.
    pub(crate) fn create_invitations(&mut self, new: Vec<NewInvitation>) -> Result<Vec<Invitation>, Refusal> {
        let mut seen = std::collections::HashSet::new();
        for invitation in &new {
            self.check_invitation(invitation)?;
            if !seen.insert(invitation.email_address.to_lowercase()) {
                return Err(duplicate(&invitation.email_address));
            }
        }
        Ok(new.into_iter().map(|new| self.insert_invitation(new)).collect())
    }

    fn check_invitation(&self, new: &NewInvitation) -> Result<(), Refusal> {
        if self.state.users.owner(&Identifier::email_address(&new.email_address)).is_some() && !new.ignore_existing {
            return Err(Refusal::taken("email_address", "email address"));
        }
        let pending = |invitation: &Invitation| {
            invitation.status_at(self.now) == "pending"
                && invitation.email_address.eq_ignore_ascii_case(&new.email_address)
        };
        if !new.ignore_existing && self.state.invitations.oldest_first().any(pending) {
            return Err(duplicate(&new.email_address));
        }
        Ok(())
    }

    fn insert_invitation(&mut self, new: NewInvitation) -> Invitation {
        let lifetime = DAY * u32::try_from(new.expires_in_days).expect("a bounded number of days fits");
        let invitation = Invitation {
            id: self.state.ids.prefixed("inv_", self.now),
            email_address: new.email_address,
            status: InvitationStatus::Pending,
            public_metadata: new.public_metadata,
            redirect_url: new.redirect_url,
            ticket: ids::hex(&self.state.ids.secret::<16>()),
            expires_at: self.now.plus(lifetime),
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.invitations.put(invitation.clone());
        if new.notify {
            let url = invitation.url(self.view());
            self.announce_email(&Email {
                slug: new.template,
                to: &invitation.email_address,
                email_address_id: None,
                user_id: None,
                subject: "You are invited".to_owned(),
                text: format!("You are invited. Accept at {url}"),
                data: json!({
                    "action_url": url,
                    "invitation": { "id": invitation.id, "expires_in_days": new.expires_in_days },
                }),
            });
        }
        invitation
    }

    /// Makes the user that was invited: the address is verified, since the link came by e-mail.
    pub(crate) fn accept_invitation(&mut self, id: &str) -> Result<UserId, Refusal> {
        let invitation = self.pending_invitation(id)?.clone();
        if self.state.users.owner(&Identifier::email_address(&invitation.email_address)).is_some() {
            let long = "An account already exists for this invitation. Sign in instead.";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invitation_account_exists", "account exists", long));
        }
        let form = json!({
            "email_address": [invitation.email_address],
            "public_metadata": invitation.public_metadata,
        });
        let user = self.create_user(NewUser::read(Form::parse(form.to_string().as_bytes())?)?)?;
        self.mark_invitation_accepted(id);
        Ok(user)
    }

    /// What signing up with an invitation does to it, and to the place on the waitlist it may stand for.
    pub(crate) fn mark_invitation_accepted(&mut self, id: &str) {
        if let Some(mut invitation) = self.state.invitations.get(id).cloned() {
            invitation.status = InvitationStatus::Accepted;
            self.put_changed_invitation(invitation);
            self.complete_waitlist_entry(id);
        }
    }

    pub(crate) fn revoke_invitation(&mut self, id: &str) -> Result<Invitation, Refusal> {
        let mut invitation = self.pending_invitation(id)?.clone();
        invitation.status = InvitationStatus::Revoked;
        Ok(self.put_changed_invitation(invitation))
    }

    fn pending_invitation(&self, id: &str) -> Result<&Invitation, Refusal> {
        let refused = |code, short: &'static str| Err(Refusal::new(StatusCode::BAD_REQUEST, code, short, short));
        let invitation = self.state.invitations.get(id).ok_or_else(|| Refusal::not_found("invitation", id))?;
        match invitation.status {
            InvitationStatus::Pending => Ok(invitation),
            InvitationStatus::Accepted => {
                refused("invitation_already_accepted", "Invitation is already accepted, try signing in instead.")
            }
            InvitationStatus::Revoked => refused("invitation_already_revoked", "Invitation is already revoked."),
        }
    }

    fn put_changed_invitation(&mut self, mut invitation: Invitation) -> Invitation {
        invitation.updated_at = self.now;
        self.state.invitations.put(invitation.clone());
        invitation
    }
}

fn duplicate(address: &str) -> Refusal {
    let long = format!("There are already pending invitations for the following email addresses: {address}");
    Refusal::new(StatusCode::BAD_REQUEST, "duplicate_record", "duplicate invitation", long)
}
