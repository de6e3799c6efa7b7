//! What comes from the environment.

use clerk::{PublishableKey, SecretKey, SigningSecret};
use postgres::DatabaseUrl;
use tokens::{ApiKeys, InvalidApiKey};

use super::ConfigError;

/// The second is what Next.js calls it; one `.env` file then does for both.
const PUBLISHABLE_KEY: [&str; 2] = ["CLERK_PUBLISHABLE_KEY", "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY"];

const REPLICAS: &str = "ROWLOCK_REPLICA_DATABASE_URLS";

/// Secrets and addresses, each parsed. An empty variable counts as absent.
pub(super) struct Secrets {
    pub(super) database_url: Option<DatabaseUrl>,
    pub(super) client_database_url: Option<DatabaseUrl>,
    pub(super) replica_database_urls: Vec<DatabaseUrl>,
    pub(super) publishable_key: Option<PublishableKey>,
    pub(super) secret_key: Option<SecretKey>,
    pub(super) signing_secrets: Vec<SigningSecret>,
    pub(super) api_keys: ApiKeys,
}

impl Secrets {
    pub(super) fn read(environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name: &str| environment(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let database_url = |name| get(name).map(|text| parse_database_url(name, &text)).transpose();
        let publishable_key = PUBLISHABLE_KEY.into_iter().find_map(|name| Some((name, get(name)?)));
        let parse_secret_key =
            |text: String| SecretKey::parse(&text).map_err(|error| ConfigError::invalid("CLERK_SECRET_KEY", error));
        let found = Self {
            database_url: database_url("DATABASE_URL")?,
            client_database_url: database_url("ROWLOCK_CLIENT_DATABASE_URL")?,
            replica_database_urls: several(&get(REPLICAS).unwrap_or_default())
                .map(|text| parse_database_url(REPLICAS, text))
                .collect::<Result<_, _>>()?,
            publishable_key: publishable_key.map(|(name, text)| parse_publishable_key(name, &text)).transpose()?,
            secret_key: get("CLERK_SECRET_KEY").map(parse_secret_key).transpose()?,
            signing_secrets: parse_signing_secrets(&get("CLERK_WEBHOOK_SIGNING_SECRET").unwrap_or_default())?,
            api_keys: parse_api_keys(get)?,
        };
        found.keys_agree()?;
        Ok(found)
    }

    /// Keys of two instances would verify the tokens of one and ask the other about its users.
    fn keys_agree(&self) -> Result<(), ConfigError> {
        let (Some(publishable), Some(secret)) = (&self.publishable_key, &self.secret_key) else { return Ok(()) };
        let (publishable, secret) = (publishable.environment(), secret.environment());
        if publishable == secret {
            return Ok(());
        }
        let reason = format!(
            "found a key of a {secret} instance beside the publishable key of a {publishable} one; copy both from the same instance in the Clerk dashboard, API keys"
        );
        Err(ConfigError::invalid("CLERK_SECRET_KEY", reason))
    }
}

/// A password with a `/`, `?` or `#` in it ends the first part of the address early. The rest of it would be taken for the
/// database's name, and shown. What gives it away is an `@` where none can be.
fn parse_database_url(name: &'static str, text: &str) -> Result<DatabaseUrl, ConfigError> {
    let behind_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let behind_host = behind_scheme.find(['/', '?', '#', '\\']).map_or("", |end| &behind_scheme[end..]);
    if behind_host.contains('@') {
        let reason = "found an `@` behind the host; in user and password write `/` as `%2F`, `?` as `%3F`, `#` as `%23`, `@` as `%40`";
        return Err(ConfigError::invalid(name, reason));
    }
    DatabaseUrl::parse(text).map_err(|error| ConfigError::invalid(name, error))
}

/// A publishable key may be shown, what stands in its place may not: it is some other key, put there by mistake.
fn parse_publishable_key(name: &'static str, text: &str) -> Result<PublishableKey, ConfigError> {
    if !text.starts_with("pk_") {
        let reason =
            "expected `pk_test_…` or `pk_live_…`, found something else; copy it from the Clerk dashboard, API keys";
        return Err(ConfigError::invalid(name, reason));
    }
    PublishableKey::parse(text).map_err(|error| ConfigError::invalid(name, error))
}

/// The keys that Supabase's clients send. While they are rotated there are several.
fn parse_api_keys(get: impl Fn(&str) -> Option<String>) -> Result<ApiKeys, ConfigError> {
    type With = fn(ApiKeys, &str) -> Result<ApiKeys, InvalidApiKey>;
    const LEGACY: &str = "SUPABASE_JWT_SECRET";
    let kinds: [(&'static str, With); 2] =
        [("SUPABASE_PUBLISHABLE_KEY", ApiKeys::with_publishable), ("SUPABASE_SECRET_KEY", ApiKeys::with_secret)];
    let mut keys = ApiKeys::default();
    if let Some(secret) = get(LEGACY) {
        keys = keys.with_legacy_secret(&secret).map_err(|error| ConfigError::invalid(LEGACY, error))?;
    }
    for (name, with) in kinds {
        for key in several(&get(name).unwrap_or_default()) {
            keys = with(keys, key).map_err(|error| ConfigError::invalid(name, error))?;
        }
    }
    Ok(keys)
}

fn several(text: &str) -> impl Iterator<Item = &str> {
    text.split(|separator: char| separator == ',' || separator.is_whitespace()).filter(|item| !item.is_empty())
}

/// Several are separated by commas or white space: a list may come from a file with a secret on each line.
fn parse_signing_secrets(text: &str) -> Result<Vec<SigningSecret>, ConfigError> {
    several(text)
        .map(|secret| {
            SigningSecret::parse(secret).map_err(|error| ConfigError::invalid("CLERK_WEBHOOK_SIGNING_SECRET", error))
        })
        .collect()
}
