//! What Clerk has, what the mirror shows, and how the two differ.

use std::collections::BTreeMap;

use emulator::Emulator;
use serde_json::{Value, json};

use crate::support::Test;

/// Objects by table and id.
pub(crate) type Objects = BTreeMap<(&'static str, String), Value>;

/// The tables that are compared, and where Clerk lists what belongs in them. Application invitations have no event.
pub(crate) const LISTS: [(&str, &str); 12] = [
    ("users", "/v1/users"),
    ("organizations", "/v1/organizations"),
    ("organization_memberships", "/v1/organization_memberships"),
    ("organization_invitations", "/v1/organization_invitations"),
    ("organization_domains", "/v1/organization_domains"),
    ("roles", "/v1/organization_roles"),
    ("permissions", "/v1/organization_permissions"),
    ("waitlist_entries", "/v1/waitlist_entries"),
    ("subscription_items", "/v1/billing/subscription_items"),
    ("sessions", "/v1/sessions"),
    ("subscriptions", "/billing/subscription"),
    ("payment_attempts", "/v1/billing/statements"),
];
const BILLING: [&str; 3] = ["subscriptions", "subscription_items", "payment_attempts"];

/// What no event tells when it changes, because it belongs to another object, or is never stored because it is a secret.
const OF_OTHERS: [&str; 13] = [
    "organization",
    "public_user_data",
    "public_organization_data",
    "public_inviter_data",
    "members_count",
    "pending_invitations_count",
    "missing_member_with_elevated_permissions",
    "url",
    "user",
    "invitation",
    // A lock ends by the clock, and nobody says so.
    "locked",
    "lockout_expires_in_seconds",
    "verification_attempts_remaining",
];

/// Events of billing show their objects in another form than the Backend API; what both carry is compared.
const OF_BILLING: [&str; 6] = ["id", "status", "created_at", "updated_at", "period_start", "plan_id"];

pub(crate) fn clerk_has(emulator: &Emulator) -> Objects {
    let backend = emulator.backend();
    let mut objects = Objects::new();
    for (table, path) in LISTS {
        let rows = match table {
            "sessions" => {
                let users = backend.list_all("/v1/users", &[]).unwrap();
                let of = |user: &Value| backend.list_all(path, &[("user_id", user["id"].as_str().unwrap())]).unwrap();
                users.iter().flat_map(of).collect()
            }
            "subscription_items" => backend.list_all(path, &[("include_free", "true")]).unwrap(),
            "subscriptions" => {
                let payers = ["/v1/users", "/v1/organizations"].into_iter().flat_map(|payers| {
                    let payers_of = backend.list_all(payers, &[]).unwrap();
                    payers_of.into_iter().map(move |payer| format!("{payers}/{}", payer["id"].as_str().unwrap()))
                });
                // Who never paid has none.
                payers.filter_map(|payer| backend.get(&format!("{payer}{path}"), &[]).ok()).collect()
            }
            "payment_attempts" => {
                let statements = backend.list_all(path, &[]).unwrap();
                let of = |statement: &Value| {
                    let path = format!("{path}/{}/payment_attempts", statement["id"].as_str().unwrap());
                    backend.list_all(&path, &[]).unwrap()
                };
                statements.iter().flat_map(of).collect()
            }
            _ => backend.list_all(path, &[]).unwrap(),
        };
        objects.extend(rows.into_iter().map(|row| entry(table, row)));
    }
    objects
}

pub(crate) async fn mirror_has(test: &Test) -> Objects {
    let mut objects = Objects::new();
    for (table, _) in LISTS {
        // What somebody paid for stays in the mirror when they go; Clerk shows it no more.
        let shown = match table {
            table if BILLING.contains(&table) => {
                "not exists (select from clerk.users where id = payer_user_id and deleted_at is not null)
                 and not exists (select from clerk.organizations where id = payer_organization_id and deleted_at is not null)"
            }
            _ => "true",
        };
        let rows = test.value(&format!("select id, raw from clerk.{table} where deleted_at is null and {shown}")).await;
        for row in rows.as_array().unwrap() {
            // Of a stub only the id is known.
            let object = if row["raw"].is_null() { json!({ "id": row["id"] }) } else { row["raw"].clone() };
            objects.extend([entry(table, object)]);
        }
    }
    objects
}

fn entry(table: &'static str, mut object: Value) -> ((&'static str, String), Value) {
    let id = object["id"].as_str().unwrap().to_owned();
    let members = object.as_object_mut().unwrap();
    members.retain(|member, _| {
        let compared = !BILLING.contains(&table) || OF_BILLING.contains(&member.as_str());
        // Events say who accepted an invitation, the Backend API does not.
        let accepted_by = table == "organization_invitations" && member == "user_id";
        compared && !accepted_by && !OF_OTHERS.contains(&member.as_str())
    });
    ((table, id), object)
}

/// One line for each object that is not the same on both sides.
pub(crate) fn differences(clerk: &Objects, mirror: &Objects) -> Vec<String> {
    let mut lines = Vec::new();
    for (key @ (table, id), object) in clerk {
        match mirror.get(key) {
            None => lines.push(format!("{table} {id}: missing")),
            Some(mirrored) if mirrored != object => {
                let of = |value: &Value| value.as_object().unwrap().clone();
                let (here, there) = (of(mirrored), of(object));
                let members: Vec<String> = there
                    .iter()
                    .filter(|(member, value)| here.get(*member) != Some(value))
                    .map(|(member, value)| format!("{member}: {:?} is {value}", here.get(member).map(Value::to_string)))
                    .chain(
                        here.keys()
                            .filter(|member| !there.contains_key(*member))
                            .map(|member| format!("{member} is not there")),
                    )
                    .collect();
                lines.push(format!("{table} {id}: {}", members.join(", ")));
            }
            Some(_) => {}
        }
    }
    let gone = mirror.keys().filter(|key| !clerk.contains_key(*key));
    lines.extend(gone.map(|(table, id)| format!("{table} {id}: gone in Clerk")));
    lines
}
