//! What a user proves who they are by: password, authenticator app and backup codes, and what Clerk knows beside them.
//!
//! Passkeys, wallets, external accounts and trusted devices come of ceremonies that take a browser and somebody else's
//! server; nobody here has any, and that is what these operations say.

use http::StatusCode;
use serde_json::{Value, json};

use super::{Call, Reply, call::Paginated, reply};
use crate::{passwords::Password, refusal::Refusal, totp::Authenticators, users::User};

pub(crate) fn verify_password(call: &Call) -> Reply {
    let mut form = call.form()?;
    let password = form.string("password")?.required("password")?;
    form.finish()?;
    with_user(call, |user| match &user.password {
        _ if !user.password_enabled => {
            let long = "This user does not have a password set for their account";
            Err(Refusal::new(StatusCode::BAD_REQUEST, "no_password_set", "no password set", long))
        }
        Some(Password::Foreign { hasher }) => {
            Err(Refusal::not_emulated(format_args!("Verifying a password hashed by {hasher}")))
        }
        Some(kept) if kept.matches(&password) => reply(&json!({ "verified": true })),
        Some(_) | None => {
            let long = "The provided password is not the one the user has set";
            Err(Refusal::form("incorrect_password", "incorrect password", long, "password"))
        }
    })
}

pub(crate) fn verify_totp(call: &Call) -> Reply {
    let mut form = call.form()?;
    let code = form.string("code")?.required("code")?;
    form.finish()?;
    call.change(|change| {
        let kind = change.use_second_factor(call.path("user_id"), &code)?;
        reply(&json!({ "verified": true, "code_type": kind.as_str() }))
    })
}

pub(crate) fn disable_mfa(call: &Call) -> Reply {
    without(call, |user| {
        user.authenticators = Authenticators::default();
        user.phone_numbers.iter_mut().for_each(|number| number.reserved_for_second_factor = false);
    })
}

pub(crate) fn delete_totp(call: &Call) -> Reply {
    without(call, |user| user.authenticators.totp_secret = None)
}

pub(crate) fn delete_backup_codes(call: &Call) -> Reply {
    without(call, |user| user.authenticators.backup_codes.clear())
}

pub(crate) fn set_compromised(call: &Call) -> Reply {
    let mut form = call.form()?;
    let sign_out = form.boolean("revoke_all_sessions")?.given().unwrap_or(false);
    form.finish()?;
    compromised(call, true, sign_out)
}

pub(crate) fn unset_compromised(call: &Call) -> Reply {
    compromised(call, false, false)
}

fn compromised(call: &Call, compromised: bool, sign_out: bool) -> Reply {
    call.change(|change| {
        let id = change.alter_user(call.path("user_id"), |user| {
            if !user.password_enabled {
                let long = "This user does not have a password set for their account";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "no_password_set", "no password set", long));
            }
            user.password_compromised = compromised;
            Ok(())
        })?;
        if sign_out {
            change.revoke_sessions_of(&id);
        }
        let view = change.view();
        reply(&view.user(view.state.users.get(id.as_str()).expect("a user that was just changed exists")))
    })
}

fn without(call: &Call, alter: impl FnOnce(&mut User)) -> Reply {
    call.change(|change| {
        let id = change.alter_user(call.path("user_id"), |user| {
            alter(user);
            Ok(())
        })?;
        reply(&json!({ "user_id": id }))
    })
}

pub(crate) fn delete_passkey(call: &Call) -> Reply {
    with_user(call, |_| {
        let (code, short) = ("passkey_not_registered", "not registered");
        Err(Refusal::new(StatusCode::NOT_FOUND, code, short, "Passkey is not registered."))
    })
}

pub(crate) fn delete_web3_wallet(call: &Call) -> Reply {
    with_user(call, |_| Err(Refusal::not_found("web3 wallet", call.path("web3_wallet_identification_id"))))
}

pub(crate) fn delete_external_account(call: &Call) -> Reply {
    with_user(call, |_| {
        let (code, short) = ("external_account_not_found", "Invalid external account");
        Err(Refusal::new(StatusCode::NOT_FOUND, code, short, "The External Account was not found."))
    })
}

pub(crate) fn list_trusted_devices(call: &Call) -> Reply {
    with_user(call, |_| reply(&Paginated::<Value> { data: Vec::new(), total_count: 0 }))
}

pub(crate) fn revoke_trusted_device(call: &Call) -> Reply {
    with_user(call, |_| Err(Refusal::not_found("trusted device", call.path("trusted_device_id"))))
}

/// Tokens of a provider that a user has signed in with: there is none, whichever is asked for.
pub(crate) fn oauth_access_token(call: &Call) -> Reply {
    with_user(call, |_| {
        let (code, short) = ("oauth_token_provider_not_enabled", "OAuth provider not enabled");
        let long = "Single-sign on for this OAuth provider is not enabled in the instance settings.";
        Err(Refusal::new(StatusCode::NOT_FOUND, code, short, long))
    })
}

fn with_user(call: &Call, answer: impl FnOnce(&User) -> Reply) -> Reply {
    let id = call.path("user_id");
    call.instance.read(|view| answer(view.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?))
}
