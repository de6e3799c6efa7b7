//! The keys of a local stack: those that Supabase's own has on every machine, so that what was written for it works unchanged.
//!
//! They are no secrets. Whoever reaches the server can use them, which is why it listens on loopback.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokens::ApiKeys;

/// For browsers.
pub(crate) const PUBLISHABLE: &str = "sb_publishable_ACJWlzQHlZjBrEguHvfOxg_3BJgxAaH";
/// For servers: past row-level security.
pub(crate) const SECRET: &str = "sb_secret_N7UND0UgjKTVK-Uodkm0Hg_xSvEMPvz";
/// What legacy keys are signed with.
pub(crate) const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

/// What a server takes.
pub(crate) fn local() -> ApiKeys {
    let keys = ApiKeys::default().with_publishable(PUBLISHABLE).and_then(|keys| keys.with_secret(SECRET));
    keys.and_then(|keys| keys.with_legacy_secret(JWT_SECRET)).expect("the keys above have the form of keys")
}

/// The legacy key of `role`: a token that is good until 2032.
pub(crate) fn legacy(role: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = format!(r#"{{"iss":"supabase-demo","role":"{role}","exp":1983812996}}"#);
    let message = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(&claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, JWT_SECRET.as_bytes()), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_the_ones_that_everybody_has() {
        // As Supabase's documentation prints it.
        assert!(legacy("anon").ends_with(".CRXP1A7WOeoJeXxjNni43kdQwgnWNReilDMblYTn_I0"));
        assert!(local().service(SECRET).is_some());
    }
}
