//! Which key or token a request to the data API carries: the rule of Supabase's own gateway.
//!
//! ```text
//! Authorization is there and is not `Bearer sb_…`   → that token decides, whatever `apikey` is
//! otherwise, `apikey` is a secret key               → the application's own server, as `service_role`
//! otherwise, `apikey` is a publishable key          → nobody in particular
//! otherwise                                         → nobody in particular
//! ```
//!
//! So a user's token beside a secret key runs as the user, under row-level security. In two places this one is stricter: a
//! secret key that is not known here is refused and not taken for nobody, and so is one that stands where a token does, without
//! `apikey`.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use tokens::ApiKeys;

/// What decides about the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    /// What stands in `Authorization`.
    Token,
    /// A legacy key or another token signed with the project's own secret.
    Legacy(&'a str),
    /// A secret key, which may be unknown.
    Secret(&'a str),
    /// Nothing that names anybody, and why.
    Nobody(&'static str),
}

/// What `headers` present.
pub(crate) fn presented<'a>(keys: &ApiKeys, headers: &'a HeaderMap) -> Presented<'a> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text(AUTHORIZATION.as_str());
    let api_key = text("apikey");
    let bearer = authorization.and_then(|text| text.strip_prefix("Bearer "));
    if headers.contains_key(AUTHORIZATION) && !bearer.is_some_and(|token| token.starts_with("sb_")) {
        return match bearer {
            Some(token) if keys.may_have_signed(token) => Presented::Legacy(token),
            // supabase-js sends its key as the token when nobody is signed in; without a secret to check it, it is only a key.
            Some(token) if api_key == Some(token) => Presented::Nobody("the only key sent is the application's own"),
            _ => Presented::Token,
        };
    }
    match api_key.or(bearer) {
        Some(key) if key.starts_with("sb_secret_") => Presented::Secret(if api_key.is_some() { key } else { "" }),
        Some(key) if keys.is_publishable(key) => Presented::Nobody("only a publishable key was sent, and no token"),
        Some(key) if keys.may_have_signed(key) => {
            Presented::Nobody("a legacy key was sent as `apikey` alone: it counts in `Authorization`")
        }
        Some(_) => Presented::Nobody("only a key that is not known here was sent, and no token"),
        None => Presented::Nobody("no `Authorization` header was sent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sb_secret_of-at-least-32-characters";
    /// `{"alg":"HS256"}`, and nothing that is verified here.
    const LEGACY: &str = "eyJhbGciOiJIUzI1NiJ9.e30.AAAA";

    fn of(authorization: Option<&str>, api_key: Option<&str>) -> String {
        let keys = ApiKeys::default().with_publishable("sb_publishable_one").unwrap();
        let keys = keys.with_secret(SECRET).unwrap().with_legacy_secret("x".repeat(40).as_str()).unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [("authorization", authorization), ("apikey", api_key)] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        format!("{:?}", presented(&keys, &headers)).replace(SECRET, "<secret>").replace(LEGACY, "<legacy>")
    }

    #[test]
    fn the_rule() {
        let legacy = format!("Bearer {LEGACY}");
        let secret = format!("Bearer {SECRET}");
        let cases = [
            of(None, None),
            of(None, Some("sb_publishable_one")),
            of(Some("Bearer sb_publishable_one"), Some("sb_publishable_one")),
            of(None, Some("sb_publishable_other")),
            of(None, Some(SECRET)),
            of(Some(&secret), Some(SECRET)),
            of(Some("Bearer sb_publishable_one"), Some(SECRET)),
            of(Some(&secret), None),
            of(Some("Bearer a.b.c"), Some(SECRET)),
            of(Some("Bearer a.b.c"), None),
            of(Some(&legacy), Some(LEGACY)),
            of(None, Some(LEGACY)),
            of(Some("Bearer any"), Some("any")),
            of(Some("Basic x"), Some(SECRET)),
        ];
        insta::assert_snapshot!(cases.join("\n"), @r#"
        Nobody("no `Authorization` header was sent")
        Nobody("only a publishable key was sent, and no token")
        Nobody("only a publishable key was sent, and no token")
        Nobody("only a key that is not known here was sent, and no token")
        Secret("<secret>")
        Secret("<secret>")
        Secret("<secret>")
        Secret("")
        Token
        Token
        Legacy("<legacy>")
        Nobody("a legacy key was sent as `apikey` alone: it counts in `Authorization`")
        Nobody("the only key sent is the application's own")
        Token
        "#);
    }
}
