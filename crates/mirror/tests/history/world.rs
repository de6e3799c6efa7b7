//! A random history of an instance: whatever can happen to any kind of object, one step after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clerk::{ManualClock, Timestamp};
use emulator::{Emulator, EmulatorOptions};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::support::DAY;

/// An instance to which things happen, and how often each kind of thing has happened.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    clock: Arc<ManualClock>,
    chance: StdRng,
    /// Between two steps pass up to so many milliseconds, and at least one if this is not 0.
    pace: u64,
    steps: usize,
    pub(crate) happened: BTreeMap<&'static str, usize>,
}

/// A step: what it is called, and how likely it is.
type Step = (&'static str, usize, fn(&mut World) -> Option<()>);

const STEPS: &[Step] = &[
    ("a user signs up", 12, World::sign_up),
    ("a user changes their name", 12, World::rename),
    ("a user changes their addresses", 4, World::change_addresses),
    ("a user is banned or not any more", 4, World::ban),
    ("a user is locked or not any more", 4, World::lock),
    ("a user is deleted", 3, World::delete_user),
    ("an organization is founded", 6, World::found),
    ("an organization is renamed", 4, World::rename_organization),
    ("an organization is closed", 1, World::close),
    ("a user joins an organization", 12, World::join),
    ("a member gets another role", 6, World::promote),
    ("a member leaves", 6, World::leave),
    ("somebody is invited into an organization", 5, World::invite),
    ("an invitation is revoked", 2, World::revoke_invitation),
    ("an invitation is accepted", 3, World::accept_invitation),
    ("an organization gets a domain", 4, World::add_domain),
    ("a domain is verified or not", 2, World::change_domain),
    ("a domain is taken away", 1, World::remove_domain),
    ("a permission is defined", 2, World::define_permission),
    ("a permission is described", 1, World::describe_permission),
    ("a role is defined", 2, World::define_role),
    ("a role is described", 2, World::describe_role),
    ("a session begins", 10, World::sign_in),
    ("a session ends", 6, World::sign_out),
    ("somebody waits", 4, World::wait),
    ("somebody who waits is let in or not", 3, World::let_in),
    ("somebody subscribes", 4, World::subscribe),
    ("a subscription changes", 3, World::change_subscription),
    ("somebody pays", 4, World::pay),
];

impl World {
    /// A world of its own for each seed. With `pace` 0 several things happen within a millisecond.
    pub(crate) async fn new(seed: u64, pace: u64) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(DAY)));
        let options = EmulatorOptions {
            clock: Arc::clone(&clock) as Arc<dyn clerk::Clock>,
            seed: Some(seed),
            ..EmulatorOptions::default()
        };
        let emulator = Emulator::start(options).await.unwrap();
        emulator.webhooks().pause();
        let chance = StdRng::seed_from_u64(seed);
        let world = Self { emulator, clock, chance, pace, steps: 0, happened: BTreeMap::new() };
        for name in ["Pro", "Team"] {
            let payer = if name == "Team" { "org" } else { "user" };
            world.post("/__rowlock/billing/plans", &json!({ "name": name, "amount": 2000, "for_payer_type": payer }));
        }
        world
    }

    /// Lets so many things happen.
    pub(crate) fn live(&mut self, steps: usize) {
        let total: usize = STEPS.iter().map(|(_, weight, _)| weight).sum();
        for _ in 0..steps {
            let mut which = self.below(total);
            let (name, _, step) = STEPS
                .iter()
                .find(|(_, weight, _)| {
                    let found = which < *weight;
                    which = which.saturating_sub(*weight);
                    found
                })
                .unwrap();
            self.steps += 1;
            if self.pace > 0 {
                let pause = self.chance.random_range(1..=self.pace);
                self.clock.advance(Duration::from_millis(pause));
            } else if self.below(3) == 0 {
                self.clock.advance(Duration::from_millis(1));
            }
            if step(self).is_some() {
                *self.happened.entry(name).or_default() += 1;
            }
        }
    }

    /// What has never happened although it could.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        STEPS.iter().map(|(name, ..)| *name).filter(|name| !self.happened.contains_key(name)).collect()
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.chance.random_range(0..limit)
    }

    /// An object of a list, if there is one.
    fn some(&mut self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let mut all = self.emulator.backend().list_all(path, query).unwrap();
        if all.is_empty() {
            return None;
        }
        let which = self.below(all.len());
        Some(all.swap_remove(which))
    }

    fn id(&mut self, path: &str) -> Option<String> {
        Some(self.some(path, &[])?["id"].as_str()?.to_owned())
    }

    /// Refused is what makes no sense at the moment: a step that did not happen.
    fn post(&self, path: &str, body: &Value) -> Option<Value> {
        self.emulator.backend().post(path, body).ok()
    }

    fn patch(&self, path: &str, body: &Value) -> Option<()> {
        self.emulator.backend().patch(path, body).ok().map(drop)
    }

    fn delete(&self, path: &str) -> Option<()> {
        self.emulator.backend().delete(path).ok().map(drop)
    }

    fn name(&mut self) -> String {
        const NAMES: [&str; 6] = ["Ada", "Bob", "O'Brien", "Ж", "A\u{1f600}", ""];
        format!("{} {}", NAMES[self.below(NAMES.len())], self.steps)
    }

    fn sign_up(&mut self) -> Option<()> {
        let name = self.name();
        let body = json!({ "email_address": [format!("o'brien+{}@example.com", self.steps)], "first_name": name });
        self.post("/v1/users", &body).map(drop)
    }

    fn rename(&mut self) -> Option<()> {
        let (id, name) = (self.id("/v1/users")?, self.name());
        self.patch(&format!("/v1/users/{id}"), &json!({ "first_name": name }))
    }

    fn change_addresses(&mut self) -> Option<()> {
        let id = self.id("/v1/users")?;
        let address = format!("new{}@example.com", self.steps);
        let body = json!({ "user_id": id, "email_address": address, "verified": true, "primary": self.steps.is_multiple_of(2) });
        self.post("/v1/email_addresses", &body).map(drop)
    }

    fn ban(&mut self) -> Option<()> {
        let user = self.some("/v1/users", &[])?;
        let verb = if user["banned"] == true { "unban" } else { "ban" };
        self.post(&format!("/v1/users/{}/{verb}", user["id"].as_str()?), &Value::Null).map(drop)
    }

    fn lock(&mut self) -> Option<()> {
        let user = self.some("/v1/users", &[])?;
        let verb = if user["locked"] == true { "unlock" } else { "lock" };
        self.post(&format!("/v1/users/{}/{verb}", user["id"].as_str()?), &Value::Null).map(drop)
    }

    fn delete_user(&mut self) -> Option<()> {
        let id = self.id("/v1/users")?;
        self.delete(&format!("/v1/users/{id}"))
    }

    fn found(&mut self) -> Option<()> {
        let (creator, name) = (self.id("/v1/users")?, format!("Acme {}", self.steps));
        self.post("/v1/organizations", &json!({ "name": name, "created_by": creator })).map(drop)
    }

    fn rename_organization(&mut self) -> Option<()> {
        let (id, name) = (self.id("/v1/organizations")?, format!("Globex {}", self.steps));
        self.patch(&format!("/v1/organizations/{id}"), &json!({ "name": name }))
    }

    fn close(&mut self) -> Option<()> {
        let id = self.id("/v1/organizations")?;
        self.delete(&format!("/v1/organizations/{id}"))
    }

    fn join(&mut self) -> Option<()> {
        let (organization, user) = (self.id("/v1/organizations")?, self.id("/v1/users")?);
        let body = json!({ "user_id": user, "role": "org:member" });
        self.post(&format!("/v1/organizations/{organization}/memberships"), &body).map(drop)
    }

    fn membership(&mut self) -> Option<(String, String)> {
        let membership = self.some("/v1/organization_memberships", &[])?;
        let organization = membership["organization"]["id"].as_str()?.to_owned();
        Some((organization, membership["public_user_data"]["user_id"].as_str()?.to_owned()))
    }

    fn promote(&mut self) -> Option<()> {
        let (organization, user) = self.membership()?;
        let role = if self.below(2) == 0 { "org:admin" } else { "org:member" };
        self.patch(&format!("/v1/organizations/{organization}/memberships/{user}"), &json!({ "role": role }))
    }

    fn leave(&mut self) -> Option<()> {
        let (organization, user) = self.membership()?;
        self.delete(&format!("/v1/organizations/{organization}/memberships/{user}"))
    }

    fn invite(&mut self) -> Option<()> {
        let organization = self.id("/v1/organizations")?;
        // Often to somebody who is here already, so that they can accept.
        let address = match self.some("/v1/users", &[]) {
            Some(user) if self.below(2) == 0 => user["email_addresses"][0]["email_address"].clone(),
            _ => json!(format!("guest{}@example.com", self.steps)),
        };
        let body = json!({ "email_address": address, "role": "org:member" });
        self.post(&format!("/v1/organizations/{organization}/invitations"), &body).map(drop)
    }

    fn pending_invitation(&mut self) -> Option<Value> {
        self.some("/v1/organization_invitations", &[("status", "pending")])
    }

    fn revoke_invitation(&mut self) -> Option<()> {
        let invitation = self.pending_invitation()?;
        let (organization, id) = (invitation["organization_id"].as_str()?, invitation["id"].as_str()?);
        self.post(&format!("/v1/organizations/{organization}/invitations/{id}/revoke"), &json!({})).map(drop)
    }

    fn accept_invitation(&mut self) -> Option<()> {
        let invitation = self.pending_invitation()?;
        let id = invitation["id"].as_str()?;
        self.post(&format!("/__rowlock/organization_invitations/{id}/accept"), &json!({})).map(drop)
    }

    fn add_domain(&mut self) -> Option<()> {
        let organization = self.id("/v1/organizations")?;
        let body = json!({ "name": format!("acme{}.example", self.steps), "verified": false });
        self.post(&format!("/v1/organizations/{organization}/domains"), &body).map(drop)
    }

    fn domain(&mut self) -> Option<String> {
        let domain = self.some("/v1/organization_domains", &[])?;
        let (organization, id) = (domain["organization_id"].as_str()?, domain["id"].as_str()?);
        Some(format!("/v1/organizations/{organization}/domains/{id}"))
    }

    fn change_domain(&mut self) -> Option<()> {
        let domain = self.domain()?;
        let verified = self.below(2) == 0;
        self.patch(&domain, &json!({ "verified": verified }))
    }

    fn remove_domain(&mut self) -> Option<()> {
        let domain = self.domain()?;
        self.delete(&domain)
    }

    fn define_permission(&mut self) -> Option<()> {
        let key = format!("org:reports{}:read", self.steps);
        self.post("/v1/organization_permissions", &json!({ "name": "Read", "key": key })).map(drop)
    }

    fn describe_permission(&mut self) -> Option<()> {
        let permission = self.some("/v1/organization_permissions", &[("query", "reports")])?;
        let name = self.name();
        let path = format!("/v1/organization_permissions/{}", permission["id"].as_str()?);
        self.patch(&path, &json!({ "name": name }))
    }

    fn define_role(&mut self) -> Option<()> {
        let permission = self.id("/v1/organization_permissions")?;
        let body = json!({ "name": "Editor", "key": format!("org:editor{}", self.steps), "permissions": [permission] });
        self.post("/v1/organization_roles", &body).map(drop)
    }

    fn describe_role(&mut self) -> Option<()> {
        let role = self.some("/v1/organization_roles", &[("query", "editor")])?;
        let name = self.name();
        self.patch(&format!("/v1/organization_roles/{}", role["id"].as_str()?), &json!({ "name": name }))
    }

    fn sign_in(&mut self) -> Option<()> {
        let id = self.id("/v1/users")?;
        self.post("/__rowlock/sessions", &json!({ "user_id": id })).map(drop)
    }

    fn sign_out(&mut self) -> Option<()> {
        let user = self.id("/v1/users")?;
        let session = self.some("/v1/sessions", &[("user_id", &user), ("status", "active")])?;
        let id = session["id"].as_str()?;
        let path = match self.below(3) {
            0 => format!("/v1/sessions/{id}/revoke"),
            1 => format!("/__rowlock/sessions/{id}/end"),
            _ => format!("/__rowlock/sessions/{id}/remove"),
        };
        self.post(&path, &Value::Null).map(drop)
    }

    fn wait(&mut self) -> Option<()> {
        let address = format!("patient{}@example.com", self.steps);
        self.post("/v1/waitlist_entries", &json!({ "email_address": address })).map(drop)
    }

    fn let_in(&mut self) -> Option<()> {
        let id = self.some("/v1/waitlist_entries", &[("status", "pending")])?["id"].as_str()?.to_owned();
        let verb = if self.below(2) == 0 { "invite" } else { "reject" };
        self.post(&format!("/v1/waitlist_entries/{id}/{verb}"), &json!({})).map(drop)
    }

    fn subscribe(&mut self) -> Option<()> {
        let plan = self.some("/v1/billing/plans", &[])?;
        let payer = if plan["for_payer_type"] == "org" { "/v1/organizations" } else { "/v1/users" };
        let body = json!({ "payer_id": self.id(payer)?, "plan_id": plan["id"] });
        self.post("/__rowlock/billing/subscription_items", &body).map(drop)
    }

    fn change_subscription(&mut self) -> Option<()> {
        let item = self.id("/v1/billing/subscription_items")?;
        let status = ["active", "past_due", "canceled", "ended"][self.below(4)];
        self.patch(&format!("/__rowlock/billing/subscription_items/{item}"), &json!({ "status": status }))
    }

    fn pay(&mut self) -> Option<()> {
        let item = self.id("/v1/billing/subscription_items")?;
        let attempt = self.post("/__rowlock/billing/payment_attempts", &json!({ "subscription_item_id": item }))?;
        let status = if self.below(2) == 0 { "paid" } else { "failed" };
        let path = format!("/__rowlock/billing/payment_attempts/{}", attempt["id"].as_str()?);
        self.patch(&path, &json!({ "status": status }))
    }
}
