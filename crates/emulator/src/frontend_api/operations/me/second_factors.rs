//! Enrolling one's own second factors: an authenticator app, and backup codes for the day it is lost.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    change::Change,
    frontend_api::{
        call::{Asking, FrontendCall, FrontendReply},
        settings::{InstanceSettings, SecondFactor},
        sign_in::second_factors,
    },
    refusal::Refusal,
    totp::Authenticators,
    users::User,
};

/// Shows a new secret, which counts with the first right code.
pub(crate) fn create_totp(call: &FrontendCall) -> FrontendReply {
    offered(&call.instance.settings, SecondFactor::Totp)?;
    call.as_user(|change, asking| {
        let mut user = asking.user(change.view()).clone();
        user.authenticators.enrol(&mut change.state.ids, change.now)?;
        // What nobody has proven yet is no news about the user.
        change.state.users.put(user);
        Ok(())
    })?;
    show_app(call, None)
}

pub(crate) fn attempt_totp(call: &FrontendCall) -> FrontendReply {
    let code = call.form.required("code")?;
    let wants_codes = call.instance.settings.has(SecondFactor::BackupCode);
    let codes = call.as_user(|change, asking| {
        let mut authenticators = asking.user(change.view()).authenticators.clone();
        authenticators.prove(code, change.now)?;
        let first = wants_codes && authenticators.backup_codes.is_empty();
        let codes = first.then(|| authenticators.draw_backup_codes(&mut change.state.ids));
        replace(change, &asking, authenticators)?;
        Ok(codes)
    })?;
    show_app(call, codes)
}

pub(crate) fn delete_totp(call: &FrontendCall) -> FrontendReply {
    let mut id = String::new();
    call.as_user(|change, asking| {
        change.alter_user(asking.user.as_str(), |user| {
            id = user.authenticators.remove_app()?;
            forget_idle_backup_codes(user);
            Ok(())
        })
    })?;
    call.show(|_, _| Ok(json!({ "object": "totp", "id": id, "deleted": true })))
}

/// New backup codes for whoever has a second factor; the old ones are good no more.
pub(crate) fn create_backup_codes(call: &FrontendCall) -> FrontendReply {
    offered(&call.instance.settings, SecondFactor::BackupCode)?;
    let (id, codes, now) = call.as_user(|change, asking| {
        if second_factors(asking.user(change.view())).is_empty() {
            let long = "Backup codes stand in for another second factor, and this user has none yet.";
            let short = "no second factor";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "backup_codes_not_available", short, long));
        }
        let id = change.state.ids.prefixed("bkc_", change.now);
        let codes = draw_backup_codes(change, &asking)?;
        Ok((id, codes, change.now))
    })?;
    call.show(|_, _| {
        Ok(json!({ "object": "backup_code", "id": id, "codes": codes, "created_at": now, "updated_at": now }))
    })
}

/// After a phone number has become a second factor, or is one no more: the backup codes that come with the first factor,
/// or their end with the last.
pub(super) fn follow_phone_number(
    call: &FrontendCall,
    change: &mut Change<'_>,
    asking: &Asking,
) -> Result<Option<Vec<String>>, Refusal> {
    let user = asking.user(change.view());
    let (protected, codes) = (!second_factors(user).is_empty(), !user.authenticators.backup_codes.is_empty());
    match (protected, codes) {
        (true, false) if call.instance.settings.has(SecondFactor::BackupCode) => {
            draw_backup_codes(change, asking).map(Some)
        }
        (false, true) => {
            change.alter_user(asking.user.as_str(), |user| {
                forget_idle_backup_codes(user);
                Ok(())
            })?;
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Backup codes go with the last factor that they stand in for.
fn forget_idle_backup_codes(user: &mut User) {
    if second_factors(user).is_empty() {
        user.authenticators.backup_codes.clear();
    }
}

fn draw_backup_codes(change: &mut Change<'_>, asking: &Asking) -> Result<Vec<String>, Refusal> {
    let mut authenticators = asking.user(change.view()).authenticators.clone();
    let codes = authenticators.draw_backup_codes(&mut change.state.ids);
    replace(change, asking, authenticators)?;
    Ok(codes)
}

fn replace(change: &mut Change<'_>, asking: &Asking, authenticators: Authenticators) -> Result<(), Refusal> {
    change.alter_user(asking.user.as_str(), |user| {
        user.authenticators = authenticators;
        Ok(())
    })?;
    Ok(())
}

fn show_app(call: &FrontendCall, backup_codes: Option<Vec<String>>) -> FrontendReply {
    call.show(|face, asking| {
        let user = asking.user(face.view);
        let account = user.identifier().unwrap_or(user.id.as_str());
        let object = user.authenticators.enrolment_object(&face.settings.application_name, account);
        let mut object = object.expect("an app that was just changed exists");
        object["backup_codes"] = backup_codes.map_or(Value::Null, Value::from);
        Ok(object)
    })
}

/// Refuses what the settings of the instance have not.
fn offered(settings: &InstanceSettings, factor: SecondFactor) -> Result<(), Refusal> {
    if settings.has(factor) {
        return Ok(());
    }
    let name = factor.as_str();
    let message =
        format!("This instance has no second factor {name}. Add \"{name}\" to second_factors in its settings.");
    Err(super::forbidden("feature_not_enabled", &message))
}
