//! `/__rowlock/clock`, `/__rowlock/snapshots` and `/__rowlock/signing_keys`: forward, back, and over to another key.

use std::time::Duration;

use serde_json::json;

use super::{Call, Reply, reply};
use crate::{keys::SigningKey, refusal::Refusal};

pub(crate) fn clock(call: &Call) -> Reply {
    let clock = &call.instance.clock;
    reply(&json!({ "now": clock.now(), "ahead_by_seconds": clock.shift().as_secs_f64() }))
}

pub(crate) fn advance(call: &Call) -> Reply {
    let mut form = call.form()?;
    let seconds = form.number("seconds")?.required("seconds")?;
    form.finish()?;
    if !(0.0..=f64::from(u32::MAX)).contains(&seconds) {
        return Err(Refusal::wrong_value("seconds", &seconds.to_string(), &format!("0 to {}", u32::MAX)));
    }
    call.instance.advance(Duration::from_secs_f64(seconds));
    clock(call)
}

pub(crate) fn snapshot(call: &Call) -> Reply {
    let mut form = call.form()?;
    let name = form.string("name")?.required("name")?;
    form.finish()?;
    call.instance.take_snapshot(&name);
    reply(&json!({ "name": name }))
}

pub(crate) fn restore(call: &Call) -> Reply {
    let name = call.path("snapshot_name");
    call.instance.restore_snapshot(name)?;
    reply(&json!({ "name": name }))
}

/// Draws a new key and signs with it from now on; `retire` takes the older ones out of the key set. Drawing takes tens of
/// milliseconds, which the control API can bear.
pub(crate) fn rotate_signing_key(call: &Call) -> Reply {
    let mut form = call.form()?;
    let retire = form.boolean("retire")?.given().unwrap_or(false);
    form.finish()?;
    let key = SigningKey::generate();
    let mut keyring = call.instance.identity.keyring().write();
    keyring.push(key);
    if retire {
        keyring.retire();
    }
    let answer = reply(&keyring.jwks());
    drop(keyring);
    call.instance.dirty.notify_one();
    answer
}
