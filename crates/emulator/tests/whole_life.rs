//! Every kind of object from its beginning to its end, and everything that Clerk says about it meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use clerk::{Clock, EventKind, ManualClock};
use emulator::{BackendApi, Emulator};
use serde_json::{Value, json};

use crate::support::{acme, ada, id, start};

/// A story that everything happens in. Between two sentences of it a second passes.
struct Story<'a> {
    clerk: BackendApi<'a>,
    clock: &'a ManualClock,
}

impl Story<'_> {
    fn post(&self, path: &str, body: Value) -> Value {
        self.clock.advance(Duration::from_secs(1));
        self.clerk.post(path, &body).unwrap_or_else(|refusal| panic!("POST {path} {body}: {refusal}"))
    }

    fn patch(&self, path: &str, body: Value) -> Value {
        self.clock.advance(Duration::from_secs(1));
        self.clerk.patch(path, &body).unwrap_or_else(|refusal| panic!("PATCH {path} {body}: {refusal}"))
    }

    fn delete(&self, path: &str) -> Value {
        self.clock.advance(Duration::from_secs(1));
        self.clerk.delete(path).unwrap_or_else(|refusal| panic!("DELETE {path}: {refusal}"))
    }
}

/// Lets every kind of event happen. What is left behind in each list has had at least one change.
fn everything(emulator: &Emulator, clock: &ManualClock) {
    let story = Story { clerk: emulator.backend(), clock };
    let ada = ada(emulator);
    let acme = acme(emulator, &ada);
    let organization = format!("/v1/organizations/{}", id(&acme));
    story.patch(&organization, json!({ "name": "Acme Ltd" }));

    // Invitations to the organization: accepted, revoked, pending.
    let invite = |address: &str| {
        let body = json!({ "email_address": address, "role": "org:member", "inviter_user_id": ada["id"] });
        story.post(&format!("{organization}/invitations"), body)
    };
    story.post("/v1/users", json!({ "email_address": ["bob@example.com"], "phone_number": ["+15005550001"] }));
    let accepted = invite("bob@example.com");
    story.post(&format!("/__rowlock/organization_invitations/{}/accept", id(&accepted)), json!({}));
    let revoked = invite("eve@example.com");
    story.post(&format!("{organization}/invitations/{}/revoke", id(&revoked)), json!({}));
    invite("carol@example.com");

    let members = emulator.memberships().list(&[("order_by", "created_at")]).unwrap();
    let bob = members["data"][1]["public_user_data"]["user_id"].as_str().unwrap().to_owned();
    story.patch(&format!("{organization}/memberships/{bob}"), json!({ "role": "org:editor" }));

    // Domains.
    let domain = story.post(&format!("{organization}/domains"), json!({ "name": "acme.example", "verified": false }));
    story.patch(&format!("{organization}/domains/{}", id(&domain)), json!({ "verified": true }));
    let other = story.post(&format!("{organization}/domains"), json!({ "name": "acme.test" }));
    story.delete(&format!("{organization}/domains/{}", id(&other)));

    // Permissions and roles.
    let body = json!({ "name": "Read reports", "key": "org:reports:read", "description": "" });
    let permission = story.post("/v1/organization_permissions", body);
    let body = json!({ "name": "Auditor", "key": "org:auditor", "permissions": [permission["id"]] });
    let auditor = story.post("/v1/organization_roles", body);
    story.patch(&format!("/v1/organization_permissions/{}", id(&permission)), json!({ "name": "See reports" }));
    let body = json!({ "name": "Write reports", "key": "org:reports:write" });
    let doomed = story.post("/v1/organization_permissions", body);
    story.post(&format!("/v1/organization_roles/{}/permissions/{}", id(&auditor), id(&doomed)), Value::Null);
    story.delete(&format!("/v1/organization_permissions/{}", id(&doomed)));
    let doomed = story.post("/v1/organization_roles", json!({ "name": "Guest", "key": "org:guest" }));
    story.delete(&format!("/v1/organization_roles/{}", id(&doomed)));

    // The waitlist.
    let waiting = story.post("/v1/waitlist_entries", json!({ "email_address": "dora@example.com" }));
    story.post(&format!("/v1/waitlist_entries/{}/invite", id(&waiting)), json!({}));
    story.post("/v1/waitlist_entries", json!({ "email_address": "emil@example.com" }));

    // Sessions: of every way to end.
    let session = |body: Value| story.post("/__rowlock/sessions", body);
    for ending in ["end", "remove"] {
        let ended = session(json!({ "user_id": bob }));
        story.post(&format!("/__rowlock/sessions/{}/{ending}", id(&ended)), Value::Null);
    }
    let revoked = session(json!({ "user_id": bob }));
    story.post(&format!("/v1/sessions/{}/revoke", id(&revoked)), Value::Null);
    let pending = session(json!({ "user_id": bob, "tasks": ["choose-organization"] }));
    story.post(&format!("/__rowlock/sessions/{}/activate", id(&pending)), Value::Null);

    // Messages with codes.
    let user = emulator.users().get(&bob).unwrap();
    for (kind, path) in [("email_addresses", "email_addresses"), ("phone_numbers", "phone_numbers")] {
        story.post(&format!("/v1/{path}/{}/prepare_verification", id(&user[kind][0])), Value::Null);
    }

    // Billing.
    let body = json!({ "name": "Pro", "amount": 2000, "free_trial_days": 14 });
    let plan = story.post("/__rowlock/billing/plans", body);
    let body = json!({ "name": "Team", "amount": 9000, "for_payer_type": "org" });
    let team = story.post("/__rowlock/billing/plans", body);
    let subscribe = |payer: &Value, plan: &Value, extra: Value| {
        let mut body = json!({ "payer_id": payer, "plan_id": plan["id"] });
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        story.post("/__rowlock/billing/subscription_items", body)
    };
    let become_ = |item: &Value, status: &str| {
        story.patch(&format!("/__rowlock/billing/subscription_items/{}", id(item)), json!({ "status": status }))
    };
    let trial = subscribe(&user["id"], &plan, json!({ "free_trial": true }));
    story.post(&format!("/__rowlock/billing/subscription_items/{}/free_trial_ending", id(&trial)), Value::Null);
    let charge = |item: &Value, status: &str| {
        let attempt = story.post("/__rowlock/billing/payment_attempts", json!({ "subscription_item_id": item["id"] }));
        story.patch(&format!("/__rowlock/billing/payment_attempts/{}", id(&attempt)), json!({ "status": status }))
    };
    charge(&trial, "paid");
    charge(&trial, "failed");
    charge(&trial, "paid");
    let upcoming = subscribe(&user["id"], &plan, json!({ "plan_period": "annual", "status": "upcoming" }));
    story.delete(&format!("/v1/billing/subscription_items/{}", id(&trial)));
    become_(&trial, "ended");
    become_(&upcoming, "active");
    let incomplete = subscribe(&acme["id"], &team, json!({ "status": "incomplete" }));
    become_(&incomplete, "abandoned");

    // Ends.
    let gone = story.post("/v1/users", json!({ "username": "goner" }));
    let away = story.post("/v1/organizations", json!({ "name": "Away", "created_by": gone["id"] }));
    story.delete(&format!("/v1/organizations/{}/memberships/{}", id(&away), id(&gone)));
    story.delete(&format!("/v1/users/{}", id(&gone)));
    story.delete(&format!("/v1/organizations/{}", id(&away)));
}

#[tokio::test]
async fn every_kind_of_event_is_caused_by_something() {
    let (emulator, _, clock) = start().await;
    everything(&emulator, &clock);
    let messages = emulator.webhooks().take();
    let caused: BTreeSet<&str> = messages.iter().map(|message| message.kind.as_str()).collect();
    let known: BTreeSet<&str> = EventKind::ALL.iter().map(EventKind::as_str).collect();
    assert_eq!(known.difference(&caused).collect::<Vec<_>>(), Vec::<&&str>::new(), "never caused");
    assert_eq!(caused.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "unknown");
    assert!(emulator.webhooks().take().is_empty(), "taken once");
}

/// Lists, and the events that say what is in them. Billing shows its objects in another form in webhooks; what both forms
/// carry is compared.
const LISTS: [(&str, &str); 10] = [
    ("/v1/users", "user"),
    ("/v1/organizations", "organization"),
    ("/v1/organization_memberships", "organizationMembership"),
    ("/v1/organization_invitations", "organizationInvitation"),
    ("/v1/organization_domains", "organizationDomain"),
    ("/v1/organization_roles", "role"),
    ("/v1/organization_permissions", "permission"),
    ("/v1/waitlist_entries", "waitlistEntry"),
    ("/v1/billing/subscription_items", "subscriptionItem"),
    ("/v1/sessions", "session"),
];

#[tokio::test]
async fn the_last_event_of_an_object_says_what_the_list_says() {
    let (emulator, _, clock) = start().await;
    everything(&emulator, &clock);
    let mut last: BTreeMap<String, (String, Value)> = BTreeMap::new();
    for message in emulator.webhooks().take() {
        let event: Value = serde_json::from_slice(&message.body).unwrap();
        let data = &event["data"];
        let (family, happening) = message.kind.as_str().split_once('.').unwrap();
        if !LISTS.iter().any(|(_, known)| *known == family) {
            continue;
        }
        if happening == "deleted" {
            last.remove(id(data));
            continue;
        }
        if happening == "updated" {
            let updated_at = data["updated_at"].as_i64().unwrap();
            assert_eq!(updated_at, event["timestamp"].as_i64().unwrap(), "{}: {data}", message.kind);
        }
        last.insert(id(data).to_owned(), (family.to_owned(), data.clone()));
    }

    let mut seen = 0;
    for (path, family) in LISTS {
        let rows = match family {
            "session" => {
                let users = emulator.backend().list_all("/v1/users", &[]).unwrap();
                let of = |user: &Value| emulator.backend().list_all(path, &[("user_id", id(user))]).unwrap();
                users.iter().flat_map(of).collect()
            }
            _ => emulator.backend().list_all(path, &[]).unwrap(),
        };
        assert!(!rows.is_empty(), "{path} is empty");
        for row in rows {
            let Some((told_as, told)) = last.get(id(&row)) else {
                let configured = matches!(family, "role" | "permission");
                assert!(configured, "{path} lists what was never announced: {row}");
                continue;
            };
            assert_eq!(told_as, family);
            for (name, value) in row.as_object().unwrap() {
                // What belongs to somebody else is as old as the event; its own events tell what became of it.
                let foreign = matches!(name.as_str(), "organization" | "public_user_data" | "public_inviter_data")
                    || matches!(name.as_str(), "public_organization_data" | "invitation" | "user");
                let other_form =
                    family == "subscriptionItem" && told.get(name).is_none_or(|_| name == "plan" || name == "payer");
                if foreign || other_form || (family == "organizationMembership" && name == "permissions") {
                    continue;
                }
                assert_eq!(told.get(name), Some(value), "{family} {} {name}", id(&row));
            }
            seen += 1;
        }
    }
    assert!(seen >= 20, "only {seen} objects were compared");
}

#[tokio::test]
async fn every_kind_of_object_can_be_announced_on_demand() {
    let (emulator, _, clock) = start().await;
    everything(&emulator, &clock);
    drop(emulator.webhooks().take());
    for (path, family) in LISTS.into_iter().filter(|(_, family)| *family != "session") {
        let row = emulator.backend().list_all(path, &[]).unwrap().remove(0);
        let mut kinds = EventKind::ALL.iter().filter(|kind| kind.as_str().starts_with(&format!("{family}.")));
        let kind = kinds.find(|kind| !kind.as_str().ends_with("deleted")).unwrap();
        emulator.webhooks().trigger(kind.as_str(), id(&row)).unwrap();
        let [message] = emulator.webhooks().take().try_into().unwrap();
        let event: Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!((&message.kind, &event["data"]["id"]), (kind, &row["id"]));
        assert_eq!(event["data"]["updated_at"], row["updated_at"]);
    }
}

#[tokio::test]
async fn what_happened_survives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = || {
        let (mut options, clock) = crate::support::options();
        options.state_file = Some(directory.path().join("clerk.json"));
        options.signing_key = None;
        (options, clock)
    };
    let lists = |emulator: &Emulator| {
        let paths = LISTS.map(|(path, _)| path).into_iter().filter(|path| *path != "/v1/sessions");
        let more = ["/v1/invitations", "/v1/role_sets", "/v1/billing/plans", "/v1/billing/statements"];
        let list = |path: &str| (path.to_owned(), emulator.backend().list_all(path, &[]).unwrap());
        paths.chain(more).map(list).collect::<Vec<_>>()
    };
    let (first, clock) = options();
    let first = Emulator::start(first).await.unwrap();
    everything(&first, &clock);
    let before = lists(&first);
    assert!(before.iter().all(|(_, rows)| !rows.is_empty()), "{before:?}");
    let base_url = first.base_url().to_owned();
    first.shutdown().await.unwrap();

    let (mut second, later) = options();
    later.set(clock.now());
    second.listen = base_url.trim_start_matches("http://").parse().unwrap();
    let second = Emulator::start(second).await.unwrap();
    assert_eq!(lists(&second), before);
}
