//! What an instance publishes about itself.

use serde_json::json;

use super::{Call, Reply, reply};

/// `GET /v1/jwks` and, without a key, `/.well-known/jwks.json`.
pub(crate) fn jwks(call: &Call) -> Reply {
    reply(&call.instance.identity.signing_key.jwks())
}

pub(crate) fn openid_configuration(call: &Call) -> Reply {
    let (issuer, base_url) = (&call.instance.issuer, &call.instance.base_url);
    reply(&json!({
        "issuer": issuer,
        "jwks_uri": format!("{base_url}/.well-known/jwks.json"),
        "authorization_endpoint": format!("{base_url}/oauth/authorize"),
        "token_endpoint": format!("{base_url}/oauth/token"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}
