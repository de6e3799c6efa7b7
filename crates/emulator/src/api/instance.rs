//! What an instance publishes about itself.

use serde_json::json;

use super::{Call, Reply, call::Paginated, reply};

/// `GET /v1/jwks` and, without a key, `/.well-known/jwks.json`.
pub(crate) fn jwks(call: &Call) -> Reply {
    reply(&call.instance.identity.keyring().read().jwks())
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

/// The one domain of the instance. Its Frontend API is what stands in `iss`.
pub(crate) fn domains(call: &Call) -> Reply {
    let (instance, instance_id) = (&call.instance, &call.instance.identity.instance_id);
    let domain = json!({
        "object": "domain",
        "id": format!("dmn_{}", instance_id.as_str().trim_start_matches("ins_")),
        "name": instance.publishable_key.frontend_api(),
        "is_satellite": false,
        "frontend_api_url": instance.issuer,
        "accounts_portal_url": null,
        "proxy_url": null,
        "development_origin": "",
        "cname_targets": [],
    });
    reply(&Paginated { data: vec![domain], total_count: 1 })
}
