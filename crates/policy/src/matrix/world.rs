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
        vocabulary
    }
}

/// One membership that holds now.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) user: &'static str,
    pub(super) organization: &'static str,
    pub(super) permissions: Vec<String>,
}

/// Who is where now. Fay is nowhere any more.
pub(super) fn memberships(vocabulary: &Vocabulary) -> Vec<Membership> {
    let all: Vec<String> = vocabulary.permissions.iter().cloned().collect();
    let membership = |user, organization, permissions: &[String]| Membership {
        user,
        organization,
        permissions: permissions.to_vec(),
    };
    vec![
        membership(ADA, ACME, &all),
        membership(BEN, ACME, &[]),
        membership(DAN, ACME, &all),
        membership(CLEO, GLOBEX, &all),
    ]
}

/// Puts them into the mirror, as the mirror would, at the moment at which the personas' tokens are issued.
pub(super) async fn install(rehearsal: &Rehearsal, memberships: &[Membership], now: Timestamp) -> Result<(), Error> {
    for user in [ADA, BEN, CLEO, DAN, EVE, FAY] {
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
                   (id, organization_id, user_id, permissions, clerk_updated_at, event_at, delivery_id, synced_at, source)
                 values ($1, $2, $3, $4, 1, 1, 'rehearsal', now(), 'token')",
                &[
                    (&id, Type::TEXT),
                    (&membership.organization, Type::TEXT),
                    (&membership.user, Type::TEXT),
                    (&membership.permissions, Type::TEXT_ARRAY),
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
