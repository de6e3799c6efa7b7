//! Publishable keys: `pk_test_` or `pk_live_`, then base64 of the Frontend API host and a `$`.
//!
//! The key is no secret; it is how a browser finds Clerk. For a server it is the shortest configuration there is, because
//! the host inside decides issuer and JWKS address. It is therefore read as strictly as a host deserves that requests
//! will be sent to: a name and an optional port, no path, no user, no scheme. Clerk's own rule (`@clerk/shared`, `keys.ts`)
//! adds that there must be a dot, so `localhost:4000` is refused and `127.0.0.1:4000` is fine.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::Environment;
use crate::quoted::quoted;

/// Clerk's dashboard writes no padding; older keys and other tools do.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A publishable key and the host that it spells.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PublishableKey {
    environment: Environment,
    host: Box<str>,
    text: Box<str>,
}

impl PublishableKey {
    /// Reads a key as it stands in `NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY`.
    pub fn parse(text: &str) -> Result<Self, InvalidPublishableKey> {
        let (environment, encoded) = Environment::of_key("pk", text).ok_or_else(|| {
            // A secret key in the wrong variable must not end up in a log.
            let found = if text.starts_with("sk_") { "a secret key (`sk_…`)".into() } else { quoted(text) };
            InvalidPublishableKey::Kind { found }
        })?;
        let decoded = BASE64.decode(encoded).map_err(|source| InvalidPublishableKey::Base64 { source })?;
        let decoded = str::from_utf8(&decoded)
            .map_err(|_| InvalidPublishableKey::Host { found: format!("{} bytes that are not text", decoded.len()) })?;
        let host =
            decoded.strip_suffix('$').ok_or_else(|| InvalidPublishableKey::Terminator { found: quoted(decoded) })?;
        check_host(host)?;
        Ok(Self { environment, host: host.into(), text: text.into() })
    }

    /// Makes the key of the Frontend API at `host` (`host` or `host:port`).
    pub fn for_frontend_api(environment: Environment, host: &str) -> Result<Self, InvalidPublishableKey> {
        check_host(host)?;
        let text = format!("pk_{}_{}", environment.marker(), BASE64.encode(format!("{host}$")));
        Ok(Self { environment, host: host.into(), text: text.into() })
    }

    /// Which kind of instance the key belongs to.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The Frontend API: `host` or `host:port`.
    pub fn frontend_api(&self) -> &str {
        &self.host
    }

    /// The `iss` of this instance's tokens: `https://` and the Frontend API host (Clerk, "Session tokens"). Only an emulator
    /// stands on a loopback address, and speaks plain HTTP there.
    pub fn issuer(&self) -> String {
        let host = self.host.rsplit_once(':').map_or(self.host.as_ref(), |(host, _)| host);
        let loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        format!("{}://{}", if loopback { "http" } else { "https" }, self.host)
    }
}

impl fmt::Display for PublishableKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl std::str::FromStr for PublishableKey {
    type Err = InvalidPublishableKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

fn check_host(host: &str) -> Result<(), InvalidPublishableKey> {
    let (name, port) = match host.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = name.len() <= 253 && name.contains('.') && name.split('.').all(label);
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0);
    if is_name && port.is_none_or(is_port) {
        return Ok(());
    }
    Err(InvalidPublishableKey::Host { found: quoted(host) })
}

/// Text that should have been a publishable key and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPublishableKey {
    /// Another kind of key, or no key at all.
    #[error(
        "not a publishable key: found {found}, expected `pk_test_…` or `pk_live_…`; copy it from the Clerk dashboard, API keys"
    )]
    Kind {
        /// What was given.
        found: String,
    },
    /// Damaged behind the prefix.
    #[error("publishable key is damaged: the part behind the prefix is not base64; copy the key again, whole")]
    Base64 {
        /// Where it broke.
        source: base64::DecodeError,
    },
    /// Cut short or not a key.
    #[error(
        "publishable key is damaged: it decodes to {found}, expected a host and `$` at the end; copy the key again, whole"
    )]
    Terminator {
        /// What the base64 spells.
        found: String,
    },
    /// No host that requests could be sent to.
    #[error(
        "no Frontend API host: found {found}, expected a name with a dot and an optional port, such as `clerk.example.com` or `127.0.0.1:4000`"
    )]
    Host {
        /// What stands in the place of the host.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::told::told;

    /// What `pk_test_<base64 of text>` parses to.
    fn spelling(text: &str) -> Result<PublishableKey, InvalidPublishableKey> {
        PublishableKey::parse(&format!("pk_test_{}", BASE64.encode(text)))
    }

    #[test]
    fn a_key_spells_the_frontend_api() {
        let text = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k";
        let key: PublishableKey = text.parse().unwrap();
        assert_eq!(key.environment(), Environment::Production);
        assert_eq!(key.frontend_api(), "clerk.example.com");
        assert_eq!(key.issuer(), "https://clerk.example.com");
        let emulator = PublishableKey::for_frontend_api(Environment::Development, "127.0.0.1:4455").unwrap();
        assert_eq!(emulator.issuer(), "http://127.0.0.1:4455");
        assert_eq!(key.to_string(), text);
    }

    #[test]
    fn padding_may_be_there_or_not_and_stays_as_given() {
        let bare = PublishableKey::for_frontend_api(Environment::Development, "127.0.0.1:4310").unwrap();
        assert_eq!(bare.to_string(), "pk_test_MTI3LjAuMC4xOjQzMTAk");
        for host in ["a.bc", "a.bcd", "a.bcde"] {
            let bare = PublishableKey::for_frontend_api(Environment::Development, host).unwrap().to_string();
            assert!(!bare.ends_with('='), "the dashboard writes no padding: {bare}");
            let padding = (4 - (bare.len() - "pk_test_".len()) % 4) % 4;
            let padded = format!("{bare}{}", "=".repeat(padding));
            let read = PublishableKey::parse(&padded).unwrap();
            assert_eq!((read.frontend_api(), read.to_string()), (host, padded));
        }
    }

    #[test]
    fn only_a_host_is_a_host() {
        for host in ["clerk.example.com", "127.0.0.1:4000", "a.b:65535", "happy-otter-1.clerk.accounts.dev"] {
            assert_eq!(spelling(&format!("{host}$")).unwrap().frontend_api(), host);
        }
        let not_hosts = [
            "",
            ".",
            "localhost",
            "localhost:4000",
            "a..b",
            ".a.b",
            "a.b.",
            "a.b:",
            "a.b:0",
            "a.b:65536",
            "a.b:+1",
            "a.b:1:2",
            "a.b/c",
            "user@a.b",
            "https://a.b",
            "a.b$",
            "a b.c",
            "-a.b",
            "a-.b",
            "ä.de",
            "a.b?c",
            "a.b#c",
            "[::1].a",
        ];
        for host in not_hosts {
            assert!(spelling(&format!("{host}$")).is_err(), "{host:?} as part of a key");
            assert!(PublishableKey::for_frontend_api(Environment::Production, host).is_err(), "{host:?} as host");
        }
    }

    #[test]
    fn errors_say_what_was_found_and_what_to_do() {
        let refused = |text: &str| told(&PublishableKey::parse(text).unwrap_err());
        assert_snapshot!(refused("pk_dev_abc"), @r#"not a publishable key: found "pk_dev_abc", expected `pk_test_…` or `pk_live_…`; copy it from the Clerk dashboard, API keys"#);
        assert_snapshot!(refused("sk_test_hush"), @"not a publishable key: found a secret key (`sk_…`), expected `pk_test_…` or `pk_live_…`; copy it from the Clerk dashboard, API keys");
        assert_snapshot!(refused("pk_test_Y2x lcmsk"), @r"
        publishable key is damaged: the part behind the prefix is not base64; copy the key again, whole
        cause: Invalid symbol 32, offset 3.
        ");
        assert_snapshot!(refused("pk_test_Y2xlcmsuZXhhbXBsZS5jb20"), @r#"publishable key is damaged: it decodes to "clerk.example.com", expected a host and `$` at the end; copy the key again, whole"#);
        assert_snapshot!(refused("pk_test_bG9jYWxob3N0OjQwMDAk"), @r#"no Frontend API host: found "localhost:4000", expected a name with a dot and an optional port, such as `clerk.example.com` or `127.0.0.1:4000`"#);
        assert_snapshot!(refused("pk_test_//79"), @"no Frontend API host: found 3 bytes that are not text, expected a name with a dot and an optional port, such as `clerk.example.com` or `127.0.0.1:4000`");
    }
}
