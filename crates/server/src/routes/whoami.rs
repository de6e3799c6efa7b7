//! `GET /whoami`: the caller, as the database sees them.
//!
//! The answer is not made of the token. It is what Postgres says inside the caller's own transaction: the role, what the
//! functions in policies return, and the caller's own row under row-level security.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use clerk::ClaimsVersion;
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::{Failure, Services};

const WHOAMI: &str = include_str!("../../../../sql/server/whoami.sql");
const ANONYMOUS: &str = include_str!("../../../../sql/server/whoami_anonymous.sql");

pub(super) async fn whoami(State(services): State<Services>, caller: Caller) -> Result<impl IntoResponse, Failure> {
    let statement = if caller.claims.is_some() { WHOAMI } else { ANONYMOUS };
    let rows = services.query_as(&caller, statement, &[]).await?;
    let mut answer: Value = rows.first().map_or(Value::Null, |row| row.get(0));
    if let Some(claims) = &caller.claims {
        let expires_in = claims.expires_at.since(services.clock.now()).as_secs();
        answer["token"] = json!({
            "issuer": claims.issuer,
            "claims_version": if claims.version == ClaimsVersion::V2 { 2 } else { 1 },
            "expires_in_seconds": expires_in,
            "authorized_party": claims.authorized_party,
            "impersonated_by": claims.actor.as_ref().map(|actor| &actor.subject),
        });
    }
    if let Some(because) = caller.anonymous_because {
        answer["hint"] = because.into();
    }
    // It is about a person: nothing between us keeps it.
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)))
}
