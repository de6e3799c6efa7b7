//! Random histories of every kind of object: whoever saw nothing but the events knows what the lists say.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use emulator::{Emulator, RawMessage, Refusal};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::support::{id, options};

/// One thing that somebody asks for. Numbers choose among what exists, or name what does not.
#[derive(Debug, Clone)]
struct Step {
    what: usize,
    first: u8,
    second: u8,
}

/// What can be asked for: how to say it, given two choices.
const DEEDS: [fn(&World<'_>, u8, u8) -> Ask; 38] = [
    |_, a, _| post("/v1/users", json!({ "email_address": [address(a)], "phone_number": [number(a)] })),
    |w, a, b| patch(format!("/v1/users/{}", w.user(a)), json!({ "first_name": format!("Name {b}") })),
    |w, a, b| patch(format!("/v1/users/{}/metadata", w.user(a)), json!({ "public_metadata": { "n": b } })),
    |w, a, _| post(format!("/v1/users/{}/ban", w.user(a)), Value::Null),
    |w, a, _| delete(format!("/v1/users/{}", w.user(a))),
    |w, a, b| {
        post("/v1/organizations", json!({ "name": "Acme", "slug": format!("acme-{b}"), "created_by": w.user(a) }))
    },
    |w, a, b| patch(format!("/v1/organizations/{}", w.organization(a)), json!({ "name": format!("Acme {b}") })),
    |w, a, _| delete(format!("/v1/organizations/{}", w.organization(a))),
    |w, a, b| {
        let body = json!({ "user_id": w.user(b), "role": "org:member" });
        post(format!("/v1/organizations/{}/memberships", w.organization(a)), body)
    },
    |w, a, b| {
        let role = if b % 2 == 0 { "org:admin".to_owned() } else { w.role_key(b) };
        patch(format!("/v1/organizations/{}/memberships/{}", w.organization(a), w.user(b)), json!({ "role": role }))
    },
    |w, a, b| delete(format!("/v1/organizations/{}/memberships/{}", w.organization(a), w.user(b))),
    |w, a, b| {
        let body = json!({ "email_address": address(b), "role": w.role_key(b) });
        post(format!("/v1/organizations/{}/invitations", w.organization(a)), body)
    },
    |w, a, _| post(format!("/__rowlock/organization_invitations/{}/accept", w.invitation(a)), json!({})),
    |w, a, b| {
        post(format!("/v1/organizations/{}/invitations/{}/revoke", w.organization(b), w.invitation(a)), json!({}))
    },
    |w, a, b| {
        post(format!("/v1/organizations/{}/domains", w.organization(a)), json!({ "name": format!("club-{b}.example") }))
    },
    |w, a, b| {
        let path = format!("/v1/organizations/{}/domains/{}", w.organization(b), w.domain(a));
        patch(path, json!({ "verified": b % 2 == 0 }))
    },
    |w, a, b| delete(format!("/v1/organizations/{}/domains/{}", w.organization(b), w.domain(a))),
    |w, a, b| {
        let body = json!({ "name": "Role", "key": format!("org:role{a}"), "permissions": [w.permission(b)] });
        post("/v1/organization_roles", body)
    },
    |w, a, b| patch(format!("/v1/organization_roles/{}", w.role(a)), json!({ "name": format!("Role {b}") })),
    |w, a, b| patch(format!("/v1/organization_roles/{}", w.role(a)), json!({ "key": format!("org:role{b}") })),
    |w, a, _| delete(format!("/v1/organization_roles/{}", w.role(a))),
    |w, a, b| post(format!("/v1/organization_roles/{}/permissions/{}", w.role(a), w.permission(b)), Value::Null),
    |w, a, b| delete(format!("/v1/organization_roles/{}/permissions/{}", w.role(a), w.permission(b))),
    |_, a, _| post("/v1/organization_permissions", json!({ "name": "P", "key": format!("org:thing{a}:read") })),
    |w, a, b| {
        let body = json!({ "key": format!("org:thing{b}:read") });
        patch(format!("/v1/organization_permissions/{}", w.permission(a)), body)
    },
    |w, a, _| delete(format!("/v1/organization_permissions/{}", w.permission(a))),
    |_, a, _| post("/v1/waitlist_entries", json!({ "email_address": address(a) })),
    |w, a, _| post(format!("/v1/waitlist_entries/{}/invite", w.entry(a)), json!({})),
    |w, a, _| post(format!("/v1/waitlist_entries/{}/reject", w.entry(a)), json!({})),
    |w, a, _| delete(format!("/v1/waitlist_entries/{}", w.entry(a))),
    |_, a, _| post("/v1/invitations", json!({ "email_address": address(a) })),
    |w, a, _| post(format!("/__rowlock/invitations/{}/accept", w.of("/v1/invitations", a)), json!({})),
    |w, a, b| {
        let tasks = if b % 2 == 0 { json!([]) } else { json!(["setup-mfa"]) };
        post("/__rowlock/sessions", json!({ "user_id": w.user(a), "tasks": tasks }))
    },
    |w, a, b| {
        let ending = ["activate", "end", "remove"][usize::from(b) % 3];
        post(format!("/__rowlock/sessions/{}/{ending}", w.session(a)), Value::Null)
    },
    |w, a, b| {
        let plan = w.of("/v1/billing/plans", b);
        let payer = if b % 2 == 0 { w.user(a) } else { w.organization(a) };
        post("/__rowlock/billing/subscription_items", json!({ "payer_id": payer, "plan_id": plan }))
    },
    |w, a, b| {
        let status = ["canceled", "past_due", "ended", "active"][usize::from(b) % 4];
        patch(format!("/__rowlock/billing/subscription_items/{}", w.item(a)), json!({ "status": status }))
    },
    |w, a, _| post("/__rowlock/billing/payment_attempts", json!({ "subscription_item_id": w.item(a) })),
    |w, a, _| post(format!("/v1/sessions/{}/revoke", w.session(a)), Value::Null),
];

#[derive(Debug)]
struct Ask {
    method: http::Method,
    path: String,
    body: Value,
}

fn post(path: impl Into<String>, body: Value) -> Ask {
    Ask { method: http::Method::POST, path: path.into(), body }
}

fn patch(path: String, body: Value) -> Ask {
    Ask { method: http::Method::PATCH, path, body }
}

fn delete(path: String) -> Ask {
    Ask { method: http::Method::DELETE, path, body: Value::Null }
}

fn address(number: u8) -> String {
    format!("person-{number}@example.com")
}

fn number(number: u8) -> String {
    format!("+1500555{number:04}")
}

/// What there is to choose from.
struct World<'a>(&'a Emulator);

impl World<'_> {
    fn of(&self, path: &str, number: u8) -> String {
        self.pick(&self.0.backend().list_all(path, &[]).unwrap(), number)
    }

    fn pick(&self, rows: &[Value], number: u8) -> String {
        rows.get(usize::from(number)).map_or_else(|| "nothing".to_owned(), |row| id(row).to_owned())
    }

    fn user(&self, number: u8) -> String {
        self.of("/v1/users", number)
    }

    fn organization(&self, number: u8) -> String {
        self.of("/v1/organizations", number)
    }

    fn invitation(&self, number: u8) -> String {
        self.of("/v1/organization_invitations", number)
    }

    fn domain(&self, number: u8) -> String {
        self.of("/v1/organization_domains", number)
    }

    fn role(&self, number: u8) -> String {
        self.of("/v1/organization_roles", number)
    }

    fn role_key(&self, number: u8) -> String {
        let roles = self.0.backend().list_all("/v1/organization_roles", &[]).unwrap();
        roles.get(usize::from(number)).map_or("org:member".to_owned(), |role| role["key"].as_str().unwrap().to_owned())
    }

    fn permission(&self, number: u8) -> String {
        self.of("/v1/organization_permissions", number)
    }

    fn entry(&self, number: u8) -> String {
        self.of("/v1/waitlist_entries", number)
    }

    fn item(&self, number: u8) -> String {
        let items = self.0.backend().list_all("/v1/billing/subscription_items", &[("include_free", "true")]).unwrap();
        self.pick(&items, number)
    }

    fn sessions(&self) -> Vec<Value> {
        let users = self.0.backend().list_all("/v1/users", &[]).unwrap();
        let of = |user: &Value| self.0.backend().list_all("/v1/sessions", &[("user_id", id(user))]).unwrap();
        users.iter().flat_map(of).collect()
    }

    fn session(&self, number: u8) -> String {
        self.pick(&self.sessions(), number)
    }

    /// Every object that webhooks tell of, by its family and id.
    fn told(&self) -> Replica {
        let list = |path: &str| self.0.backend().list_all(path, &[]).unwrap();
        let items = self.0.backend().list_all("/v1/billing/subscription_items", &[("include_free", "true")]).unwrap();
        let families = [
            ("user", list("/v1/users")),
            ("organization", list("/v1/organizations")),
            ("organizationMembership", list("/v1/organization_memberships")),
            ("organizationInvitation", list("/v1/organization_invitations")),
            ("organizationDomain", list("/v1/organization_domains")),
            ("role", list("/v1/organization_roles")),
            ("permission", list("/v1/organization_permissions")),
            ("waitlistEntry", list("/v1/waitlist_entries")),
            ("subscriptionItem", items),
            ("session", self.sessions()),
        ];
        let mut replica = Replica::default();
        for (family, rows) in families {
            for row in rows {
                replica.objects.insert((family.to_owned(), id(&row).to_owned()), essence(family, &row));
            }
        }
        replica
    }
}

/// What somebody knows who saw nothing but the events.
#[derive(Debug, Default, PartialEq)]
struct Replica {
    objects: BTreeMap<(String, String), Value>,
}

impl Replica {
    fn apply(&mut self, message: &RawMessage) {
        let event: Value = serde_json::from_slice(&message.body).unwrap();
        let (family, happening) = message.kind.as_str().split_once('.').unwrap();
        let data = &event["data"];
        if matches!(family, "email" | "sms" | "subscription" | "paymentAttempt") {
            return;
        }
        let key = (family.to_owned(), id(data).to_owned());
        if happening == "deleted" {
            self.objects.remove(&key).unwrap_or_else(|| panic!("{} of nothing: {data}", message.kind));
            self.cascade(family, id(data));
        } else {
            self.objects.insert(key, essence(family, data));
        }
    }

    /// What the events said and the lists do not, and the other way round.
    fn difference(&self, lists: &Self) -> Vec<String> {
        let keys: BTreeSet<_> = self.objects.keys().chain(lists.objects.keys()).collect();
        let differing = keys.into_iter().filter(|key| self.objects.get(*key) != lists.objects.get(*key));
        let line = |key| format!("{key:?}: told {:?}, listed {:?}", self.objects.get(key), lists.objects.get(key));
        differing.map(line).collect()
    }

    /// Clerk does not announce what goes along with something that is deleted.
    fn cascade(&mut self, family: &str, gone: &str) {
        let owner = match family {
            "user" => "user_id",
            "organization" => "organization_id",
            _ => return,
        };
        self.objects.retain(|_, object| object[owner] != gone && object["payer"] != gone);
        // Sessions lose their active organization in silence.
    }
}

/// What of an object is told by its own events and by nothing else.
fn essence(family: &str, object: &Value) -> Value {
    let mut essence = json!({ "updated_at": object["updated_at"], "created_at": object["created_at"] });
    let copied: &[&str] = match family {
        "user" => &["first_name", "public_metadata", "banned", "email_addresses", "external_id"],
        "organization" => &["name", "slug", "public_metadata"],
        "organizationMembership" => &["public_metadata"],
        "organizationInvitation" => &["email_address", "status", "organization_id", "expires_at"],
        "organizationDomain" => &["name", "verification", "organization_id"],
        "role" => &["name", "key", "permissions"],
        "permission" => &["name", "key"],
        "waitlistEntry" => &["email_address", "status"],
        "session" => &["status", "user_id", "expire_at"],
        _ => &["status", "period_start", "period_end", "plan_id"],
    };
    for name in copied {
        essence[*name] = object[*name].clone();
    }
    if family == "organizationMembership" {
        essence["user_id"] = object["public_user_data"]["user_id"].clone();
        essence["organization_id"] = object["organization"]["id"].clone();
    }
    if family == "subscriptionItem" {
        let payer = &object["payer"];
        let named = [&payer["user_id"], &payer["organization_id"]]
            .into_iter()
            .find(|id| id.as_str().is_some_and(|id| !id.is_empty()));
        essence["payer"] = named.cloned().unwrap_or_default();
    }
    essence
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..DEEDS.len(), 0..4_u8, 0..4_u8).prop_map(|(what, first, second)| Step { what, first, second });
    // Something to begin with, or most of what is asked finds nothing.
    let beginning = Just(
        [(0, 0), (0, 1), (5, 0), (5, 1), (23, 0), (17, 0)]
            .map(|(what, first)| Step { what, first, second: first })
            .to_vec(),
    );
    (beginning, proptest::collection::vec(step, 1..80)).prop_map(|(beginning, rest)| [beginning, rest].concat())
}

#[tokio::test]
async fn whoever_saw_every_event_knows_what_the_lists_say() {
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() });
    // One instance, emptied between the histories: starting one costs more than a history.
    let (options, clock) = options();
    let emulator = Emulator::start(options).await.unwrap();
    emulator.snapshot("empty");
    let done = Cell::new(0_usize);
    runner
        .run(&steps(), |steps| {
            emulator.restore("empty").unwrap();
            drop(emulator.webhooks().take());
            let world = World(&emulator);
            let mut replica = world.told();
            for step in steps {
                clock.advance(std::time::Duration::from_millis(7));
                let Ask { method, path, body } = DEEDS[step.what](&world, step.first, step.second);
                let answer: Result<Value, Refusal> = emulator.backend().call(&method, &path, &[], &body);
                let messages = emulator.webhooks().take();
                match answer {
                    Ok(answer) => {
                        done.set(done.get() + 1);
                        // The one deletion that Clerk announces to nobody.
                        if answer["object"] == "waitlist_entry" && answer["deleted"] == true {
                            replica.objects.remove(&("waitlistEntry".to_owned(), id(&answer).to_owned()));
                        }
                    }
                    Err(refusal) => {
                        prop_assert!(refusal.status().is_client_error(), "{method} {path}: {refusal}");
                        prop_assert!(messages.is_empty(), "{method} {path} was refused and announced: {refusal}");
                    }
                }
                messages.iter().for_each(|message| replica.apply(message));
                let difference = replica.difference(&world.told());
                prop_assert!(difference.is_empty(), "after {method} {path} {body}:\n{}", difference.join("\n"));
            }
            Ok(())
        })
        .unwrap();
    assert!(done.get() > 200, "only {done:?} of all that was asked for was done");
}
