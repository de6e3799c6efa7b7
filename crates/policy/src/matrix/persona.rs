//! Who tries: callers with tokens in every shape that Clerk mints.

use std::collections::BTreeMap;

use clerk::{Claims, Permission, SessionStatus, Timestamp, pack};
use serde_json::{Map, Value, json};
use tokens::{DatabaseRoles, Principal, Verified};

use super::run::MatrixError;
use super::world::{
    ACME, ADA, BEN, CLEO, DAN, ENDED_SESSION, EVE, FAY, GIL, GLOBEX, Held, LOST_MEMBERSHIPS, Membership, Vocabulary,
    further_roles, holder_of,
};
use crate::issuer::Issuer;
use crate::model::{Exception, Model, Role};

/// One caller.
#[derive(Debug)]
pub struct Persona {
    /// As the table calls it.
    pub name: String,
    /// As Postgres meets it.
    pub principal: Principal,
    pub(super) facts: Facts,
}

/// What is known of a caller: read from the verified token, and from who is where now.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) role: Option<Role>,
    pub(super) user: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) organization_role: Option<String>,
    pub(super) permissions: Vec<String>,
    pub(super) features: Vec<clerk::Scoped>,
    pub(super) plans: Vec<clerk::Scoped>,
    pub(super) pending: bool,
    pub(super) impersonated: bool,
    pub(super) revoked: bool,
    /// What holds now, by organization.
    pub(super) live: BTreeMap<String, Held>,
}

impl Facts {
    fn of(claims: &Verified<Claims>, memberships: &[Membership]) -> Self {
        let user = claims.user_id().map(|id| id.to_string());
        let organization = claims.organization.as_ref();
        let live = memberships
            .iter()
            .filter(|membership| Some(&membership.user) == user.as_ref())
            .map(|membership| (membership.organization.to_owned(), membership.held.clone()))
            .collect();
        let ended = claims.session_id.as_ref().is_some_and(|session| session.as_str() == ENDED_SESSION);
        let lost = organization.is_some_and(|organization| {
            LOST_MEMBERSHIPS
                .iter()
                .any(|(who, place)| Some(*who) == user.as_deref() && *place == organization.id.as_str())
        });
        let revoked = ended || lost;
        Self {
            role: (claims.role().as_str() == Role::Authenticated.as_str()).then_some(Role::Authenticated),
            user,
            organization: organization.map(|organization| organization.id.to_string()),
            organization_role: organization.and_then(|organization| organization.role.clone()),
            permissions: organization
                .map(|organization| organization.permissions.iter().map(ToString::to_string).collect())
                .unwrap_or_default(),
            features: claims.features.clone(),
            plans: claims.plans.clone(),
            pending: claims.status == SessionStatus::Pending,
            impersonated: claims.actor.is_some(),
            revoked,
            live,
        }
    }
}

/// All of them: Rowlock's own, one more for each role that the declaration names, and the file's.
pub(super) async fn personas(
    model: &Model,
    vocabulary: &Vocabulary,
    memberships: &[Membership],
    now: Timestamp,
) -> Result<Vec<Persona>, MatrixError> {
    let everything: Vec<&str> = vocabulary.permissions.iter().map(String::as_str).collect();
    let v2 = |user: &str, organization: &str, role: &str, permissions: &[&str]| {
        let mut claims = version_2(user, organization, role, permissions);
        if role == "admin" {
            add_paid(&mut claims, vocabulary);
        }
        claims
    };
    let mut ada = v2(ADA, ACME, "admin", &everything);
    let mut list: Vec<(String, Map<String, Value>)> = vec![
        ("ada, org:admin of Acme".to_owned(), ada.clone()),
        ("ada, version 1".to_owned(), version_1(ADA, ACME, "org:admin", &everything)),
        ("ada, no organization".to_owned(), object(json!({ "sub": ADA, "v": 2 }))),
        ("ada, pending".to_owned(), with(&ada, "sts", json!("pending"))),
        (
            "ada, impersonated".to_owned(),
            with(
                &ada,
                "act",
                json!({ "iss": "https://dashboard.clerk.com", "sid": "sess_support", "sub": "user_support" }),
            ),
        ),
        ("ada, session ended".to_owned(), with(&ada, "sid", json!(ENDED_SESSION))),
        ("ben, org:member of Acme".to_owned(), v2(BEN, ACME, "member", &[])),
        ("ben, version 1".to_owned(), version_1(BEN, ACME, "org:member", &[])),
        (
            "ben, claims of a template".to_owned(),
            object(json!({ "sub": BEN, "aud": "authenticated", "role": "authenticated", "email": "ben@example.com",
                "app_metadata": {}, "user_metadata": { "role": "admin" }, "org_id": ACME, "org_role": "{{org.role}}" })),
        ),
        ("dan, all permissions in Acme".to_owned(), v2(DAN, ACME, "manager", &everything)),
        ("fay, left Acme a moment ago".to_owned(), v2(FAY, ACME, "admin", &everything)),
        ("cleo, org:admin of Globex".to_owned(), v2(CLEO, GLOBEX, "admin", &everything)),
        ("eve, signed in, nowhere".to_owned(), object(json!({ "sub": EVE, "v": 2 }))),
    ];
    for role in further_roles(vocabulary) {
        let key = role.strip_prefix("org:").unwrap_or(role);
        let holder = v2(&holder_of(role), ACME, key, &[]);
        if model.settings.impersonated != Exception::Accept {
            list.push((format!("dan, {role}, impersonated"), with(&holder, "act", json!({ "sub": "user_support" }))));
        }
        list.push((format!("dan, {role} of Acme"), holder));
    }
    // Where one of several things is enough, somebody has that one alone.
    if vocabulary.admin_is_enough {
        list.push(("gil, org:admin without permissions".to_owned(), version_2(GIL, ACME, "admin", &[])));
    }
    for paid in &vocabulary.enough {
        let mut ben = v2(BEN, ACME, "member", &[]);
        let (kind, name) = paid.split_once(':').unwrap_or_default();
        let only = std::collections::BTreeSet::from([name.to_owned()]);
        let none = std::collections::BTreeSet::new();
        let (features, plans) = if kind == "feature" { (only, none) } else { (none, only) };
        add_paid(&mut ben, &Vocabulary { features, plans, ..Vocabulary::default() });
        list.push((format!("ben, {paid} alone"), ben));
    }
    for own in &model.personas {
        let claims =
            serde_json::to_value(&own.claims).map_err(|_| MatrixError::PersonaClaims { persona: own.name.clone() })?;
        ada.extend(object(claims));
        list.push((own.name.clone(), ada.clone()));
        ada = v2(ADA, ACME, "admin", &everything);
    }

    let mut personas = vec![Persona {
        name: "nobody".to_owned(),
        principal: Principal::anonymous(),
        facts: Facts { role: Some(Role::Anonymous), ..Facts::default() },
    }];
    let issuer = Issuer::new(now, DatabaseRoles::default());
    for (name, claims) in list {
        let refused = |source| MatrixError::Persona { persona: name.clone(), source };
        let (principal, verified) = issuer.principal(&claims).await.map_err(refused)?;
        personas.push(Persona { facts: Facts::of(&verified, memberships), name, principal });
    }
    Ok(personas)
}

fn version_2(user: &str, organization: &str, role: &str, permissions: &[&str]) -> Map<String, Value> {
    let packed = pack(&in_token(permissions));
    object(json!({
        "sub": user, "v": 2, "sts": "active", "fea": packed.features,
        "o": { "id": organization, "slg": "rehearsal", "rol": role, "per": packed.permissions, "fpm": packed.masks },
    }))
}

fn version_1(user: &str, organization: &str, role: &str, permissions: &[&str]) -> Map<String, Value> {
    object(json!({
        "sub": user, "org_id": organization, "org_slug": "rehearsal", "org_role": role, "org_permissions": in_token(permissions),
    }))
}

/// Clerk never puts system permissions into a token.
fn in_token(permissions: &[&str]) -> Vec<Permission> {
    permissions
        .iter()
        .filter(|text| !text.starts_with("org:sys_"))
        .filter_map(|text| Permission::parse(text).ok())
        .collect()
}

/// Every plan and feature that the declaration asks for. Features behind the packed ones have no mask and grant nothing.
fn add_paid(claims: &mut Map<String, Value>, vocabulary: &Vocabulary) {
    let scoped = |names: &std::collections::BTreeSet<String>| -> Vec<String> {
        names
            .iter()
            .map(|name| match name.split_once(':') {
                Some(("user", name)) => format!("u:{name}"),
                Some((_, name)) => format!("o:{name}"),
                None => format!("o:{name}"),
            })
            .collect()
    };
    let mut features: Vec<String> =
        claims["fea"].as_str().filter(|list| !list.is_empty()).map(str::to_owned).into_iter().collect();
    features.extend(scoped(&vocabulary.features));
    claims.insert("fea".to_owned(), json!(features.join(",")));
    claims.insert("pla".to_owned(), json!(scoped(&vocabulary.plans).join(",")));
}

fn with(claims: &Map<String, Value>, name: &str, value: Value) -> Map<String, Value> {
    let mut claims = claims.clone();
    claims.insert(name.to_owned(), value);
    claims
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
