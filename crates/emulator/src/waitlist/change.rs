//! Joining the waitlist, inviting, rejecting, deleting, completing.

use clerk::EventKind;
use http::StatusCode;
use serde_json::json;

use super::{WaitlistEntry, WaitlistStatus};
use crate::{
    change::Change, form::Form, invitation_status::InvitationStatus, invitations::NewInvitation, messages::Email,
    refusal::Refusal, users::check_email_address,
};

/// An entry somebody asks for.
#[derive(Debug)]
pub(crate) struct NewWaitlistEntry {
    email_address: String,
    notify: bool,
}

impl NewWaitlistEntry {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            email_address: form.string("email_address")?.required("email_address")?,
            notify: form.boolean("notify")?.given().unwrap_or(true),
        };
        form.finish()?;
        check_email_address("email_address", &new.email_address)?;
        Ok(new)
    }
}

impl Change<'_> {
    /// Puts the addresses on the list. Who is on it already stays where he is, without an event.
    pub(crate) fn create_waitlist_entries(
        &mut self,
        new: Vec<NewWaitlistEntry>,
    ) -> Result<Vec<WaitlistEntry>, Refusal> {
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = new.iter().find(|new| !seen.insert(new.email_address.to_lowercase())) {
            return Err(Refusal::wrong_value("email_address", &twice.email_address, "each address once"));
        }
        Ok(new.iter().map(|new| self.enter_waitlist(new)).collect())
    }

    fn enter_waitlist(&mut self, new: &NewWaitlistEntry) -> WaitlistEntry {
        let same = |entry: &&WaitlistEntry| entry.email_address.eq_ignore_ascii_case(&new.email_address);
        if let Some(known) = self.state.waitlist.oldest_first().find(same) {
            return known.clone();
        }
        let entry = WaitlistEntry {
            id: self.state.ids.prefixed("wle_", self.now),
            email_address: new.email_address.clone(),
            status: WaitlistStatus::Pending,
            invitation_id: None,
            invited_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.waitlist.put(entry.clone());
        self.announce_waitlist_entry(EventKind::WaitlistEntryCreated, &entry);
        if new.notify {
            self.announce_email(&Email {
                slug: "waitlist_confirmation",
                to: &entry.email_address,
                email_address_id: None,
                user_id: None,
                subject: "You are on the waitlist".to_owned(),
                text: "You are on the waitlist. You hear from us when it is your turn.".to_owned(),
                data: json!({}),
            });
        }
        entry
    }

    /// Invites somebody; who was rejected before may be invited after all.
    pub(crate) fn invite_waitlist_entry(&mut self, id: &str, ignore_existing: bool) -> Result<WaitlistEntry, Refusal> {
        let mut entry = self.waitlist_entry(id)?.clone();
        match entry.status {
            WaitlistStatus::Pending | WaitlistStatus::Rejected => {}
            WaitlistStatus::Invited => return Err(already("waitlist_entry_already_invited", "invited")),
            WaitlistStatus::Completed => return Err(already("waitlist_entry_already_completed", "completed")),
        }
        let new = NewInvitation::from_waitlist(&entry.email_address, ignore_existing);
        let invitation = self.create_invitations(vec![new])?.remove(0);
        entry.status = WaitlistStatus::Invited;
        entry.invitation_id = Some(invitation.id);
        entry.invited_at = Some(self.now);
        Ok(self.put_changed_waitlist_entry(entry))
    }

    /// Rejects somebody; an invitation that is still open is revoked.
    pub(crate) fn reject_waitlist_entry(&mut self, id: &str) -> Result<WaitlistEntry, Refusal> {
        let mut entry = self.waitlist_entry(id)?.clone();
        match entry.status {
            WaitlistStatus::Pending | WaitlistStatus::Invited => {}
            WaitlistStatus::Rejected => return Err(already("waitlist_entry_already_rejected", "rejected")),
            WaitlistStatus::Completed => return Err(already("waitlist_entry_already_completed", "completed")),
        }
        let invitation = entry.invitation_id.as_deref().and_then(|id| self.state.invitations.get(id));
        if let Some(invitation) = invitation.filter(|invitation| invitation.status == InvitationStatus::Pending) {
            let id = invitation.id.clone();
            self.revoke_invitation(&id)?;
        }
        entry.status = WaitlistStatus::Rejected;
        Ok(self.put_changed_waitlist_entry(entry))
    }

    pub(crate) fn delete_waitlist_entry(&mut self, id: &str) -> Result<WaitlistEntry, Refusal> {
        let entry = self.waitlist_entry(id)?.clone();
        match entry.status {
            WaitlistStatus::Pending => {}
            WaitlistStatus::Invited => return Err(already("waitlist_entry_already_invited", "invited")),
            WaitlistStatus::Rejected => return Err(already("waitlist_entry_already_rejected", "rejected")),
            WaitlistStatus::Completed => return Err(already("waitlist_entry_already_completed", "completed")),
        }
        self.state.waitlist.remove(id);
        Ok(entry)
    }

    pub(crate) fn complete_waitlist_entry(&mut self, invitation: &str) {
        let invited = |entry: &&WaitlistEntry| {
            entry.invitation_id.as_deref() == Some(invitation) && entry.status == WaitlistStatus::Invited
        };
        let found = self.state.waitlist.oldest_first().find(invited).cloned();
        if let Some(mut entry) = found {
            entry.status = WaitlistStatus::Completed;
            self.put_changed_waitlist_entry(entry);
        }
    }

    fn waitlist_entry(&self, id: &str) -> Result<&WaitlistEntry, Refusal> {
        self.state.waitlist.get(id).ok_or_else(|| Refusal::not_found("waitlist entry", id))
    }

    fn put_changed_waitlist_entry(&mut self, mut entry: WaitlistEntry) -> WaitlistEntry {
        entry.updated_at = self.now;
        self.state.waitlist.put(entry.clone());
        self.announce_waitlist_entry(EventKind::WaitlistEntryUpdated, &entry);
        entry
    }

    fn announce_waitlist_entry(&mut self, kind: EventKind, entry: &WaitlistEntry) {
        let object = entry.object(self.view());
        self.announce(kind, &object);
    }
}

fn already(code: &'static str, what: &str) -> Refusal {
    let long = format!("The waitlist entry has already been {what}.");
    Refusal::new(StatusCode::CONFLICT, code, format!("Waitlist entry already {what}"), long)
}
