//! What each table has in columns, and where in an object it is read.
//!
//! The migrations say the same in SQL; a test holds the two together.

use clerk::Object;

use super::{Column, Parent, Read, Table, Type};
use crate::ObjectKind;

impl ObjectKind {
    /// The table of this kind.
    pub(crate) const fn layout(self) -> &'static Table {
        match self {
            Self::User => &USERS,
            Self::Organization => &ORGANIZATIONS,
            Self::Membership => &MEMBERSHIPS,
            Self::OrganizationInvitation => &ORGANIZATION_INVITATIONS,
            Self::OrganizationDomain => &ORGANIZATION_DOMAINS,
            Self::Role => &ROLES,
            Self::Permission => &PERMISSIONS,
            Self::Session => &SESSIONS,
            Self::Invitation => &INVITATIONS,
            Self::WaitlistEntry => &WAITLIST_ENTRIES,
            Self::Subscription => &SUBSCRIPTIONS,
            Self::SubscriptionItem => &SUBSCRIPTION_ITEMS,
            Self::PaymentAttempt => &PAYMENT_ATTEMPTS,
        }
    }
}

const fn text(name: &'static str) -> Column {
    text_at(name, name)
}

const fn text_at(name: &'static str, path: &'static str) -> Column {
    Column { name, sql: Type::Text, read: Read::Text(path), lasting: false }
}

/// Text with an index on it.
const fn key(name: &'static str) -> Column {
    Column { name, sql: Type::Text, read: Read::Key(name), lasting: false }
}

const fn flag(name: &'static str) -> Column {
    Column { name, sql: Type::Boolean, read: Read::Flag(name), lasting: false }
}

const fn number(name: &'static str) -> Column {
    number_at(name, name)
}

const fn number_at(name: &'static str, path: &'static str) -> Column {
    Column { name, sql: Type::Number, read: Read::Number(path), lasting: false }
}

const fn moment(name: &'static str) -> Column {
    Column { name, sql: Type::Moment, read: Read::Moment(name), lasting: false }
}

const fn json(name: &'static str) -> Column {
    Column { name, sql: Type::Json, read: Read::Json(name), lasting: false }
}

const fn special(name: &'static str, sql: Type, read: fn(&Object<'_>) -> Option<String>) -> Column {
    Column { name, sql, read: Read::Special(read), lasting: false }
}

const fn parent(name: &'static str, path: &'static str, of: ObjectKind) -> Parent {
    Parent { name, path, of }
}

static USERS: Table = Table {
    kind: ObjectKind::User,
    parents: &[],
    columns: &[
        special("primary_email_address", Type::Text, |user| Some(super::indexable(email(user)?.text))),
        special("primary_email_address_verified", Type::Boolean, |user| Some(email(user)?.verified.to_string())),
        special("primary_phone_number", Type::Text, |user| {
            Some(user.primary("primary_phone_number_id", "phone_numbers", "phone_number")?.text)
        }),
        text("username"),
        text("first_name"),
        text("last_name"),
        text("image_url"),
        key("external_id"),
        json("public_metadata"),
        json("unsafe_metadata"),
        flag("banned"),
        flag("locked"),
        moment("last_sign_in_at"),
        moment("last_active_at"),
        moment("created_at"),
    ],
    may_be_stub: true,
    secrets: &[],
    elsewhere: &[],
};

fn email(user: &Object<'_>) -> Option<clerk::Identification> {
    user.primary("primary_email_address_id", "email_addresses", "email_address")
}

static ORGANIZATIONS: Table = Table {
    kind: ObjectKind::Organization,
    parents: &[],
    columns: &[
        text("name"),
        key("slug"),
        text("image_url"),
        text("created_by"),
        number("members_count"),
        number("max_allowed_memberships"),
        json("public_metadata"),
        moment("created_at"),
    ],
    may_be_stub: true,
    secrets: &[],
    elsewhere: &[],
};

static MEMBERSHIPS: Table = Table {
    kind: ObjectKind::Membership,
    parents: &[
        parent("organization_id", "organization.id", ObjectKind::Organization),
        parent("user_id", "public_user_data.user_id", ObjectKind::User),
    ],
    columns: &[
        text("role"),
        text("role_name"),
        special("permissions", Type::Texts, |membership| {
            Some(super::array(&membership.texts("permissions").unwrap_or_default()))
        }),
        json("public_metadata"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &[],
    elsewhere: &[],
};

static ORGANIZATION_INVITATIONS: Table = Table {
    kind: ObjectKind::OrganizationInvitation,
    parents: &[parent("organization_id", "organization_id", ObjectKind::Organization)],
    columns: &[
        // Who accepted it.
        Column { lasting: true, ..text("user_id") },
        key("email_address"),
        text("role"),
        text("role_name"),
        text("inviter_id"),
        key("status"),
        json("public_metadata"),
        moment("expires_at"),
        moment("created_at"),
    ],
    may_be_stub: false,
    // The link holds the ticket that accepts the invitation.
    secrets: &["url"],
    elsewhere: &[],
};

static ORGANIZATION_DOMAINS: Table = Table {
    kind: ObjectKind::OrganizationDomain,
    parents: &[parent("organization_id", "organization_id", ObjectKind::Organization)],
    columns: &[
        key("name"),
        text("enrollment_mode"),
        text("affiliation_email_address"),
        text_at("verification_status", "verification.status"),
        number("total_pending_invitations"),
        number("total_pending_suggestions"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &[],
    elsewhere: &[],
};

static ROLES: Table = Table {
    kind: ObjectKind::Role,
    parents: &[],
    columns: &[
        key("key"),
        text("name"),
        text("description"),
        flag("is_creator_eligible"),
        special("permissions", Type::Texts, |role| {
            let permissions = role.objects("permissions").unwrap_or_default();
            let keys: Vec<String> = permissions.iter().filter_map(|permission| permission.text("key")).collect();
            Some(super::array(&keys))
        }),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &[],
    elsewhere: &[],
};

static PERMISSIONS: Table = Table {
    kind: ObjectKind::Permission,
    parents: &[],
    columns: &[key("key"), text("name"), text("description"), text("type"), moment("created_at")],
    may_be_stub: false,
    secrets: &[],
    elsewhere: &[],
};

static SESSIONS: Table = Table {
    kind: ObjectKind::Session,
    parents: &[parent("user_id", "user_id", ObjectKind::User)],
    columns: &[
        text("client_id"),
        key("status"),
        json("actor"),
        text("last_active_organization_id"),
        moment("last_active_at"),
        moment("expire_at"),
        moment("abandon_at"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &["last_active_token"],
    // Events embed the whole user, who has a row of their own.
    elsewhere: &["user"],
};

static INVITATIONS: Table = Table {
    kind: ObjectKind::Invitation,
    parents: &[],
    columns: &[
        key("email_address"),
        text("status"),
        flag("revoked"),
        json("public_metadata"),
        moment("expires_at"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &["url"],
    elsewhere: &[],
};

static WAITLIST_ENTRIES: Table = Table {
    kind: ObjectKind::WaitlistEntry,
    parents: &[],
    columns: &[
        key("email_address"),
        text("status"),
        flag("is_locked"),
        text_at("invitation_id", "invitation.id"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &["invitation.url"],
    elsewhere: &[],
};

static SUBSCRIPTIONS: Table = Table {
    kind: ObjectKind::Subscription,
    parents: &[],
    columns: &[
        text("payer_id"),
        PAYER_USER,
        PAYER_ORGANIZATION,
        text("status"),
        moment("active_at"),
        moment("past_due_at"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &[],
    elsewhere: &[],
};

static SUBSCRIPTION_ITEMS: Table = Table {
    kind: ObjectKind::SubscriptionItem,
    parents: &[],
    columns: &[
        // In events alone.
        Column { lasting: true, ..text("subscription_id") },
        special("payer_id", Type::Text, |item| item.text("payer_id").or_else(|| item.text("payer.id"))),
        PAYER_USER,
        PAYER_ORGANIZATION,
        text("plan_id"),
        text_at("plan_slug", "plan.slug"),
        // The Backend API's word and the events'.
        special("plan_period", Type::Text, |item| item.text("plan_period").or_else(|| item.text("interval"))),
        text("status"),
        flag("is_free_trial"),
        moment("period_start"),
        moment("period_end"),
        moment("canceled_at"),
        moment("past_due_at"),
        moment("ended_at"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &[],
    elsewhere: &[],
};

static PAYMENT_ATTEMPTS: Table = Table {
    kind: ObjectKind::PaymentAttempt,
    parents: &[],
    columns: &[
        text("payment_id"),
        text("statement_id"),
        text_at("payer_id", "payer.id"),
        PAYER_USER,
        PAYER_ORGANIZATION,
        text("status"),
        text("charge_type"),
        number_at("amount", "totals.grand_total.amount"),
        text_at("currency", "totals.grand_total.currency"),
        special("failed_reason", Type::Text, failed_reason),
        moment("billing_date"),
        moment("paid_at"),
        moment("failed_at"),
        moment("created_at"),
    ],
    may_be_stub: false,
    secrets: &[],
    elsewhere: &[],
};

/// Events say who pays, the Backend API only by an id of the payer's own.
const PAYER_USER: Column =
    Column { name: "payer_user_id", sql: Type::Text, read: Read::Key("payer.user_id"), lasting: true };
const PAYER_ORGANIZATION: Column =
    Column { name: "payer_organization_id", sql: Type::Text, read: Read::Key("payer.organization_id"), lasting: true };

/// Clerk sends a text, or an object with a `code` and a `decline_code`.
fn failed_reason(attempt: &Object<'_>) -> Option<String> {
    let decline_code = || attempt.text("failed_reason.decline_code");
    attempt.text("failed_reason").or_else(decline_code).or_else(|| attempt.text("failed_reason.code"))
}
