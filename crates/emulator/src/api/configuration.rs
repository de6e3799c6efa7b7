//! `/v1/instance`, `/v1/instance/…` and `/v1/beta_features/instance_settings`: what a server can set the instance to.

use serde_json::json;

use super::{Call, Reply, reply};
use crate::state::State;

/// `GET /v1/instance`: a development instance, always.
pub(crate) fn instance(call: &Call) -> Reply {
    call.instance.read(|view| {
        reply(&json!({
            "object": "instance",
            "id": view.instance_id,
            "environment_type": "development",
            "allowed_origins": view.state.configuration.general.allowed_origins,
            "workspace_id": null,
        }))
    })
}

pub(crate) fn update_instance(call: &Call) -> Reply {
    let form = call.form()?;
    call.change(|change| change.state.configuration.general.update(form))?;
    Ok(Vec::new())
}

pub(crate) fn update_restrictions(call: &Call) -> Reply {
    let form = call.form()?;
    call.change(|change| {
        change.state.restrictions.update(form)?;
        reply(&change.state.restrictions.object())
    })
}

/// What became of the settings that were here first: the allowlist is a restriction now.
pub(crate) fn update_settings(call: &Call) -> Reply {
    let mut form = call.form()?;
    let (allowlist, from) = (form.boolean("restricted_to_allowlist")?, form.string("from_email_address")?);
    let progressive = form.boolean("progressive_sign_up")?;
    form.not_emulated(&["test_mode"])?;
    form.ignore(&["test_mode"]);
    form.finish()?;
    if progressive.given() == Some(false) {
        return Err(crate::refusal::Refusal::not_emulated("Signing up without progress"));
    }
    call.change(|change| {
        let state = &mut *change.state;
        allowlist.set(&mut state.restrictions.allowlist);
        from.patch(&mut state.configuration.general.from_email_address);
        reply(&json!({
            "object": "instance_settings",
            "id": change.instance_id,
            "restricted_to_allowlist": state.restrictions.allowlist,
            "from_email_address": state.configuration.general.from_email_address.as_deref().unwrap_or("notifications"),
            "progressive_sign_up": true,
            "enhanced_email_deliverability": false,
        }))
    })
}

pub(crate) fn organization_settings(call: &Call) -> Reply {
    call.instance.read(|view| reply(&organization_settings_object(view.state)))
}

pub(crate) fn update_organization_settings(call: &Call) -> Reply {
    let form = call.form()?;
    call.change(|change| {
        change.configure_organizations(form)?;
        reply(&organization_settings_object(change.state))
    })
}

fn organization_settings_object(state: &State) -> serde_json::Value {
    let settings = &state.configuration.organizations;
    let initial = state.roles.sets().find(|set| set.initial);
    let role = |key: Option<&String>| key.map_or_else(String::new, String::clone);
    json!({
        "object": "organization_settings",
        "enabled": settings.enabled,
        "max_allowed_memberships": settings.max_allowed_memberships,
        "max_allowed_roles": 0,
        "max_role_sets_allowed": 0,
        "max_allowed_domains": 0,
        "max_allowed_permissions": 0,
        "creator_role": role(initial.map(|set| &set.creator_role)),
        "admin_delete_enabled": settings.admin_delete_enabled,
        "domains_enabled": settings.domains_enabled,
        "slug_disabled": settings.slug_disabled,
        "domains_enrollment_modes": settings.domains_enrollment_modes,
        "domains_default_role": role(initial.map(|set| &set.default_role)),
        "initial_role_set_key": initial.map(|set| &set.key),
    })
}

pub(crate) fn protection(call: &Call) -> Reply {
    call.instance.read(|view| reply(&view.state.configuration.protection.object()))
}

pub(crate) fn update_protection(call: &Call) -> Reply {
    let form = call.form()?;
    call.change(|change| {
        change.state.configuration.protection.update(form)?;
        reply(&change.state.configuration.protection.object())
    })
}

pub(crate) fn communication(call: &Call) -> Reply {
    call.instance.read(|view| reply(&view.state.configuration.communication()))
}

pub(crate) fn update_communication(call: &Call) -> Reply {
    let form = call.form()?;
    call.change(|change| {
        change.state.configuration.update_communication(form)?;
        reply(&change.state.configuration.communication())
    })
}

pub(crate) fn oauth(call: &Call) -> Reply {
    call.instance.read(|view| reply(&view.state.configuration.oauth.object()))
}

pub(crate) fn update_oauth(call: &Call) -> Reply {
    let form = call.form()?;
    call.change(|change| {
        change.state.configuration.oauth.update(form)?;
        reply(&change.state.configuration.oauth.object())
    })
}
