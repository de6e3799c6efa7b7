//! The kinds of objects that Clerk has and the mirror keeps.

use std::fmt;

use clerk::EventKind;

macro_rules! object_kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $table:literal;)+) => {
        /// A kind of object that the mirror has a table for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ObjectKind {
            $($(#[$doc])* $variant,)+
        }

        impl ObjectKind {
            /// Every kind. Those that others depend on come first.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// One of them, as Clerk's own `object` member and the database's records call it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// Its table in schema `clerk`.
            pub const fn table(self) -> &'static str {
                match self { $(Self::$variant => $table,)+ }
            }

            /// The kind of that word.
            pub fn of_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }

            /// The kind of that table: what people write on the command line.
            pub fn of_table(table: &str) -> Option<Self> {
                match table { $($table => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

object_kinds! {
    /// A person's account.
    User = "user", "users";
    /// An organization.
    Organization = "organization", "organizations";
    /// Who belongs to which organization, and as what.
    Membership = "organization_membership", "organization_memberships";
    /// An invitation to an organization.
    OrganizationInvitation = "organization_invitation", "organization_invitations";
    /// A domain of an organization.
    OrganizationDomain = "organization_domain", "organization_domains";
    /// A role that memberships may have.
    Role = "role", "roles";
    /// A permission that roles may hold.
    Permission = "permission", "permissions";
    /// A user's session.
    Session = "session", "sessions";
    /// An invitation to the application. Clerk sends no event about them.
    Invitation = "invitation", "invitations";
    /// An entry of the waitlist.
    WaitlistEntry = "waitlist_entry", "waitlist_entries";
    /// What a user or organization pays for.
    Subscription = "subscription", "subscriptions";
    /// One plan within a subscription.
    SubscriptionItem = "subscription_item", "subscription_items";
    /// An attempt at a payment.
    PaymentAttempt = "payment_attempt", "payment_attempts";
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// What an event says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occurrence {
    /// It has this state.
    State(ObjectKind),
    /// It is no more.
    End(ObjectKind),
    /// Nothing that lasts: a message was sent, or nobody knows the type.
    Passing,
}

impl Occurrence {
    /// What messages call the object.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::State(kind) | Self::End(kind) => kind.word(),
            Self::Passing => "object",
        }
    }

    pub(crate) fn of(event: &EventKind) -> Self {
        use EventKind as Event;
        match event {
            Event::UserCreated | Event::UserUpdated => Self::State(ObjectKind::User),
            Event::UserDeleted => Self::End(ObjectKind::User),
            // A session that is over stays an object of Clerk's, with the status that says how it ended.
            Event::SessionCreated
            | Event::SessionEnded
            | Event::SessionRemoved
            | Event::SessionRevoked
            | Event::SessionPending => Self::State(ObjectKind::Session),
            Event::OrganizationCreated | Event::OrganizationUpdated => Self::State(ObjectKind::Organization),
            Event::OrganizationDeleted => Self::End(ObjectKind::Organization),
            Event::OrganizationDomainCreated | Event::OrganizationDomainUpdated => {
                Self::State(ObjectKind::OrganizationDomain)
            }
            Event::OrganizationDomainDeleted => Self::End(ObjectKind::OrganizationDomain),
            Event::OrganizationInvitationCreated
            | Event::OrganizationInvitationAccepted
            | Event::OrganizationInvitationRevoked => Self::State(ObjectKind::OrganizationInvitation),
            Event::OrganizationMembershipCreated | Event::OrganizationMembershipUpdated => {
                Self::State(ObjectKind::Membership)
            }
            Event::OrganizationMembershipDeleted => Self::End(ObjectKind::Membership),
            Event::RoleCreated | Event::RoleUpdated => Self::State(ObjectKind::Role),
            Event::RoleDeleted => Self::End(ObjectKind::Role),
            Event::PermissionCreated | Event::PermissionUpdated => Self::State(ObjectKind::Permission),
            Event::PermissionDeleted => Self::End(ObjectKind::Permission),
            Event::WaitlistEntryCreated | Event::WaitlistEntryUpdated => Self::State(ObjectKind::WaitlistEntry),
            Event::SubscriptionCreated
            | Event::SubscriptionUpdated
            | Event::SubscriptionActive
            | Event::SubscriptionPastDue => Self::State(ObjectKind::Subscription),
            Event::SubscriptionItemCreated
            | Event::SubscriptionItemUpdated
            | Event::SubscriptionItemActive
            | Event::SubscriptionItemCanceled
            | Event::SubscriptionItemUpcoming
            | Event::SubscriptionItemEnded
            | Event::SubscriptionItemAbandoned
            | Event::SubscriptionItemIncomplete
            | Event::SubscriptionItemPastDue
            | Event::SubscriptionItemFreeTrialEnding => Self::State(ObjectKind::SubscriptionItem),
            Event::PaymentAttemptCreated | Event::PaymentAttemptUpdated => Self::State(ObjectKind::PaymentAttempt),
            _ => Self::Passing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_but_those_of_messages_is_about_an_object() {
        let passing: Vec<&str> = EventKind::ALL
            .iter()
            .filter(|event| Occurrence::of(event) == Occurrence::Passing)
            .map(EventKind::as_str)
            .collect();
        assert_eq!(passing, ["email.created", "sms.created"]);
    }

    #[test]
    fn kinds_are_found_by_their_words_and_tables() {
        for kind in ObjectKind::ALL {
            assert_eq!(ObjectKind::of_word(kind.word()), Some(*kind));
            assert_eq!(ObjectKind::of_table(kind.table()), Some(*kind));
        }
    }
}
