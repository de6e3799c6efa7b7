//! The people and organizations that personas and rows are made of, and their rows in the mirror.

use std::collections::BTreeSet;

use clerk::Timestamp;
use postgres::{Error, Rehearsal};
use tokio_postgres::types::Type;

use crate::model::{Model, Requirement};

pub(super) const ADA: &str = "user_rehearsal_ada";
pub(super) const BEN: &str = "user_rehearsal_ben";
pub(super) const CLEO: &str = "user_rehearsal_cleo";
pub(super) const DAN: &str = "user_rehearsal_dan";
pub(super) const EVE: &str = "user_rehearsal_eve";
pub(super) const GIL: &str = "user_rehearsal_gil";
pub(super) const FAY: &str = "user_rehearsal_fay";
pub(super) const ACME: &str = "org_rehearsal_acme";
pub(super) const GLOBEX: &str = "org_rehearsal_globex";
/// A session that was ended while its last token still holds.
pub(super) const ENDED_SESSION: &str = "sess_rehearsal_ended";
/// Who left which organization while the token still names it.
pub(super) const LOST_MEMBERSHIPS: [(&str, &str); 1] = [(FAY, ACME)];

/// Whether it is an id of this world.
pub(super) fn is_id(text: &str) -> bool {
    text.starts_with("user_rehearsal_") || text.starts_with("org_rehearsal_")
}

/// What the declaration asks for, so that some persona has it.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    pub(super) roles: BTreeSet<String>,
    pub(super) permissions: BTreeSet<String>,
    pub(super) features: BTreeSet<String>,
    pub(super) plans: BTreeSet<String>,
    /// Features and plans that are enough beside something else.
    pub(super) enough: BTreeSet<String>,
    /// Whether being an administrator is enough beside a permission.
    pub(super) admin_is_enough: bool,
}

impl Vocabulary {
    pub(super) fn of(model: &Model) -> Self {
        let mut vocabulary = Self::default();
        let rules = model.tables.iter().filter_map(|table| table.access.rules());
        for requirement in rules.flat_map(|rules| {
            [&rules.select, &rules.insert, &rules.update, &rules.delete]
                .into_iter()
                .flat_map(|requirements| &requirements.0)
        }) {
            match requirement {
                Requirement::Role(role) => vocabulary.roles.insert(role.clone()),
                Requirement::Permission(permission) => vocabulary.permissions.insert(permission.clone()),
                Requirement::Feature(feature) => vocabulary.features.insert(feature.clone()),
                Requirement::Plan(plan) => vocabulary.plans.insert(plan.clone()),
                _ => false,
            };
        }
        let lists = model.tables.iter().filter_map(|table| table.access.rules());
        for list in lists.flat_map(|rules| [&rules.select, &rules.insert, &rules.update, &rules.delete]) {
            let paid =
                |requirement: &&Requirement| matches!(requirement, Requirement::Feature(_) | Requirement::Plan(_));
            if list.0.len() > 1 {
                vocabulary.enough.extend(list.0.iter().filter(paid).map(ToString::to_string));
                let permission = list.0.iter().any(|one| matches!(one, Requirement::Permission(_)));
                vocabulary.admin_is_enough |= permission && list.0.contains(&Requirement::Role("org:admin".to_owned()));
            }
        }
        vocabulary
    }
}

/// One membership that holds now.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) user: String,
    pub(super) organization: &'static str,
    pub(super) held: Held,
}

/// What somebody is and may do in an organization.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) role: String,
    pub(super) permissions: Vec<String>,
}

/// Who has a role that the declaration names and nobody else has.
pub(super) fn holder_of(role: &str) -> String {
    let key = role.strip_prefix("org:").unwrap_or(role);
    format!("{DAN}_{key}")
}

/// The roles that need somebody more.
pub(super) fn further_roles(vocabulary: &Vocabulary) -> impl Iterator<Item = &String> {
    vocabulary.roles.iter().filter(|role| !matches!(role.as_str(), "org:admin" | "org:member" | "org:manager"))
}

/// Who is where now. Fay is nowhere any more.
pub(super) fn memberships(vocabulary: &Vocabulary) -> Vec<Membership> {
    let all: Vec<String> = vocabulary.permissions.iter().cloned().collect();
    let membership = |user: &str, organization, role: &str, permissions: &[String]| Membership {
        user: user.to_owned(),
        organization,
        held: Held { role: role.to_owned(), permissions: permissions.to_vec() },
    };
    let mut all = vec![
        membership(ADA, ACME, "org:admin", &all),
        membership(BEN, ACME, "org:member", &[]),
        membership(DAN, ACME, "org:manager", &all),
        membership(CLEO, GLOBEX, "org:admin", &all),
    ];
    // Different roles in two organizations: what holds in one must not carry over into the other.
    for role in further_roles(vocabulary) {
        all.push(membership(&holder_of(role), ACME, role, &[]));
        all.push(membership(&holder_of(role), GLOBEX, "org:member", &[]));
    }
    if vocabulary.admin_is_enough {
        all.push(membership(GIL, ACME, "org:admin", &[]));
    }
    all
}

/// Puts them into the mirror, as the mirror would, at the moment at which the personas' tokens are issued.
pub(super) async fn install(rehearsal: &Rehearsal, memberships: &[Membership], now: Timestamp) -> Result<(), Error> {
    let members = memberships.iter().map(|membership| membership.user.as_str());
    let mut users: Vec<&str> = members.chain([EVE, FAY]).collect();
    users.sort_unstable();
    users.dedup();
    for user in users {
        rehearsal
            .query(
                "insert into clerk.users (id, clerk_updated_at, event_at, delivery_id, synced_at, source)
                 values ($1, 1, 1, 'rehearsal', now(), 'token') on conflict do nothing",
                &[(&user, Type::TEXT)],
            )
            .await?;
    }
    for organization in [ACME, GLOBEX] {
        rehearsal
            .query(
                "insert into clerk.organizations (id, clerk_updated_at, event_at, delivery_id, synced_at, source)
                 values ($1, 1, 1, 'rehearsal', now(), 'token') on conflict do nothing",
                &[(&organization, Type::TEXT)],
            )
            .await?;
    }
    for membership in memberships {
        let id = format!("orgmem_{}_{}", membership.user, membership.organization);
        rehearsal
            .query(
                "insert into clerk.organization_memberships
                   (id, organization_id, user_id, role, permissions, clerk_updated_at, event_at, delivery_id, synced_at, source)
                 values ($1, $2, $3, $4, $5, 1, 1, 'rehearsal', now(), 'token')",
                &[
                    (&id, Type::TEXT),
                    (&membership.organization, Type::TEXT),
                    (&membership.user, Type::TEXT),
                    (&membership.held.role, Type::TEXT),
                    (&membership.held.permissions, Type::TEXT_ARRAY),
                ],
            )
            .await?;
    }
    for (user, organization) in LOST_MEMBERSHIPS {
        rehearsal
            .query(
                "insert into clerk.organization_memberships
                   (id, organization_id, user_id, clerk_updated_at, event_at, delivery_id, synced_at, source, deleted_at)
                 values ($1, $2, $3, $4, $4, 'rehearsal', now(), 'token', now())",
                &[
                    (&format!("orgmem_{user}_{organization}"), Type::TEXT),
                    (&organization, Type::TEXT),
                    (&user, Type::TEXT),
                    (&now.millis(), Type::INT8),
                ],
            )
            .await?;
    }
    rehearsal
        .query(
            "insert into clerk.sessions (id, user_id, status, clerk_updated_at, event_at, delivery_id, synced_at, source)
             values ($1, $2, 'revoked', $3, $3, 'rehearsal', now(), 'token')",
            &[(&ENDED_SESSION, Type::TEXT), (&ADA, Type::TEXT), (&now.millis(), Type::INT8)],
        )
        .await
        .map(drop)
}
