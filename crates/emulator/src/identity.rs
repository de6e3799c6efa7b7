//! Who an instance is: its id, its keys and secrets, drawn once and kept in the state file.
//!
//! An RSA key takes tens of milliseconds to draw, and an instance that nobody has asked for a token yet does not need one:
//! the first key is drawn beside everything else, and whoever needs it before it is there waits.

use std::sync::OnceLock;

use clerk::{InstanceId, InvalidId, InvalidSecretKey, InvalidSigningSecret, SecretKey, SigningSecret};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{IdSource, base62, random},
    keys::{Keyring, SigningKey, UnusableKey},
};

/// The lasting identity of an instance.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Also the `kid` of the first key; stays when the keys rotate.
    pub(crate) instance_id: InstanceId,
    keys: OnceLock<Keys>,
    /// What the Backend API and the control API ask for.
    pub(crate) secret_key: SecretKey,
    /// The secret of endpoints that bring none of their own.
    pub(crate) webhook_secret: SigningSecret,
}

#[derive(Debug)]
struct Keys {
    /// Kept when it is retired, because it is what the state file has always held.
    first: SigningKey,
    /// The keys that are good now.
    ring: RwLock<Keyring>,
}

/// An identity as the state file holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedIdentity {
    /// Older files leave it out: there it is the name that the first key has by itself.
    #[serde(default)]
    instance_id: Option<String>,
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
    #[error("instance_id is unusable")]
    InstanceId(#[source] InvalidId),
    #[error("signing_key is unusable")]
    SigningKey(#[source] UnusableKey),
    #[error("secret_key is unusable")]
    SecretKey(#[source] InvalidSecretKey),
    #[error("webhook_secret is unusable")]
    WebhookSecret(#[source] InvalidSigningSecret),
}

impl Identity {
    /// A new identity, with a key that is there already or one to be drawn.
    pub(crate) fn draw(signing_key: Option<SigningKey>, ids: &mut IdSource) -> Self {
        let text = format!("sk_test_{}{}", base62(ids.secret()), &base62(ids.secret())[..13]);
        let secret_key = SecretKey::parse(&text).expect("forty base62 characters make a secret key");
        let webhook_secret = draw_webhook_secret(ids);
        let instance_id = match &signing_key {
            Some(key) => key.id().clone(),
            // Random even when other ids repeat, because the key is: see `keys`.
            None => InstanceId::parse(&format!("ins_{}", base62(random()))).expect("base62 characters make an id"),
        };
        let keys = OnceLock::new();
        if let Some(key) = signing_key {
            keys.set(Keys::new(key)).expect("nothing was set before");
        }
        Self { instance_id, keys, secret_key, webhook_secret }
    }

    /// The keys; draws the first one when nobody has yet.
    pub(crate) fn keyring(&self) -> &RwLock<Keyring> {
        &self.keys().ring
    }

    fn keys(&self) -> &Keys {
        self.keys.get_or_init(|| Keys::new(SigningKey::generate().named(self.instance_id.clone())))
    }

    pub(crate) fn save(&self) -> SavedIdentity {
        let Keys { first, ring } = self.keys();
        SavedIdentity {
            instance_id: Some(self.instance_id.to_string()),
            signing_key: first.to_pkcs8_base64(),
            keyring: ring.read().keys().iter().map(SigningKey::to_pkcs8_base64).collect(),
            secret_key: self.secret_key.expose().to_owned(),
            webhook_secret: self.webhook_secret.expose().to_owned(),
        }
    }

    pub(crate) fn load(saved: SavedIdentity) -> Result<Self, UnusableIdentity> {
        let read = |key: &String| SigningKey::from_pkcs8_base64(key).map_err(UnusableIdentity::SigningKey);
        let first = read(&saved.signing_key)?;
        let instance_id = match &saved.instance_id {
            Some(id) => InstanceId::parse(id).map_err(UnusableIdentity::InstanceId)?,
            None => first.id().clone(),
        };
        let first = first.named(instance_id.clone());
        let ring = match saved.keyring.as_slice() {
            [] => vec![first.clone()],
            keys => keys
                .iter()
                .map(|key| if *key == saved.signing_key { Ok(first.clone()) } else { read(key) })
                .collect::<Result<_, _>>()?,
        };
        let keys = OnceLock::new();
        keys.set(Keys { first, ring: RwLock::new(Keyring::new(ring)) }).expect("nothing was set before");
        Ok(Self {
            instance_id,
            keys,
            secret_key: SecretKey::parse(&saved.secret_key).map_err(UnusableIdentity::SecretKey)?,
            webhook_secret: SigningSecret::parse(&saved.webhook_secret).map_err(UnusableIdentity::WebhookSecret)?,
        })
    }
}

impl Keys {
    fn new(first: SigningKey) -> Self {
        Self { ring: RwLock::new(Keyring::new(vec![first.clone()])), first }
    }
}

/// Svix draws 24 bytes for the secret of an endpoint.
pub(crate) fn draw_webhook_secret(ids: &mut IdSource) -> SigningSecret {
    SigningSecret::generate(ids.secret())
}
