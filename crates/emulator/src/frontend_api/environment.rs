//! `/v1/environment`: what the components are told about the instance.
//!
//! The addresses of the account pages follow the way the request came: through an app's proxy they are the app's own, so
//! that a person never leaves it.

use serde_json::{Value, json};

use super::settings::{InstanceSettings, Requirement, SecondFactor};
use crate::{
    passwords::{MAXIMUM_CHARACTERS, MINIMUM_CHARACTERS},
    restrictions::Restrictions,
    view::View,
};

/// The environment of an instance, seen at `base` (a proxy's address, or the instance's own).
pub(crate) fn environment(settings: &InstanceSettings, view: View<'_>, base: &str, clerk_js: &str) -> Value {
    let (instance_id, organizations) = (view.instance_id.as_str(), &view.state.configuration.organizations);
    json!({
        "auth_config": auth_config(settings, instance_id),
        "display_config": display_config(settings, instance_id, base, clerk_js),
        "user_settings": user_settings(settings, &view.state.restrictions),
        "organization_settings": {
            "enabled": organizations.enabled,
            "max_allowed_memberships": organizations.max_allowed_memberships,
            "force_organization_selection": settings.organization_required,
            "actions": { "admin_delete": organizations.admin_delete_enabled },
            "domains": { "enabled": false, "enrollment_modes": [], "default_role": "org:member" },
            "slug": { "disabled": organizations.slug_disabled },
            "organization_creation_defaults": { "enabled": false },
            "creator_role": view.state.roles.creator_role(None),
        },
        "fraud_settings": {
            "object": "fraud_settings",
            "native": { "device_attestation_mode": "disabled" },
        },
        "commerce_settings": {
            "billing": {
                "stripe_publishable_key": null,
                "free_trial_requires_payment_method": false,
                "user": { "enabled": false, "has_paid_plans": false },
                "organization": { "enabled": false, "has_paid_plans": false },
            },
        },
        "api_keys_settings": { "enabled": false, "user_api_keys_enabled": false, "orgs_api_keys_enabled": false },
        "protect_config": { "loaders": [] },
        "client_debug_mode": false,
        "partitioned_cookies": false,
        "maintenance_mode": false,
    })
}

fn auth_config(settings: &InstanceSettings, instance_id: &str) -> Value {
    let on = |requirement: Requirement| match requirement {
        Requirement::Off => "off",
        Requirement::Optional => "on",
        Requirement::Required => "required",
    };
    let first_factors: Vec<&str> = [
        ("password", settings.password),
        ("email_code", settings.email_address),
        ("phone_code", settings.phone_number),
    ]
    .into_iter()
    .filter(|(_, requirement)| requirement.enabled())
    .map(|(name, _)| name)
    .chain(["ticket"])
    .collect();
    json!({
        "object": "auth_config",
        "id": instance_id.replacen("ins_", "aconf_", 1),
        "first_name": on(settings.first_name),
        "last_name": on(settings.last_name),
        "email_address": on(settings.email_address),
        "phone_number": on(settings.phone_number),
        "username": on(settings.username),
        "password": on(settings.password),
        "identification_requirements": [],
        "identification_strategies": identifiers(settings),
        "first_factors": first_factors,
        "second_factors": second_factors(settings),
        "email_address_verification_strategies": ["email_code"],
        "single_session_mode": !settings.multi_session,
        "enhanced_email_deliverability": false,
        "test_mode": true,
        "cookieless_dev": false,
        "url_based_session_syncing": true,
        "claimed_at": null,
        "reverification": false,
        "native_settings": {
            "object": "native_settings",
            "api_enabled": false,
            "trusted_device_sign_in_enabled": false,
            "trusted_device_enrollment_prompt_after_sign_in_enabled": false,
            "trusted_device_enrollment_prompt_after_sign_up_enabled": false,
        },
    })
}

fn second_factors(settings: &InstanceSettings) -> Vec<&'static str> {
    let all = [SecondFactor::Totp, SecondFactor::PhoneCode, SecondFactor::BackupCode];
    all.into_iter().filter(|factor| settings.has(*factor)).map(SecondFactor::as_str).collect()
}

fn identifiers(settings: &InstanceSettings) -> Vec<&'static str> {
    let all = [
        ("email_address", settings.email_address),
        ("phone_number", settings.phone_number),
        ("username", settings.username),
    ];
    all.into_iter().filter(|(_, requirement)| requirement.enabled()).map(|(name, _)| name).collect()
}

fn display_config(settings: &InstanceSettings, instance_id: &str, base: &str, clerk_js: &str) -> Value {
    let mut config = json!({
        "object": "display_config",
        "id": instance_id.replacen("ins_", "display_config_", 1),
        "instance_environment_type": "development",
        "application_name": settings.application_name,
        "theme": theme(),
        "preferred_sign_in_strategy": if settings.password.enabled() { "password" } else { "otp" },
        "logo_image_url": "",
        "favicon_image_url": "",
        "branded": false,
        "experimental_force_oauth_first": false,
        "clerk_js_version": clerk_js,
        "show_devmode_warning": false,
        "captcha_oauth_bypass": [],
        "captcha_heartbeat": false,
    });
    for name in ABSENT {
        config[*name] = Value::Null;
    }
    for name in HOME {
        config[*name] = json!("/");
    }
    for (name, path) in PAGES {
        config[*name] = json!(format!("{base}{path}"));
    }
    config
}

/// What an instance without logos, legal texts and bot protection leaves empty.
const ABSENT: &[&str] = &[
    "support_email",
    "google_one_tap_client_id",
    "help_url",
    "privacy_policy_url",
    "terms_url",
    "logo_url",
    "favicon_url",
    "logo_image",
    "favicon_image",
    "captcha_public_key",
    "captcha_widget_type",
    "captcha_public_key_invisible",
    "captcha_provider",
];

/// Where the app goes on after an account page, when it does not say itself.
const HOME: &[&str] = &[
    "home_url",
    "logo_link_url",
    "after_sign_in_url",
    "after_sign_up_url",
    "after_sign_out_one_url",
    "after_sign_out_all_url",
    "after_switch_session_url",
    "after_join_waitlist_url",
    "after_leave_organization_url",
    "after_create_organization_url",
];

/// The account pages. There is one for signing in, which is also the one for signing up; the others lead to the overview.
const PAGES: &[(&str, &str)] = &[
    ("sign_in_url", "/sign-in"),
    ("sign_up_url", "/sign-in"),
    ("user_profile_url", "/"),
    ("waitlist_url", "/"),
    ("oauth_consent_url", "/"),
    ("organization_profile_url", "/"),
    ("create_organization_url", "/"),
];

fn theme() -> Value {
    json!({
        "buttons": { "font_color": "#ffffff", "font_family": "sans-serif", "font_weight": "600" },
        "general": {
            "color": "#1f6f78",
            "padding": "1em",
            "box_shadow": "0 2px 8px rgba(0, 0, 0, 0.2)",
            "font_color": "#151515",
            "font_family": "sans-serif",
            "border_radius": "0.5em",
            "background_color": "#ffffff",
            "label_font_weight": "600",
        },
        "accounts": { "background_color": "#ffffff" },
    })
}

fn user_settings(settings: &InstanceSettings, restrictions: &Restrictions) -> Value {
    let unused = attribute(Requirement::Off, &[], false);
    json!({
        "attributes": {
            "email_address": attribute(settings.email_address, &["email_code"], true),
            "phone_number": and_second(
                attribute(settings.phone_number, &["phone_code"], true),
                settings,
                SecondFactor::PhoneCode,
            ),
            "username": attribute(settings.username, &[], true),
            "web3_wallet": unused,
            "first_name": attribute(settings.first_name, &[], false),
            "last_name": attribute(settings.last_name, &[], false),
            "password": attribute(settings.password, &[], false),
            "authenticator_app": and_second(unused.clone(), settings, SecondFactor::Totp),
            "ticket": attribute(Requirement::Optional, &[], false),
            "backup_code": and_second(unused.clone(), settings, SecondFactor::BackupCode),
            "passkey": unused,
        },
        "social": {},
        "saml": { "enabled": false },
        "enterprise_sso": { "enabled": false, "self_serve_sso": false },
        "sign_in": { "second_factor": { "required": false, "enabled": !second_factors(settings).is_empty() } },
        "sign_up": {
            "allowlist_only": restrictions.allowlist,
            "captcha_enabled": false,
            "captcha_widget_type": "smart",
            "custom_action_required": false,
            "progressive": true,
            "mode": settings.sign_up_mode.as_str(),
            "legal_consent_enabled": false,
            "mfa": { "required": false },
        },
        "restrictions": {
            "allowlist": { "enabled": restrictions.allowlist },
            "blocklist": { "enabled": restrictions.blocklist },
            "allowlist_blocklist_disabled_on_sign_in": { "enabled": restrictions.disabled_on_sign_in },
            "block_email_subaddresses": { "enabled": restrictions.block_email_subaddresses },
            "block_disposable_email_domains": { "enabled": false },
        },
        "password_settings": {
            "disable_hibp": true,
            "disable_password_reverification": false,
            "min_length": MINIMUM_CHARACTERS,
            "max_length": MAXIMUM_CHARACTERS,
            "require_special_char": false,
            "require_numbers": false,
            "require_uppercase": false,
            "require_lowercase": false,
            "show_zxcvbn": false,
            "min_zxcvbn_strength": 0,
            "enforce_hibp_on_sign_in": false,
            "allowed_special_characters": "",
        },
        "username_settings": {
            "min_length": 4,
            "max_length": 64,
            "allow_extended_special_characters": false,
            "allow_numeric_usernames": false,
        },
        "actions": { "delete_self": true, "create_organization": true, "create_organizations_limit": null },
        "attack_protection": {
            "user_lockout": { "enabled": false, "max_attempts": 100, "duration_in_minutes": 60 },
            "pii": { "enabled": false },
            "email_link": { "require_same_client": false },
            "enumeration_protection": { "enabled": false },
        },
        "passkey_settings": { "allow_autofill": false, "show_sign_in_button": false, "satisfies_second_factor": false },
    })
}

/// An attribute that is also what people may add to their first factor.
fn and_second(mut attribute: Value, settings: &InstanceSettings, factor: SecondFactor) -> Value {
    if settings.has(factor) {
        attribute["enabled"] = json!(true);
        attribute["used_for_second_factor"] = json!(true);
        attribute["second_factors"] = json!([factor.as_str()]);
    }
    attribute
}

/// One attribute of a user: by what it is proven, and whether it names the user at sign-in.
fn attribute(requirement: Requirement, verifications: &[&str], identifies: bool) -> Value {
    let enabled = requirement.enabled();
    let verifications = if enabled { verifications } else { &[] };
    let identifies = identifies && enabled;
    json!({
        "enabled": enabled,
        "required": requirement.required(),
        "used_for_first_factor": identifies,
        "first_factors": if identifies { verifications } else { &[] },
        "used_for_second_factor": false,
        "second_factors": [],
        "verifications": verifications,
        "verify_at_sign_up": !verifications.is_empty(),
        "immutable": false,
    })
}
