//! `POST /__rowlock/seed`: many objects at once, silently unless asked otherwise.

use http::StatusCode;
use serde_json::json;

use super::{Call, Reply, reply};
use crate::{refusal::Refusal, seed::Seed};

pub(crate) fn plant(call: &Call) -> Reply {
    let seed: Seed = serde_json::from_slice(&call.body).map_err(|error| {
        let long = format!("The seed is unusable: {error}.");
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "form_param_value_invalid", "is invalid", long)
    })?;
    call.change(|change| {
        change.all_or_nothing(|change| change.plant(&seed))?;
        let state = &change.state;
        let (users, organizations) = (state.users.len(), state.organizations.len());
        reply(&json!({ "users": users, "organizations": organizations, "memberships": state.memberships.len() }))
    })
}
