//! What an instance is set to by its servers: `PATCH /v1/instance` and everything below it.
//!
//! What the emulator obeys: restrictions ([`restrictions`](crate::restrictions)), and of the organizations whether there are
//! any, how many members a new one may have, whether its admins may delete it, and whether it has domains and slugs of its own.
//! The rest is kept and shown, because nothing an observer of the emulator could see follows from it: no password is looked up
//! among leaked ones, no bot is recognized, no text message leaves the machine.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{change::Change, form::Form, refusal::Refusal};

const ENROLLMENT_MODES: [&str; 3] = ["manual_invitation", "automatic_invitation", "automatic_suggestion"];
const SIGN_IN_STRATEGIES: [&str; 3] = ["password", "otp", ""];
/// Clerk: at most 250 countries.
const COUNTRIES_LIMIT: usize = 250;

/// All of it, as stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Configuration {
    pub(crate) general: General,
    pub(crate) organizations: OrganizationConfiguration,
    pub(crate) protection: Protection,
    pub(crate) oauth: OauthConfiguration,
    /// Countries whose numbers get no text messages.
    pub(crate) blocked_country_codes: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct General {
    pub(crate) allowed_origins: Option<Vec<String>>,
    pub(crate) support_email: Option<String>,
    pub(crate) from_email_address: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OrganizationConfiguration {
    pub(crate) enabled: bool,
    /// What a new organization is limited to; zero is no limit.
    pub(crate) max_allowed_memberships: i64,
    pub(crate) admin_delete_enabled: bool,
    pub(crate) domains_enabled: bool,
    pub(crate) slug_disabled: bool,
    pub(crate) domains_enrollment_modes: Vec<String>,
}

impl Default for OrganizationConfiguration {
    fn default() -> Self {
        Self {
            enabled: true,
            max_allowed_memberships: 0,
            admin_delete_enabled: true,
            domains_enabled: true,
            slug_disabled: false,
            domains_enrollment_modes: ENROLLMENT_MODES.map(str::to_owned).to_vec(),
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Protection {
    pub(crate) rules_enabled: bool,
    pub(crate) specter_enabled: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OauthConfiguration {
    pub(crate) dynamic_client_registration: bool,
    pub(crate) default_scopes: Option<Vec<String>>,
    pub(crate) jwt_access_tokens: bool,
    pub(crate) metadata_documents_advertised: bool,
    pub(crate) metadata_documents_only_pre_registered: bool,
    pub(crate) metadata_documents_block_implicit: bool,
}

impl General {
    pub(crate) fn update(&mut self, mut form: Form) -> Result<(), Refusal> {
        // A development instance of Clerk's is in test mode, and so is this one, always.
        if form.boolean("test_mode")?.given() == Some(false) {
            return Err(Refusal::not_emulated("Leaving the test mode"));
        }
        let (support_email, origins) = (form.string("support_email")?, form.strings("allowed_origins")?);
        form.boolean("hibp")?;
        form.boolean("cookieless_dev")?;
        form.boolean("url_based_session_syncing")?;
        form.string("clerk_js_version")?;
        form.string("development_origin")?;
        form.word("preferred_sign_in_strategy_when_password_required", &SIGN_IN_STRATEGIES)?;
        form.finish()?;
        support_email.patch(&mut self.support_email);
        origins.patch(&mut self.allowed_origins);
        Ok(())
    }
}

impl Protection {
    pub(crate) fn object(self) -> Value {
        json!({
            "object": "instance_protect",
            "rules_enabled": self.rules_enabled,
            "specter_enabled": self.specter_enabled,
            "checks_bypassed": false,
        })
    }

    pub(crate) fn update(&mut self, mut form: Form) -> Result<(), Refusal> {
        let (rules, specter) = (form.boolean("rules_enabled")?, form.boolean("specter_enabled")?);
        form.finish()?;
        rules.set(&mut self.rules_enabled);
        specter.set(&mut self.specter_enabled);
        Ok(())
    }
}

impl OauthConfiguration {
    pub(crate) fn object(&self) -> Value {
        json!({
            "object": "oauth_application_settings",
            "dynamic_oauth_client_registration": self.dynamic_client_registration,
            "default_scopes": self.default_scopes,
            "oauth_jwt_access_tokens": self.jwt_access_tokens,
            "client_id_metadata_documents_advertised": self.metadata_documents_advertised,
            "client_id_metadata_documents_only_allow_pre_registered_clients": self.metadata_documents_only_pre_registered,
            "client_id_metadata_documents_block_implicitly_allowed_clients": self.metadata_documents_block_implicit,
        })
    }

    pub(crate) fn update(&mut self, mut form: Form) -> Result<(), Refusal> {
        let dynamic = form.boolean("dynamic_oauth_client_registration")?;
        let scopes = form.strings("default_scopes")?;
        let jwt = form.boolean("oauth_jwt_access_tokens")?;
        let advertised = form.boolean("client_id_metadata_documents_advertised")?;
        let registered = form.boolean("client_id_metadata_documents_only_allow_pre_registered_clients")?;
        let implicit = form.boolean("client_id_metadata_documents_block_implicitly_allowed_clients")?;
        form.finish()?;
        if let Some(scopes) = scopes.given() {
            let mut unique = Vec::with_capacity(scopes.len());
            for scope in scopes {
                if !unique.contains(&scope) {
                    unique.push(scope);
                }
            }
            self.default_scopes = Some(unique);
        }
        dynamic.set(&mut self.dynamic_client_registration);
        jwt.set(&mut self.jwt_access_tokens);
        advertised.set(&mut self.metadata_documents_advertised);
        registered.set(&mut self.metadata_documents_only_pre_registered);
        implicit.set(&mut self.metadata_documents_block_implicit);
        Ok(())
    }
}

impl Configuration {
    pub(crate) fn communication(&self) -> Value {
        json!({ "object": "instance_communication", "blocked_country_codes": self.blocked_country_codes })
    }

    pub(crate) fn update_communication(&mut self, mut form: Form) -> Result<(), Refusal> {
        let codes = form.strings("blocked_country_codes")?;
        form.finish()?;
        let Some(mut codes) = codes.given() else { return Ok(()) };
        let letters = |code: &String| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
        if let Some(other) = codes.iter().find(|code| !letters(code)) {
            return Err(Refusal::wrong_value("blocked_country_codes", other, "ISO 3166-1 codes of two letters"));
        }
        codes.sort_unstable();
        codes.dedup();
        if codes.len() > COUNTRIES_LIMIT {
            let found = format!("A list of {}", codes.len());
            let expected = format!("at most {COUNTRIES_LIMIT} codes");
            return Err(Refusal::wrong_value("blocked_country_codes", &found, &expected));
        }
        self.blocked_country_codes = codes;
        Ok(())
    }
}

impl Change<'_> {
    /// `PATCH /v1/instance/organization_settings`. The roles of creators and of whoever joins by a domain are those of the
    /// initial role set.
    pub(crate) fn configure_organizations(&mut self, mut form: Form) -> Result<(), Refusal> {
        let enabled = form.boolean("enabled")?;
        let limit = form.bounded("max_allowed_memberships", 0..=i64::MAX)?;
        let admin_delete = form.boolean("admin_delete_enabled")?;
        let domains = form.boolean("domains_enabled")?;
        let slug_disabled = form.boolean("slug_disabled")?;
        let modes = form.strings("domains_enrollment_modes")?;
        let (creator, joining) = (form.string("creator_role_id")?, form.string("domains_default_role_id")?);
        form.finish()?;
        if let Some(modes) = modes.clone().given()
            && let Some(unknown) = modes.iter().find(|mode| !ENROLLMENT_MODES.contains(&mode.as_str()))
        {
            let expected = ENROLLMENT_MODES.join(", ");
            return Err(Refusal::wrong_value("domains_enrollment_modes", unknown, &expected));
        }
        let (creator, joining) = (self.role_key(creator.given())?, self.role_key(joining.given())?);
        self.state.roles.set_initial_roles(creator, joining)?;
        let organizations = &mut self.state.configuration.organizations;
        enabled.set(&mut organizations.enabled);
        limit.set(&mut organizations.max_allowed_memberships);
        admin_delete.set(&mut organizations.admin_delete_enabled);
        domains.set(&mut organizations.domains_enabled);
        slug_disabled.set(&mut organizations.slug_disabled);
        modes.set(&mut organizations.domains_enrollment_modes);
        Ok(())
    }

    fn role_key(&self, id: Option<String>) -> Result<Option<String>, Refusal> {
        match id.filter(|id| !id.is_empty()) {
            None => Ok(None),
            Some(id) => Ok(Some(self.state.roles.find(&id)?.key.clone())),
        }
    }

    /// Refuses what an instance without organizations does not have.
    pub(crate) fn check_organizations_enabled(&self) -> Result<(), Refusal> {
        if self.state.configuration.organizations.enabled {
            return Ok(());
        }
        let code = "organization_not_enabled_in_instance";
        let long = "The organizations feature is not enabled for this instance. PATCH /v1/instance/organization_settings \
                    enables it.";
        Err(Refusal::new(StatusCode::FORBIDDEN, code, "access denied", long))
    }
}
