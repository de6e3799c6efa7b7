//! Who an instance is: its keys and secrets, drawn once and kept in the state file.

use clerk::{InvalidSecretKey, InvalidSigningSecret, SecretKey, SigningSecret};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{IdSource, base62},
    keys::{Keyring, SigningKey, UnusableKey},
};

/// The lasting identity of an instance.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The first key: the id of the instance is derived from it, and stays when the keys rotate.
    pub(crate) signing_key: SigningKey,
    /// The keys that are good now.
    pub(crate) keyring: RwLock<Keyring>,
    /// What the Backend API and the control API ask for.
    pub(crate) secret_key: SecretKey,
    /// The secret of endpoints that bring none of their own.
    pub(crate) webhook_secret: SigningSecret,
}

/// An identity as the state file holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedIdentity {
    signing_key: String,
    /// The keys that are good, the newest last, when there was a rotation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keyring: Vec<String>,
    secret_key: String,
    webhook_secret: String,
}

/// A saved identity that cannot be used again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnusableIdentity {
    #[error("signing_key is unusable")]
    SigningKey(#[source] UnusableKey),
    #[error("secret_key is unusable")]
    SecretKey(#[source] InvalidSecretKey),
    #[error("webhook_secret is unusable")]
    WebhookSecret(#[source] InvalidSigningSecret),
}

impl Identity {
    pub(crate) fn draw(signing_key: SigningKey, ids: &mut IdSource) -> Self {
        let text = format!("sk_test_{}{}", base62(ids.secret()), &base62(ids.secret())[..13]);
        let secret_key = SecretKey::parse(&text).expect("forty base62 characters make a secret key");
        let webhook_secret = draw_webhook_secret(ids);
        let keyring = RwLock::new(Keyring::new(vec![signing_key.clone()]));
        Self { signing_key, keyring, secret_key, webhook_secret }
    }

    pub(crate) fn save(&self) -> SavedIdentity {
        SavedIdentity {
            signing_key: self.signing_key.to_pkcs8_base64(),
            keyring: self.keyring.read().keys().iter().map(SigningKey::to_pkcs8_base64).collect(),
            secret_key: self.secret_key.expose().to_owned(),
            webhook_secret: self.webhook_secret.expose().to_owned(),
        }
    }

    pub(crate) fn load(saved: SavedIdentity) -> Result<Self, UnusableIdentity> {
        let read = |key: &String| SigningKey::from_pkcs8_base64(key).map_err(UnusableIdentity::SigningKey);
        let signing_key = read(&saved.signing_key)?;
        let keys = match saved.keyring.as_slice() {
            [] => vec![signing_key.clone()],
            keys => keys.iter().map(read).collect::<Result<_, _>>()?,
        };
        Ok(Self {
            keyring: RwLock::new(Keyring::new(keys)),
            signing_key,
            secret_key: SecretKey::parse(&saved.secret_key).map_err(UnusableIdentity::SecretKey)?,
            webhook_secret: SigningSecret::parse(&saved.webhook_secret).map_err(UnusableIdentity::WebhookSecret)?,
        })
    }
}

/// Svix draws 24 bytes for the secret of an endpoint.
pub(crate) fn draw_webhook_secret(ids: &mut IdSource) -> SigningSecret {
    SigningSecret::generate(ids.secret())
}
