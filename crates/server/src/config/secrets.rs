//! What comes from the environment.

use std::error::Error;

use clerk::{PublishableKey, SecretKey, SigningSecret};
use postgres::DatabaseUrl;

use super::ConfigError;

/// Secrets and addresses, each parsed. An empty variable counts as absent.
pub(super) struct Secrets {
    pub(super) database_url: Option<DatabaseUrl>,
    pub(super) client_database_url: Option<DatabaseUrl>,
    pub(super) publishable_key: Option<PublishableKey>,
    pub(super) secret_key: Option<SecretKey>,
    pub(super) signing_secrets: Vec<SigningSecret>,
}

impl Secrets {
    pub(super) fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &'static str| environment(name).filter(|value| !value.trim().is_empty());
        let secrets = get("CLERK_WEBHOOK_SIGNING_SECRET").unwrap_or_default();
        Ok(Self {
            database_url: parsed("DATABASE_URL", get("DATABASE_URL"), DatabaseUrl::parse)?,
            client_database_url: parsed(
                "ROWLOCK_CLIENT_DATABASE_URL",
                get("ROWLOCK_CLIENT_DATABASE_URL"),
                DatabaseUrl::parse,
            )?,
            publishable_key: parsed(
                "CLERK_PUBLISHABLE_KEY",
                get("CLERK_PUBLISHABLE_KEY").or_else(|| get("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY")),
                PublishableKey::parse,
            )?,
            secret_key: parsed("CLERK_SECRET_KEY", get("CLERK_SECRET_KEY"), SecretKey::parse)?,
            signing_secrets: secrets
                .split([',', ' '])
                .filter(|secret| !secret.is_empty())
                .map(|secret| {
                    SigningSecret::parse(secret).map_err(|error| refuse("CLERK_WEBHOOK_SIGNING_SECRET", &error))
                })
                .collect::<Result<_, _>>()?,
        })
    }
}

fn parsed<T, E: Error>(
    name: &'static str,
    text: Option<String>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, ConfigError> {
    text.map(|text| parse(text.trim()).map_err(|error| refuse(name, &error))).transpose()
}

fn refuse(setting: &'static str, error: &dyn Error) -> ConfigError {
    ConfigError::Invalid { setting, reason: error.to_string() }
}
