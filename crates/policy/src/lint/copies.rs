//! Rules about tables that copy what Clerk has: where hand-made mirrors go wrong, in what SQL can show of it.
//!
//! A copy is known by its columns: an id of Clerk beside what Clerk says about the object. Reading it may be what an application
//! wants; keeping it right takes an inbox, an order of versions and tombstones, which is what `clerk.users` and its siblings have.

use super::Diagnostic;
use super::rules::rule;
use super::schema::{Kind, Place, Relation, Schema};
use crate::{TableName, quote_name};

const IDS: [&str; 6] = ["clerk_id", "clerk_user_id", "clerk_org_id", "clerk_organization_id", "clerk_sub", "clerk_uid"];
const PERSONAL: [&str; 11] = [
    "email",
    "email_address",
    "primary_email",
    "first_name",
    "last_name",
    "full_name",
    "username",
    "user_name",
    "avatar_url",
    "image_url",
    "phone",
];
const IDENTITIES: [&str; 7] =
    ["email", "email_address", "primary_email", "username", "user_name", "phone", "phone_number"];
const TENANTS: [&str; 5] = ["org_id", "organization_id", "clerk_org_id", "clerk_organization_id", "tenant_id"];
const USERS: [&str; 4] = ["user_id", "clerk_user_id", "clerk_id", "profile_id"];

pub(super) fn check(schema: &Schema, found: &mut Vec<Diagnostic>) {
    for (name, relation) in &schema.relations {
        if relation.kind != Kind::Table || matches!(name.schema.as_str(), "clerk" | "rowlock" | "auth") {
            continue;
        }
        let Some(what) = copied(name, relation) else { continue };
        let mut say = |id: &str, place: &Place, label: String| {
            found.push(Diagnostic {
                rule: Some(rule(id)),
                source: place.source,
                range: place.range.clone(),
                label,
                subject: Some(name.to_string()),
                append: None,
            });
        };
        say("hand-made-mirror", &relation.place, format!("a copy of Clerk's {what}"));
        for (column, place) in &relation.unique {
            if IDENTITIES.contains(&column.as_str()) {
                say(
                    "unique-identity",
                    place,
                    format!("Clerk hands {} on; the next holder is refused", quote_name(column)),
                );
            }
        }
        for (text, place) in &relation.checks {
            let words = words(text);
            if let Some(column) = IDENTITIES.iter().find(|column| words.contains(**column)) {
                say("identity-check", place, format!("Clerk accepts other values for {column} than this check"));
            }
        }
        for key in &relation.keys_to {
            if schema.relations.get(&key.target).is_some_and(|target| copied(&key.target, target).is_some()) {
                let label = format!("{} may come later than this row", key.target);
                say("mirror-key", &key.place, label);
            }
        }
        for trigger in schema.triggers.iter().filter(|trigger| trigger.table == *name) {
            let Some(function) = schema.functions.iter().find(|function| function.name == trigger.function) else {
                continue;
            };
            let body = function.body.to_lowercase();
            let blanks: String = body.split_whitespace().collect();
            if ["now()", "current_timestamp", "clock_timestamp()"].iter().any(|now| {
                blanks.contains(&format!("new.updated_at:={now}")) || blanks.contains(&format!("new.updated_at={now}"))
            }) {
                say("own-clock", &trigger.place, "overwrites the time at which Clerk changed the object".to_owned());
            }
            let words = self::words(&body);
            if blanks.contains("raiseexception") && IDENTITIES.iter().any(|column| words.contains(*column)) {
                say("identity-check", &trigger.place, "a delivery that it refuses is refused for ever".to_owned());
            }
        }
    }
}

fn words(text: &str) -> std::collections::BTreeSet<&str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').collect()
}

/// What of Clerk's the table copies, by its columns.
fn copied(name: &TableName, relation: &Relation) -> Option<&'static str> {
    let has = |list: &[&str]| relation.columns.iter().any(|column| list.contains(&column.name.as_str()));
    if name.table.contains("member") && has(&TENANTS) && has(&USERS) && has(&["role", "org_role"]) {
        return Some("memberships");
    }
    let of_people = matches!(name.table.as_str(), "users" | "user") && has(&["id", "user_id"]);
    if (has(&IDS) || of_people) && has(&PERSONAL) {
        return Some("users");
    }
    (has(&IDS) && name.table.contains("org") && has(&["name", "slug"])).then_some("organizations")
}
