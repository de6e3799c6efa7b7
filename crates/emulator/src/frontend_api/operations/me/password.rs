//! Changing and removing one's own password.

use crate::{
    change::Change,
    frontend_api::call::{Asking, FrontendCall, FrontendReply},
    passwords::Password,
    refusal::Refusal,
    users::check_password,
};

pub(crate) fn change_password(call: &FrontendCall) -> FrontendReply {
    let new = call.form.required("new_password")?;
    check_password("new_password", new)?;
    let hashed = Password::of(new);
    let elsewhere = call.form.flag("sign_out_of_other_sessions");
    call.as_user(|change, asking| {
        check_current(call, change, &asking)?;
        let now = change.now;
        change.alter_user(asking.user.as_str(), |user| {
            user.set_password(Some(hashed), now);
            Ok(())
        })?;
        if elsewhere {
            let others: Vec<_> = change.state.sessions.of_user(asking.user.as_str()).map(|it| it.id.clone()).collect();
            for id in others.into_iter().filter(|id| *id != asking.session) {
                change.revoke_session(id.as_str())?;
            }
        }
        Ok(())
    })?;
    super::get(call)
}

pub(crate) fn remove_password(call: &FrontendCall) -> FrontendReply {
    if call.instance.settings.password.required() {
        let message = "This instance requires a password.";
        return Err(super::forbidden("password_required", message));
    }
    call.as_user(|change, asking| {
        check_current(call, change, &asking)?;
        let now = change.now;
        change.alter_user(asking.user.as_str(), |user| {
            user.set_password(None, now);
            Ok(())
        })
    })?;
    super::get(call)
}

/// Whoever has a password must know it.
fn check_current(call: &FrontendCall, change: &Change<'_>, asking: &Asking) -> Result<(), Refusal> {
    let Some(kept) = &asking.user(change.view()).password else { return Ok(()) };
    let current = call.form.required("current_password")?;
    if kept.matches(current) {
        return Ok(());
    }
    let message = "Password is incorrect. Try again.";
    Err(Refusal::form("form_password_incorrect", "is incorrect", message, "current_password"))
}
