//! `/__rowlock/rate_limits` and `/__rowlock/outage`: how the instance treats its callers.

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Call, Reply, reply};
use crate::{outage::Outage, rate_limits::RateLimits, refusal::Refusal};

pub(crate) fn rate_limits(call: &Call) -> Reply {
    reply(&json!({ "rate_limits": call.instance.limiter.limits() }))
}

/// Sets all limits, or none with `null`.
pub(crate) fn change_rate_limits(call: &Call) -> Reply {
    let mut form = call.form()?;
    let given = form.any("rate_limits").unwrap_or_default();
    form.finish()?;
    let limits: Option<RateLimits> = serde_json::from_value(given).map_err(|error| unusable("rate_limits", &error))?;
    call.instance.limiter.set(limits);
    rate_limits(call)
}

pub(crate) fn outage(call: &Call) -> Reply {
    reply(&call.instance.outage.get())
}

pub(crate) fn change_outage(call: &Call) -> Reply {
    let wanted: Outage = read(call, "outage")?;
    call.instance.outage.set(wanted);
    outage(call)
}

fn read<T: DeserializeOwned>(call: &Call, what: &str) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body).map_err(|error| unusable(what, &error))
}

fn unusable(what: &str, error: &serde_json::Error) -> Refusal {
    let long = format!("The {what} is unusable: {error}.");
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "form_param_value_invalid", "is invalid", long)
}
