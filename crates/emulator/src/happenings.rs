//! Letting an event of any kind happen, with everything that has to be there first: `POST /__rowlock/events` without an
//! object.
//!
//! Nothing is made up: what is announced has happened, by the operations that an application, a person or a payment
//! gateway would use, and so do the events on the way to it. A user who is deleted on demand was created a moment ago,
//! unless the caller names one. Between two steps a millisecond passes, so that what came later says so.

use std::time::Duration;

use clerk::{EventKind, UserId};
use serde_json::{Value, json};

use crate::{
    api_version::ApiVersion,
    billing::{ItemStatus, NewPaymentAttempt, NewPlan, NewSubscriptionItem, PaymentResult, SubscriptionItem},
    change::Change,
    form::Form,
    ids,
    memberships::{Membership, MembershipPatch, NewMembership},
    messages::{Email, Sms},
    organization_domains::{NewOrganizationDomain, OrganizationDomain, OrganizationDomainPatch},
    organization_invitations::{NewOrganizationInvitation, OrganizationInvitation},
    organizations::{NewOrganization, OrganizationPatch},
    refusal::Refusal,
    roles::{ADMIN, MEMBER, NewPermission, NewRole, PermissionPatch, RolePatch},
    sessions::{NewSession, Session},
    users::{NewUser, User},
    waitlist::NewWaitlistEntry,
};

const STEP: Duration = Duration::from_millis(1);
/// From the range of numbers that is reserved for fiction.
const PHONE_NUMBER: &str = "+15005550001";

impl Change<'_> {
    /// Lets it happen, to `user` (any name of one) or to somebody new.
    pub(crate) fn happen(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        let before = self.events.len();
        self.begin_and_end(kind, user)?;
        self.pass();
        if self.events[before..].iter().any(|event| event.kind == *kind) {
            return Ok(());
        }
        let expected = "somebody to whom it can happen; without a user it happens to somebody new";
        Err(Refusal::wrong_value("user", user.unwrap_or_default(), expected))
    }

    fn begin_and_end(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        use EventKind as K;
        if user.is_some() && !concerns_users(kind) {
            return Err(Refusal::wrong_value("user", kind.as_str(), "an event that happens to a user"));
        }
        match kind {
            K::UserCreated | K::UserUpdated | K::UserDeleted => self.happen_to_user(kind, user),
            K::SessionCreated | K::SessionEnded | K::SessionRemoved | K::SessionRevoked | K::SessionPending => {
                self.happen_to_session(kind, user)
            }
            K::OrganizationCreated | K::OrganizationUpdated | K::OrganizationDeleted => {
                self.happen_to_organization(kind, user)
            }
            K::OrganizationDomainCreated | K::OrganizationDomainUpdated | K::OrganizationDomainDeleted => {
                self.happen_to_domain(kind)
            }
            K::OrganizationInvitationCreated | K::OrganizationInvitationAccepted | K::OrganizationInvitationRevoked => {
                self.happen_to_invitation(kind, user)
            }
            K::OrganizationMembershipCreated | K::OrganizationMembershipUpdated | K::OrganizationMembershipDeleted => {
                self.happen_to_membership(kind, user)
            }
            K::RoleCreated | K::RoleUpdated | K::RoleDeleted => self.happen_to_role(kind),
            K::PermissionCreated | K::PermissionUpdated | K::PermissionDeleted => self.happen_to_permission(kind),
            K::EmailCreated | K::SmsCreated => self.send_message(kind, user),
            K::WaitlistEntryCreated | K::WaitlistEntryUpdated => self.happen_to_waitlist(kind),
            K::PaymentAttemptCreated | K::PaymentAttemptUpdated => self.happen_to_payment(kind, user),
            K::Unknown(name) => {
                let expected = "a type that Clerk has; an event of your own needs its `data`";
                Err(Refusal::wrong_value("type", name, expected))
            }
            _ => self.happen_to_subscription(kind, user),
        }
    }

    fn happen_to_user(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        if *kind == EventKind::UserCreated {
            return match user {
                None => self.newcomer().map(|_| ()),
                Some(name) => Err(Refusal::wrong_value("user", name, "nobody: `user.created` makes somebody new")),
            };
        }
        let user = self.someone(user)?;
        match kind {
            EventKind::UserUpdated => self.alter_user(user.as_str(), |_| Ok(())).map(|_| ()),
            _ => self.delete_user(user.as_str()).map(|_| ()),
        }
    }

    fn happen_to_session(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        let user = self.someone(user)?;
        let tasks = if *kind == EventKind::SessionPending { json!(["choose-organization"]) } else { json!([]) };
        let new = NewSession::read_any(form(&json!({ "user_id": user, "tasks": tasks }))?)?;
        let Session { id, .. } = self.create_session(new)?;
        self.pass();
        match kind {
            EventKind::SessionEnded => self.end_session(id.as_str()).map(|_| ()),
            EventKind::SessionRemoved => self.remove_session(id.as_str()).map(|_| ()),
            EventKind::SessionRevoked => self.revoke_session(id.as_str()).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn happen_to_organization(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        let organization = self.new_organization(user)?;
        match kind {
            EventKind::OrganizationUpdated => {
                let patch = form(&json!({ "name": format!("Crew {}", self.tag()) }))?;
                let patch = OrganizationPatch::read(patch, ApiVersion::LATEST)?;
                self.update_organization(&organization, patch).map(|_| ())
            }
            EventKind::OrganizationDeleted => self.delete_organization(&organization).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn happen_to_domain(&mut self, kind: &EventKind) -> Result<(), Refusal> {
        let organization = self.new_organization(None)?;
        let body = json!({ "name": format!("{}.example", self.tag()), "verified": false });
        let new = NewOrganizationDomain::read(form(&body)?)?;
        let OrganizationDomain { id, .. } = self.create_organization_domain(&organization, new)?;
        self.pass();
        match kind {
            EventKind::OrganizationDomainUpdated => {
                let patch = OrganizationDomainPatch::read(form(&json!({ "verified": true }))?)?;
                self.update_organization_domain(&organization, &id, &patch).map(|_| ())
            }
            EventKind::OrganizationDomainDeleted => self.delete_organization_domain(&organization, &id).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn happen_to_invitation(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        let accepted = *kind == EventKind::OrganizationInvitationAccepted;
        let address = match (accepted, user) {
            (false, None) => self.address(),
            (_, user) => {
                let user = self.someone(user)?;
                let user = self.state.users.get(user.as_str()).expect("someone is a user");
                let address = user.primary_email_address().map(|email| email.email_address.clone());
                address
                    .ok_or_else(|| Refusal::wrong_value("user", user.id.as_str(), "a user with an e-mail address"))?
            }
        };
        let organization = self.new_organization(None)?;
        let new = NewOrganizationInvitation::read(form(&json!({ "email_address": address, "role": MEMBER }))?)?;
        let OrganizationInvitation { id, .. } =
            self.create_organization_invitations(&organization, vec![new])?.remove(0);
        self.pass();
        match kind {
            EventKind::OrganizationInvitationAccepted => self.accept_organization_invitation(&id, None).map(|_| ()),
            EventKind::OrganizationInvitationRevoked => {
                self.revoke_organization_invitation(&organization, &id, None).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn happen_to_membership(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        let user = self.someone(user)?;
        let organization = self.new_organization(None)?;
        let Membership { .. } = self.create_membership(&organization, NewMembership::plain(user.as_str(), MEMBER))?;
        self.pass();
        match kind {
            EventKind::OrganizationMembershipUpdated => {
                let patch = MembershipPatch::read(form(&json!({ "role": ADMIN }))?)?;
                self.update_membership(&organization, user.as_str(), patch).map(|_| ())
            }
            EventKind::OrganizationMembershipDeleted => {
                self.delete_membership(&organization, user.as_str()).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn happen_to_role(&mut self, kind: &EventKind) -> Result<(), Refusal> {
        let tag = self.tag();
        let new = json!({ "name": format!("Crew {tag}"), "key": format!("org:crew_{tag}") });
        let role = self.create_role(NewRole::read(form(&new)?)?)?.id;
        self.pass();
        match kind {
            EventKind::RoleUpdated => {
                let patch = RolePatch::read(form(&json!({ "name": format!("Watch {tag}") }))?)?;
                self.update_role(&role, patch).map(|_| ())
            }
            EventKind::RoleDeleted => self.delete_role(&role).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn happen_to_permission(&mut self, kind: &EventKind) -> Result<(), Refusal> {
        let tag = self.tag();
        let new = json!({ "name": format!("Row {tag}"), "key": format!("org:boat_{tag}:row") });
        let permission = self.create_permission(NewPermission::read(form(&new)?)?)?.id;
        self.pass();
        match kind {
            EventKind::PermissionUpdated => {
                let patch = PermissionPatch::read(form(&json!({ "name": format!("Steer {tag}") }))?)?;
                self.update_permission(&permission, patch).map(|_| ())
            }
            EventKind::PermissionDeleted => self.delete_permission(&permission).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn send_message(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        let id = self.someone(user)?;
        let user = self.state.users.get(id.as_str()).expect("someone is a user").clone();
        let code = self.draw_code("");
        let (text, data) = (format!("Your verification code is {code}"), json!({ "otp_code": code }));
        let slug = "verification_code";
        if *kind == EventKind::EmailCreated {
            let email = user.primary_email_address().ok_or_else(|| lacks(&user, "e-mail address"))?;
            self.announce_email(&Email {
                slug,
                to: &email.email_address,
                email_address_id: Some(&email.id),
                user_id: Some(&id),
                subject: format!("{code} is your verification code"),
                text,
                data,
            });
        } else {
            let phone = user.primary_phone_number();
            let to = phone.map_or(PHONE_NUMBER, |phone| &phone.phone_number);
            let phone_number_id = phone.map(|phone| phone.id.as_str());
            self.announce_sms(&Sms { slug, to, phone_number_id, user_id: Some(&id), text, data });
        }
        Ok(())
    }

    fn happen_to_waitlist(&mut self, kind: &EventKind) -> Result<(), Refusal> {
        let new = NewWaitlistEntry::read(form(&json!({ "email_address": self.address() }))?)?;
        let entry = self.create_waitlist_entries(vec![new])?.remove(0).id;
        self.pass();
        match kind {
            EventKind::WaitlistEntryUpdated => self.reject_waitlist_entry(&entry).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn happen_to_subscription(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        use EventKind as K;
        let beginning = match kind {
            K::SubscriptionItemUpcoming => "upcoming",
            K::SubscriptionItemIncomplete | K::SubscriptionItemAbandoned => "incomplete",
            _ => "active",
        };
        let item = self.new_subscription_item(user, beginning)?.id;
        let end = match kind {
            K::SubscriptionItemCanceled => ItemStatus::Canceled,
            K::SubscriptionItemEnded | K::SubscriptionUpdated => ItemStatus::Ended,
            K::SubscriptionItemPastDue | K::SubscriptionPastDue => ItemStatus::PastDue,
            K::SubscriptionItemAbandoned => ItemStatus::Abandoned,
            K::SubscriptionItemUpdated => return self.charge(&item, Some("paid")),
            K::SubscriptionItemFreeTrialEnding => return self.announce_free_trial_ending(&item).map(|_| ()),
            _ => return Ok(()),
        };
        self.change_subscription_item_status(&item, end).map(|_| ())
    }

    fn happen_to_payment(&mut self, kind: &EventKind, user: Option<&str>) -> Result<(), Refusal> {
        let item = self.new_subscription_item(user, "active")?.id;
        let result = (*kind == EventKind::PaymentAttemptUpdated).then_some("paid");
        self.charge(&item, result)
    }

    fn charge(&mut self, item: &str, result: Option<&str>) -> Result<(), Refusal> {
        let new = NewPaymentAttempt::read(form(&json!({ "subscription_item_id": item }))?)?;
        let attempt = self.create_payment_attempt(&new)?.id;
        self.pass();
        match result {
            None => Ok(()),
            Some(status) => {
                let result = PaymentResult::read(form(&json!({ "status": status }))?)?;
                self.settle_payment_attempt(&attempt, result).map(|_| ())
            }
        }
    }

    fn new_subscription_item(&mut self, user: Option<&str>, status: &str) -> Result<SubscriptionItem, Refusal> {
        let user = self.someone(user)?;
        let tag = self.tag();
        let plan = json!({ "name": format!("Pro {tag}"), "amount": 2000, "free_trial_days": 14 });
        let plan = self.create_plan(NewPlan::read(form(&plan)?)?)?.id;
        let new = json!({ "payer_id": user, "plan_id": plan, "status": status, "free_trial": status == "active" });
        let item = self.create_subscription_item(&NewSubscriptionItem::read(form(&new)?)?)?;
        self.pass();
        Ok(item)
    }

    /// Whoever is named, or somebody new.
    fn someone(&mut self, name: Option<&str>) -> Result<UserId, Refusal> {
        match name {
            Some(name) => Ok(self.anybody(name)?.id.clone()),
            None => self.newcomer(),
        }
    }

    fn newcomer(&mut self) -> Result<UserId, Refusal> {
        let body = json!({ "email_address": [self.address()], "first_name": "Grace", "last_name": "Hopper" });
        let user = self.create_user(NewUser::read(form(&body)?)?)?;
        self.pass();
        Ok(user)
    }

    fn new_organization(&mut self, creator: Option<&str>) -> Result<String, Refusal> {
        let creator = match creator {
            None => None,
            Some(name) => Some(self.anybody(name)?.id.clone()),
        };
        let body = json!({ "name": format!("Team {}", self.tag()), "created_by": creator });
        let organization = self.create_organization(NewOrganization::read(form(&body)?)?)?;
        self.pass();
        Ok(organization.to_string())
    }

    fn address(&mut self) -> String {
        format!("someone-{}+clerk_test@example.com", self.tag())
    }

    /// What sets one from another, the same on every run of a seeded instance.
    fn tag(&mut self) -> String {
        ids::hex(&self.state.ids.secret::<4>())
    }

    fn pass(&mut self) {
        self.now = self.now.plus(STEP);
    }
}

/// Whether a user can be named to whom it is to happen.
fn concerns_users(kind: &EventKind) -> bool {
    let family = kind.as_str().split('.').next().unwrap_or_default();
    !matches!(family, "organizationDomain" | "role" | "permission" | "waitlistEntry")
}

fn lacks(user: &User, what: &str) -> Refusal {
    Refusal::wrong_value("user", user.id.as_str(), &format!("a user with an {what}"))
}

fn form(body: &Value) -> Result<Form, Refusal> {
    Form::parse(body.to_string().as_bytes())
}
