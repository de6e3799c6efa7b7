//! What can happen in Clerk.
//!
//! The union of the SDK's types (`@clerk/backend` 3.25, `Webhooks.d.ts`) and Clerk's OpenAPI document for webhooks
//! (2025-04-15); each of the two lacks one that the other has. There are no events for application invitations, plans,
//! role sets or API keys: those are only seen by asking the Backend API.

use std::fmt;

macro_rules! event_kinds {
    ($($variant:ident = $text:literal,)+) => {
        /// The `type` of an event. A type that is not known yet is kept by name, never refused.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum EventKind {
            $(
                #[doc = concat!("`", $text, "`")]
                $variant,
            )+
            /// One that this version does not know.
            Unknown(Box<str>),
        }

        impl EventKind {
            /// Every kind that is known.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As Clerk writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }

            /// Finds the kind; what is not known becomes [`EventKind::Unknown`].
            pub fn parse(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    unknown => Self::Unknown(unknown.into()),
                }
            }
        }
    };
}

event_kinds! {
    UserCreated = "user.created",
    UserUpdated = "user.updated",
    UserDeleted = "user.deleted",
    SessionCreated = "session.created",
    SessionEnded = "session.ended",
    SessionRemoved = "session.removed",
    SessionRevoked = "session.revoked",
    SessionPending = "session.pending",
    OrganizationCreated = "organization.created",
    OrganizationUpdated = "organization.updated",
    OrganizationDeleted = "organization.deleted",
    OrganizationDomainCreated = "organizationDomain.created",
    OrganizationDomainUpdated = "organizationDomain.updated",
    OrganizationDomainDeleted = "organizationDomain.deleted",
    OrganizationInvitationCreated = "organizationInvitation.created",
    OrganizationInvitationAccepted = "organizationInvitation.accepted",
    OrganizationInvitationRevoked = "organizationInvitation.revoked",
    OrganizationMembershipCreated = "organizationMembership.created",
    OrganizationMembershipUpdated = "organizationMembership.updated",
    OrganizationMembershipDeleted = "organizationMembership.deleted",
    RoleCreated = "role.created",
    RoleUpdated = "role.updated",
    RoleDeleted = "role.deleted",
    PermissionCreated = "permission.created",
    PermissionUpdated = "permission.updated",
    PermissionDeleted = "permission.deleted",
    EmailCreated = "email.created",
    SmsCreated = "sms.created",
    WaitlistEntryCreated = "waitlistEntry.created",
    WaitlistEntryUpdated = "waitlistEntry.updated",
    SubscriptionCreated = "subscription.created",
    SubscriptionUpdated = "subscription.updated",
    SubscriptionActive = "subscription.active",
    SubscriptionPastDue = "subscription.pastDue",
    SubscriptionItemCreated = "subscriptionItem.created",
    SubscriptionItemUpdated = "subscriptionItem.updated",
    SubscriptionItemActive = "subscriptionItem.active",
    SubscriptionItemCanceled = "subscriptionItem.canceled",
    SubscriptionItemUpcoming = "subscriptionItem.upcoming",
    SubscriptionItemEnded = "subscriptionItem.ended",
    SubscriptionItemAbandoned = "subscriptionItem.abandoned",
    SubscriptionItemIncomplete = "subscriptionItem.incomplete",
    SubscriptionItemPastDue = "subscriptionItem.pastDue",
    SubscriptionItemFreeTrialEnding = "subscriptionItem.freeTrialEnding",
    PaymentAttemptCreated = "paymentAttempt.created",
    PaymentAttemptUpdated = "paymentAttempt.updated",
}

impl From<&str> for EventKind {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::EventKind;

    #[test]
    fn every_kind_is_known_by_its_own_name() {
        let names: BTreeSet<&str> = EventKind::ALL.iter().map(EventKind::as_str).collect();
        assert_eq!(names.len(), 46, "45 in the SDK and 45 in the specification, 44 of them the same");
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), *kind);
            assert!(!matches!(kind, EventKind::Unknown(_)));
        }
        for only_in_one in ["session.pending", "subscriptionItem.created"] {
            assert!(names.contains(only_in_one), "{only_in_one}");
        }
    }

    #[test]
    fn what_is_not_known_keeps_its_name() {
        for name in ["invitation.accepted", "USER.created", "user.created ", ""] {
            let kind = EventKind::from(name);
            assert_eq!(kind, EventKind::Unknown(name.into()));
            assert_eq!(kind.to_string(), name);
        }
    }
}
