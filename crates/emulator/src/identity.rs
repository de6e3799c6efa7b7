//! Who an instance is: its keys and secrets, drawn once and kept in the state file.

use clerk::SigningSecret;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{IdSource, base62},
    keys::{SigningKey, UnusableKey},
};

/// The lasting identity of an instance.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) signing_key: SigningKey,
    /// `sk_test_…`; what the Backend API and the control API ask for.
    pub(crate) secret_key: String,
    /// The secret of endpoints that bring none of their own.
    pub(crate) webhook_secret: SigningSecret,
}

/// An identity as the state file holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedIdentity {
    signing_key: String,
    secret_key: String,
    webhook_secret: String,
}

/// A saved identity that cannot be used again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableIdentity {
    #[error("signing_key is unusable")]
    SigningKey(#[source] UnusableKey),
    #[error("webhook_secret is unusable: {0}")]
    WebhookSecret(String),
}

impl Identity {
    pub(crate) fn draw(signing_key: SigningKey, ids: &mut IdSource) -> Self {
        let secret_key = format!("sk_test_{}{}", base62(ids.secret()), &base62(ids.secret())[..13]);
        let webhook_secret = draw_webhook_secret(ids);
        Self { signing_key, secret_key, webhook_secret }
    }

    pub(crate) fn save(&self) -> SavedIdentity {
        SavedIdentity {
            signing_key: self.signing_key.to_pkcs8_base64(),
            secret_key: self.secret_key.clone(),
            webhook_secret: self.webhook_secret.expose().to_owned(),
        }
    }

    pub(crate) fn load(saved: SavedIdentity) -> Result<Self, UnusableIdentity> {
        Ok(Self {
            signing_key: SigningKey::from_pkcs8_base64(&saved.signing_key).map_err(UnusableIdentity::SigningKey)?,
            secret_key: saved.secret_key,
            webhook_secret: SigningSecret::parse(&saved.webhook_secret)
                .map_err(|error| UnusableIdentity::WebhookSecret(error.to_string()))?,
        })
    }
}

/// Svix draws 24 bytes for the secret of an endpoint.
pub(crate) fn draw_webhook_secret(ids: &mut IdSource) -> SigningSecret {
    SigningSecret::generate(ids.secret())
}
