//! API keys: secrets that act for a user, an organization or a machine, and OAuth access tokens, which act for a user.

use std::time::Duration;

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    change::Change,
    form::{Field, Form},
    ids,
    refusal::Refusal,
    secret::Secret,
    table::Row,
    validity::{Validity, read_lifetime},
};

const TYPE: &str = "api_key";

/// One key, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKey {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// Whom it acts for.
    pub(crate) subject: String,
    pub(crate) claims: Option<Map<String, Value>>,
    pub(crate) scopes: Vec<String>,
    pub(crate) created_by: Option<String>,
    pub(crate) secret: Secret,
    pub(crate) validity: Validity,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl ApiKey {
    /// The key without its secret.
    pub(crate) fn object(&self, now: Timestamp) -> Value {
        let mut object = json!({
            "object": "api_key",
            "id": self.id,
            "type": self.kind,
            "subject": self.subject,
            "name": self.name,
            "description": self.description,
            "claims": self.claims,
            "scopes": self.scopes,
            "created_by": self.created_by,
            "last_used_at": self.last_used_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        self.validity.write_to(&mut object, now);
        object
    }
}

impl Row for ApiKey {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// A key somebody asks for.
#[derive(Debug)]
pub(crate) struct NewApiKey {
    kind: String,
    name: String,
    description: Option<String>,
    subject: String,
    claims: Option<Map<String, Value>>,
    scopes: Vec<String>,
    created_by: Option<String>,
    lifetime: Option<Duration>,
}

impl NewApiKey {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            kind: form.string("type")?.given().unwrap_or_else(|| TYPE.to_owned()),
            name: form.string("name")?.required("name")?,
            description: form.string("description")?.given(),
            subject: form.string("subject")?.required("subject")?,
            claims: form.object("claims")?.given(),
            scopes: form.strings("scopes")?.given().unwrap_or_default(),
            created_by: form.string("created_by")?.given(),
            lifetime: read_lifetime(&mut form)?,
        };
        form.finish()?;
        if new.name.trim().chars().count() < 3 || new.name.trim() != new.name {
            return Err(Refusal::wrong_value(
                "name",
                &new.name,
                "at least 3 characters, none of them a space at an end",
            ));
        }
        if !(3..=25).contains(&new.kind.chars().count()) {
            return Err(Refusal::wrong_value("type", &new.kind, "3 to 25 characters"));
        }
        check_description(new.description.as_deref())?;
        Ok(new)
    }
}

/// What `PATCH /v1/api_keys/{id}` asks for.
#[derive(Debug)]
pub(crate) struct ApiKeyPatch {
    claims: Field<Map<String, Value>>,
    scopes: Field<Vec<String>>,
    description: Field<String>,
    subject: Field<String>,
    lifetime: Option<Duration>,
}

impl ApiKeyPatch {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let patch = Self {
            claims: form.object("claims")?,
            scopes: form.strings("scopes")?,
            description: form.string("description")?,
            subject: form.string("subject")?,
            lifetime: read_lifetime(&mut form)?,
        };
        form.finish()?;
        if let Field::Given(description) = &patch.description {
            check_description(Some(description))?;
        }
        Ok(patch)
    }
}

fn check_description(description: Option<&str>) -> Result<(), Refusal> {
    match description {
        Some(text) if text.chars().count() > 255 => {
            Err(Refusal::wrong_value("description", "The given text", "at most 255 characters"))
        }
        _ => Ok(()),
    }
}

impl Change<'_> {
    pub(crate) fn create_api_key(&mut self, new: NewApiKey) -> Result<ApiKey, Refusal> {
        self.check_subject(&new.subject)?;
        let key = ApiKey {
            id: format!("ak_{}", ids::hex(&self.state.ids.secret::<16>())),
            kind: new.kind,
            name: new.name,
            description: new.description,
            subject: new.subject,
            claims: new.claims,
            scopes: new.scopes,
            created_by: new.created_by,
            secret: Secret::new(format!("ak_{}", ids::hex(&self.state.ids.secret::<24>()))),
            validity: Validity::until(new.lifetime.map(|lifetime| self.now.plus(lifetime))),
            last_used_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.api_keys.put(key.clone());
        Ok(key)
    }

    pub(crate) fn update_api_key(&mut self, id: &str, patch: ApiKeyPatch) -> Result<ApiKey, Refusal> {
        if let Field::Given(subject) = &patch.subject {
            self.check_subject(subject)?;
        }
        let now = self.now;
        self.alter_api_key(id, |key| {
            patch.claims.patch(&mut key.claims);
            patch.scopes.set(&mut key.scopes);
            patch.description.patch(&mut key.description);
            patch.subject.set(&mut key.subject);
            if let Some(lifetime) = patch.lifetime {
                key.validity.expires_at = Some(now.plus(lifetime));
            }
        })
    }

    pub(crate) fn revoke_api_key(&mut self, id: &str, reason: Option<String>) -> Result<ApiKey, Refusal> {
        self.alter_api_key(id, |key| key.validity.revoke(reason))
    }

    pub(crate) fn delete_api_key(&mut self, id: &str) -> Result<(), Refusal> {
        self.state.api_keys.remove(id).map(|_| ()).ok_or_else(|| Refusal::not_found("API key", id))
    }

    pub(crate) fn verify_api_key(&mut self, secret: &str) -> Result<ApiKey, Refusal> {
        let found = self.state.api_keys.oldest_first().find(|key| key.secret.matches(secret));
        let good = found.filter(|key| key.validity.is_good(self.now)).cloned();
        let Some(mut key) = good else {
            let long = "The API key is unknown, expired or revoked.";
            return Err(Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "API key not found", long));
        };
        key.last_used_at = Some(self.now);
        self.state.api_keys.put(key.clone());
        Ok(key)
    }

    fn alter_api_key(&mut self, id: &str, alter: impl FnOnce(&mut ApiKey)) -> Result<ApiKey, Refusal> {
        let mut key = self.state.api_keys.get(id).ok_or_else(|| Refusal::not_found("API key", id))?.clone();
        alter(&mut key);
        key.updated_at = self.now;
        self.state.api_keys.put(key.clone());
        Ok(key)
    }

    /// The user, organization or machine exists.
    pub(crate) fn check_subject(&self, subject: &str) -> Result<(), Refusal> {
        let state = &self.state;
        let known = state.users.get(subject).is_some()
            || state.organizations.get(subject).is_some()
            || state.machines.get(subject).is_some();
        if known { Ok(()) } else { Err(Refusal::not_found("subject", subject)) }
    }
}
