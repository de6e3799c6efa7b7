//! JWT templates: named claims that tokens for third parties are made of.

mod collection;
mod form;

use clerk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use collection::JwtTemplates;
pub(crate) use form::JwtTemplateForm;

use crate::tokens::SigningAlgorithm;

/// One template, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JwtTemplate {
    pub(crate) id: String,
    pub(crate) name: String,
    /// With shortcodes in it.
    pub(crate) claims: Map<String, Value>,
    /// Seconds.
    pub(crate) lifetime: i64,
    /// Seconds that `nbf` lies before `iat`.
    pub(crate) allowed_clock_skew: i64,
    pub(crate) signing: Option<CustomSigning>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A key of the template's own.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomSigning {
    pub(crate) algorithm: SigningAlgorithm,
    /// PEM for RS…, the secret itself for HS….
    pub(crate) key: String,
}

impl std::fmt::Debug for CustomSigning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("CustomSigning").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl JwtTemplate {
    /// The template as the Backend API shows it: the key stays inside.
    pub(crate) fn object(&self) -> Value {
        json!({
            "object": "jwt_template",
            "id": self.id,
            "name": self.name,
            "claims": self.claims,
            "lifetime": self.lifetime,
            "allowed_clock_skew": self.allowed_clock_skew,
            "custom_signing_key": self.signing.is_some(),
            "signing_algorithm": self.signing.as_ref().map_or("RS256", |signing| signing.algorithm.as_str()),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}
