//! Machine-to-machine tokens: what one machine shows another.
//!
//! An opaque token is known to the instance alone, and whoever gets one asks; a JWT is read by its signature. A machine
//! may have its own tokens and those of machines that talk to it verified.

use std::time::Duration;

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    change::Change,
    form::Form,
    ids,
    refusal::Refusal,
    secret::Secret,
    table::Row,
    validity::{Validity, read_lifetime},
};

/// One token, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct M2mToken {
    pub(crate) id: String,
    /// The machine.
    pub(crate) subject: String,
    pub(crate) claims: Option<Map<String, Value>>,
    /// The machines that the subject could talk to when it got the token.
    pub(crate) scopes: Vec<String>,
    /// The opaque form; a JWT is not kept.
    pub(crate) token: Option<Secret>,
    pub(crate) validity: Validity,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl M2mToken {
    pub(crate) fn object(&self, now: Timestamp) -> Value {
        let mut object = json!({
            "object": "machine_to_machine_token",
            "id": self.id,
            "subject": self.subject,
            "claims": self.claims,
            "scopes": self.scopes,
            "last_used_at": self.last_used_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        self.validity.write_to(&mut object, now);
        object
    }
}

impl Row for M2mToken {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// A token a machine asks for.
#[derive(Debug)]
pub(crate) struct NewM2mToken {
    pub(crate) as_jwt: bool,
    lifetime: Option<Duration>,
    claims: Option<Map<String, Value>>,
}

impl NewM2mToken {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        form.ignore(&["min_remaining_ttl_seconds"]);
        let new = Self {
            as_jwt: form.word("token_format", &["opaque", "jwt"])?.given() == Some("jwt"),
            lifetime: read_lifetime(&mut form)?,
            claims: form.object("claims")?.given(),
        };
        form.finish()?;
        Ok(new)
    }
}

impl Change<'_> {
    pub(crate) fn create_m2m_token(&mut self, machine: &str, new: NewM2mToken) -> Result<M2mToken, Refusal> {
        let machine = self.state.machine(machine)?.clone();
        let lifetime = new.lifetime.unwrap_or(Duration::from_secs(machine.default_token_ttl.unsigned_abs()));
        let token = M2mToken {
            id: format!("mt_{}", ids::hex(&self.state.ids.secret::<16>())),
            subject: machine.id,
            claims: new.claims,
            scopes: machine.scopes,
            token: (!new.as_jwt).then(|| Secret::new(format!("mt_{}", ids::hex(&self.state.ids.secret::<24>())))),
            validity: Validity::until(Some(self.now.plus(lifetime))),
            last_used_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.m2m_tokens.put(token.clone());
        Ok(token)
    }

    pub(crate) fn revoke_m2m_token(&mut self, id: &str, reason: Option<String>) -> Result<M2mToken, Refusal> {
        let found = self.state.m2m_tokens.get(id);
        let mut token = found.ok_or_else(|| Refusal::not_found("M2M token", id))?.clone();
        token.validity.revoke(reason);
        token.updated_at = self.now;
        self.state.m2m_tokens.put(token.clone());
        Ok(token)
    }

    /// Looks an opaque token up. `verifier` is the machine that asks, when one does: it sees its own tokens and those of
    /// machines that may talk to it.
    pub(crate) fn verify_m2m_token(&mut self, token: &str, verifier: Option<&str>) -> Result<M2mToken, Refusal> {
        let same = |one: &&M2mToken| one.token.as_ref().is_some_and(|secret| secret.matches(token));
        let visible = |one: &&M2mToken| {
            verifier.is_none_or(|machine| one.subject == machine || one.scopes.iter().any(|scope| scope == machine))
        };
        let found = self.state.m2m_tokens.oldest_first().find(same).filter(visible).cloned();
        let good = found.filter(|token| token.validity.is_good(self.now));
        let Some(mut token) = good else {
            let (short, long) = ("token not found", "The machine token is unknown, expired or revoked.");
            return Err(Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", short, long));
        };
        token.last_used_at = Some(self.now);
        self.state.m2m_tokens.put(token.clone());
        Ok(token)
    }
}
