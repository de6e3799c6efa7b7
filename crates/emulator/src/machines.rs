//! Machines: services of the customer that talk to each other with tokens of their own.
//!
//! A machine has a secret key, by which it asks for tokens; a rotated key may stay good for a while. Scopes say which
//! other machines it may talk to.

use std::time::Duration;

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    change::Change,
    form::{Field, Form},
    ids,
    refusal::Refusal,
    secret::Secret,
    state::State,
    table::Row,
    view::View,
};

const TOKEN_SECONDS: i64 = 3600;
const TOKEN_SECONDS_BOUNDS: std::ops::RangeInclusive<i64> = 1..=315_360_000;
const NAME_LIMIT: usize = 255;
const SCOPES_LIMIT: usize = 150;
/// Clerk: the old key may live for eight hours at most.
const PREVIOUS_KEY_BOUNDS: std::ops::RangeInclusive<i64> = 0..=28_800;

/// One machine, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    pub(crate) id: String,
    pub(crate) name: String,
    /// In seconds.
    pub(crate) default_token_ttl: i64,
    /// Machines it may talk to, by id.
    pub(crate) scopes: Vec<String>,
    pub(crate) secret_key: Secret,
    pub(crate) previous_key: Option<(Secret, Timestamp)>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Machine {
    /// The machine alone, as other machines show it.
    fn plain(&self, view: View<'_>) -> Value {
        json!({
            "object": "machine",
            "id": self.id,
            "name": self.name,
            "instance_id": view.instance_id,
            "default_token_ttl": self.default_token_ttl,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let scoped = self.scopes.iter().filter_map(|id| view.state.machines.get(id)).map(|one| one.plain(view));
        let scoped: Vec<Value> = scoped.collect();
        let mut object = self.plain(view);
        object["scoped_machines"] = json!(scoped);
        object
    }
}

impl Row for Machine {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl State {
    /// The machine that a secret key belongs to.
    pub(crate) fn machine_of_key(&self, key: &str, now: Timestamp) -> Option<&Machine> {
        self.machines.oldest_first().find(|machine| {
            let previous = machine.previous_key.as_ref().filter(|(_, until)| *until > now);
            machine.secret_key.matches(key) || previous.is_some_and(|(old, _)| old.matches(key))
        })
    }

    pub(crate) fn machine(&self, id: &str) -> Result<&Machine, Refusal> {
        self.machines.get(id).ok_or_else(|| {
            let long = format!("No machine was found with id {id}.");
            Refusal::new(StatusCode::NOT_FOUND, "machine_not_found", "Machine not found", long)
        })
    }
}

/// A machine somebody asks for.
#[derive(Debug)]
pub(crate) struct NewMachine {
    name: String,
    scopes: Vec<String>,
    default_token_ttl: i64,
}

impl NewMachine {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            name: form.string("name")?.required("name")?,
            scopes: form.strings("scoped_machines")?.given().unwrap_or_default(),
            default_token_ttl: ttl(&mut form)?.given().unwrap_or(TOKEN_SECONDS),
        };
        form.finish()?;
        check_name(&new.name)?;
        if new.scopes.len() > SCOPES_LIMIT {
            let found = format!("A list of {}", new.scopes.len());
            return Err(Refusal::wrong_value("scoped_machines", &found, &format!("at most {SCOPES_LIMIT}")));
        }
        Ok(new)
    }
}

/// What `PATCH /v1/machines/{id}` asks for.
#[derive(Debug)]
pub(crate) struct MachinePatch {
    name: Field<String>,
    default_token_ttl: Field<i64>,
}

impl MachinePatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let patch = Self { name: form.string("name")?, default_token_ttl: ttl(&mut form)? };
        form.finish()?;
        if let Field::Given(name) = &patch.name {
            check_name(name)?;
        }
        Ok(patch)
    }
}

/// How long the old key stays good.
pub(crate) fn read_rotation(mut form: Form) -> Result<Duration, Refusal> {
    let seconds = form.bounded("previous_token_ttl", PREVIOUS_KEY_BOUNDS)?.required("previous_token_ttl")?;
    form.finish()?;
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}

fn ttl(form: &mut Form) -> Result<Field<i64>, Refusal> {
    form.bounded("default_token_ttl", TOKEN_SECONDS_BOUNDS)
}

fn check_name(name: &str) -> Result<(), Refusal> {
    if (1..=NAME_LIMIT).contains(&name.chars().count()) {
        return Ok(());
    }
    Err(Refusal::wrong_value("name", "The given name", &format!("1 to {NAME_LIMIT} characters")))
}

impl Change<'_> {
    pub(crate) fn create_machine(&mut self, new: NewMachine) -> Result<Machine, Refusal> {
        for id in &new.scopes {
            self.state.machine(id)?;
        }
        let machine = Machine {
            id: self.state.ids.prefixed("mch_", self.now),
            name: new.name,
            default_token_ttl: new.default_token_ttl,
            scopes: new.scopes,
            secret_key: self.draw_machine_key(),
            previous_key: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.machines.put(machine.clone());
        Ok(machine)
    }

    pub(crate) fn update_machine(&mut self, id: &str, patch: MachinePatch) -> Result<Machine, Refusal> {
        let mut machine = self.state.machine(id)?.clone();
        patch.name.set(&mut machine.name);
        patch.default_token_ttl.set(&mut machine.default_token_ttl);
        Ok(self.put_changed_machine(machine))
    }

    /// Removes the machine, its tokens, and what others may say to it.
    pub(crate) fn delete_machine(&mut self, id: &str) -> Result<(), Refusal> {
        self.state.machine(id)?;
        self.state.machines.remove(id);
        self.state.m2m_tokens.remove_where(|token| token.subject == id);
        self.state.machines.rows_mut().for_each(|other| other.scopes.retain(|scope| scope != id));
        Ok(())
    }

    pub(crate) fn rotate_machine_key(&mut self, id: &str, previous: Duration) -> Result<Machine, Refusal> {
        let mut machine = self.state.machine(id)?.clone();
        let old = std::mem::replace(&mut machine.secret_key, self.draw_machine_key());
        machine.previous_key = (!previous.is_zero()).then(|| (old, self.now.plus(previous)));
        Ok(self.put_changed_machine(machine))
    }

    pub(crate) fn add_machine_scope(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let mut machine = self.state.machine(from)?.clone();
        let to = self.state.machine(to)?.id.clone();
        if machine.scopes.contains(&to) {
            let long = format!("Machine {from} may talk to {to} already.");
            return Err(Refusal::new(StatusCode::CONFLICT, "duplicate_record", "duplicate machine scope", long));
        }
        machine.scopes.push(to);
        self.put_changed_machine(machine);
        Ok(())
    }

    pub(crate) fn remove_machine_scope(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let mut machine = self.state.machine(from)?.clone();
        let before = machine.scopes.len();
        machine.scopes.retain(|scope| scope != to);
        if machine.scopes.len() == before {
            return Err(Refusal::not_found("machine scope", to));
        }
        self.put_changed_machine(machine);
        Ok(())
    }

    fn draw_machine_key(&mut self) -> Secret {
        Secret::new(format!("ak_{}", ids::hex(&self.state.ids.secret::<24>())))
    }

    fn put_changed_machine(&mut self, mut machine: Machine) -> Machine {
        machine.updated_at = self.now;
        self.state.machines.put(machine.clone());
        machine
    }
}
