//! OAuth access tokens, opaque: what an application holds that a user let in.
//!
//! At Clerk they come of an authorization at the Frontend API; here the control API makes them, for whoever has to
//! verify one.

use std::time::Duration;

use clerk::{Timestamp, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    change::Change,
    form::Form,
    ids,
    refusal::Refusal,
    secret::Secret,
    table::Row,
    validity::{Validity, read_lifetime},
};

/// Clerk: "OAuth access tokens expire after one day".
const LIFETIME: Duration = Duration::from_secs(86_400);

/// One token, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OauthToken {
    pub(crate) id: String,
    pub(crate) client_id: String,
    pub(crate) user_id: UserId,
    pub(crate) scopes: Vec<String>,
    pub(crate) token: Secret,
    pub(crate) validity: Validity,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl OauthToken {
    pub(crate) fn object(&self, now: Timestamp) -> Value {
        let mut object = json!({
            "object": "clerk_idp_oauth_access_token",
            "id": self.id,
            "client_id": self.client_id,
            "subject": self.user_id,
            "scopes": self.scopes,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        });
        self.validity.write_to(&mut object, now);
        object
    }
}

impl Row for OauthToken {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// A token somebody wants to have.
#[derive(Debug)]
pub(crate) struct NewOauthToken {
    user_id: String,
    client_id: String,
    scopes: Vec<String>,
    lifetime: Duration,
}

impl NewOauthToken {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            user_id: form.string("user_id")?.required("user_id")?,
            client_id: form.string("client_id")?.given().unwrap_or_else(|| "emulated_oauth_client".to_owned()),
            scopes: form.strings("scopes")?.given().unwrap_or_else(|| ["profile", "email"].map(str::to_owned).to_vec()),
            lifetime: read_lifetime(&mut form)?.unwrap_or(LIFETIME),
        };
        form.finish()?;
        Ok(new)
    }
}

impl Change<'_> {
    pub(crate) fn create_oauth_token(&mut self, new: NewOauthToken) -> Result<OauthToken, Refusal> {
        let user = self.state.users.get(&new.user_id).ok_or_else(|| Refusal::not_found("user", &new.user_id))?;
        let user_id = user.id.clone();
        let token = OauthToken {
            id: format!("oat_{}", ids::hex(&self.state.ids.secret::<16>())),
            client_id: new.client_id,
            user_id,
            scopes: new.scopes,
            token: Secret::new(format!("oat_{}", ids::hex(&self.state.ids.secret::<24>()))),
            validity: Validity::until(Some(self.now.plus(new.lifetime))),
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.oauth_tokens.put(token.clone());
        Ok(token)
    }

    pub(crate) fn verify_oauth_token(&self, token: &str) -> Result<&OauthToken, Refusal> {
        let found = self.state.oauth_tokens.oldest_first().find(|one| one.token.matches(token));
        found.filter(|one| one.validity.is_good(self.now)).ok_or_else(|| {
            let long = "The OAuth access token is unknown, expired or revoked.";
            Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "OAuth token not found", long)
        })
    }
}
