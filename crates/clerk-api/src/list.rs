//! Which objects Clerk lists, where, and in what order.
//!
//! Most kinds have one list for the whole instance. Sessions are listed by user, payment attempts by statement, and a
//! subscription is shown to its payer alone; whoever wants all of those has to walk the others first.

use clerk::UserId;

/// A list of Clerk's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// Every user.
    Users,
    /// Every organization.
    Organizations,
    /// Every membership of every organization.
    Memberships,
    /// Every invitation to an organization, whatever became of it.
    OrganizationInvitations,
    /// Every domain of every organization.
    OrganizationDomains,
    /// The roles of organizations.
    Roles,
    /// The permissions that roles are made of.
    Permissions,
    /// Every invitation to the application: no event tells of those.
    Invitations,
    /// Everybody on the waitlist.
    WaitlistEntries,
    /// Every subscription item, those of free plans included.
    SubscriptionItems,
    /// Every billing statement.
    Statements,
    /// The sessions of one user that Clerk still keeps.
    SessionsOf(UserId),
    /// The attempts to pay one statement.
    PaymentAttemptsOf(String),
}

/// How a list can be read from its beginning to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Oldest first, each page after the last object of the page before.
    Cursor,
    /// Oldest first, by position.
    OldestFirst,
    /// Newest first, by position: Clerk offers nothing else.
    NewestFirst,
}

pub(crate) type Filter = &'static [(&'static str, &'static str)];

impl List {
    pub(crate) fn path(&self) -> Vec<&str> {
        match self {
            Self::Users => vec!["users"],
            Self::Organizations => vec!["organizations"],
            Self::Memberships => vec!["organization_memberships"],
            Self::OrganizationInvitations => vec!["organization_invitations"],
            Self::OrganizationDomains => vec!["organization_domains"],
            Self::Roles => vec!["organization_roles"],
            Self::Permissions => vec!["organization_permissions"],
            Self::Invitations => vec!["invitations"],
            Self::WaitlistEntries => vec!["waitlist_entries"],
            Self::SubscriptionItems => vec!["billing", "subscription_items"],
            Self::Statements => vec!["billing", "statements"],
            Self::SessionsOf(_) => vec!["sessions"],
            Self::PaymentAttemptsOf(statement) => vec!["billing", "statements", statement, "payment_attempts"],
        }
    }

    /// The parts that the list has to be read in, one after the other, each with what tells it from the others.
    ///
    /// Clerk leaves revoked invitations out unless they are asked for. An invitation may be revoked while the list is
    /// read, and never comes back: so those are the last part.
    pub(crate) fn parts(&self) -> &'static [Filter] {
        match self {
            Self::Invitations => &[&[("paginated", "true")], &[("paginated", "true"), ("status", "revoked")]],
            Self::SubscriptionItems => &[&[("paginated", "true"), ("include_free", "true")]],
            Self::Statements | Self::SessionsOf(_) | Self::PaymentAttemptsOf(_) => &[&[("paginated", "true")]],
            // Counting members costs Clerk a query for each organization, and the webhooks' objects have the number.
            Self::Organizations => &[&[("include_members_count", "true")]],
            _ => &[&[]],
        }
    }

    pub(crate) const fn order(&self) -> Order {
        match self {
            Self::Users => Order::Cursor,
            Self::SubscriptionItems | Self::Statements | Self::SessionsOf(_) | Self::PaymentAttemptsOf(_) => {
                Order::NewestFirst
            }
            _ => Order::OldestFirst,
        }
    }

    /// Whose list it is, when it is not the instance's.
    pub(crate) fn within(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::SessionsOf(user) => Some(("user_id", user.as_str())),
            _ => None,
        }
    }
}
