//! OAuth applications: those that a user may let in, with the address and the secret they prove themselves by.
//!
//! They are kept, changed and shown. Letting one in takes a person before a consent screen, which is not here: the tokens of
//! an application come from the control API (`POST /__rowlock/oauth_tokens` with its `client_id`), are verified as at Clerk, and go
//! with their application.

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{change::Change, form::Form, ids, refusal::Refusal, secret::Secret, table::Row, view::View};

const SCOPES: &str = "profile email";
const TEXT_LIMIT: usize = 1024;

/// One application, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OauthApplication {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) client_id: String,
    /// Where the logo is that somebody uploaded.
    #[serde(default)]
    pub(crate) image_url: Option<String>,
    pub(crate) client_secret: Secret,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) scopes: String,
    pub(crate) consent_screen_enabled: bool,
    pub(crate) pkce_required: bool,
    /// One that can keep no secret: a native or single-page application.
    pub(crate) public: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl OauthApplication {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let base = &view.state.base_url;
        json!({
            "object": "oauth_application",
            "id": self.id,
            "instance_id": view.instance_id,
            "name": self.name,
            "client_id": self.client_id,
            "client_uri": null,
            "client_image_url": self.image_url,
            "dynamically_registered": false,
            "consent_screen_enabled": self.consent_screen_enabled,
            "pkce_required": self.pkce_required,
            "public": self.public,
            "scopes": self.scopes,
            "redirect_uris": self.redirect_uris,
            "callback_url": self.redirect_uris.first().map_or("", String::as_str),
            "authorize_url": format!("{base}/oauth/authorize"),
            "token_fetch_url": format!("{base}/oauth/token"),
            "user_info_url": format!("{base}/oauth/userinfo"),
            "discovery_url": format!("{base}/.well-known/openid-configuration"),
            "token_introspection_url": format!("{base}/oauth/token_info"),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }

    /// The one time the secret is shown: when it was drawn. A public application has none.
    pub(crate) fn object_with_secret(&self, view: View<'_>) -> Value {
        let mut object = self.object(view);
        if !self.public {
            object["client_secret"] = json!(self.client_secret.expose());
        }
        object
    }
}

impl Row for OauthApplication {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// What a form says about an application; what it leaves out stays, or has its default.
#[derive(Debug)]
pub(crate) struct OauthApplicationForm {
    name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    scopes: Option<String>,
    consent_screen_enabled: Option<bool>,
    pkce_required: Option<bool>,
    public: Option<bool>,
}

impl OauthApplicationForm {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let callback = form.string("callback_url")?.given();
        let read = Self {
            name: form.string("name")?.given(),
            redirect_uris: form.strings("redirect_uris")?.given().or(callback.map(|url| vec![url])),
            scopes: form.string("scopes")?.given(),
            consent_screen_enabled: form.boolean("consent_screen_enabled")?.given(),
            pkce_required: form.boolean("pkce_required")?.given(),
            public: form.boolean("public")?.given(),
        };
        form.finish()?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
            return Err(Refusal::wrong_value("name", "An empty text", "the name of the application"));
        }
        for (name, text) in [("name", &self.name), ("scopes", &self.scopes)] {
            if text.as_ref().is_some_and(|text| text.len() > TEXT_LIMIT) {
                let long = format!("{name} should not exceed {TEXT_LIMIT} characters.");
                return Err(Refusal::form("form_param_max_length_exceeded", "exceeds maximum length", long, name));
            }
        }
        let uris = self.redirect_uris.iter().flatten();
        match uris.into_iter().find(|uri| url::Url::parse(uri).is_err()) {
            Some(_) => Err(Refusal::wrong_format("redirect_uris", "a list of addresses with a scheme")),
            None => Ok(()),
        }
    }

    fn apply(self, application: &mut OauthApplication) -> Result<(), Refusal> {
        let Self { name, redirect_uris, scopes, consent_screen_enabled, pkce_required, public } = self;
        application.name = name.unwrap_or_else(|| application.name.clone());
        if let Some(uris) = redirect_uris {
            let mut seen = std::collections::HashSet::new();
            if !uris.iter().all(|uri| seen.insert(uri)) {
                let long = "the redirect URI already exists";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, "duplicate_record", "duplicate redirect URI", long));
            }
            application.redirect_uris = uris;
        }
        application.scopes = scopes.unwrap_or_else(|| application.scopes.clone());
        application.consent_screen_enabled = consent_screen_enabled.unwrap_or(application.consent_screen_enabled);
        application.public = public.unwrap_or(application.public);
        application.pkce_required = pkce_required.unwrap_or(application.pkce_required) || application.public;
        Ok(())
    }
}

impl Change<'_> {
    pub(crate) fn create_oauth_application(&mut self, form: OauthApplicationForm) -> Result<OauthApplication, Refusal> {
        if form.name.is_none() {
            return Err(Refusal::missing("name"));
        }
        let mut application = OauthApplication {
            id: self.state.ids.prefixed("oa_", self.now),
            name: String::new(),
            image_url: None,
            client_id: ids::hex(&self.state.ids.secret::<8>()),
            client_secret: self.draw_client_secret(),
            redirect_uris: Vec::new(),
            scopes: SCOPES.to_owned(),
            consent_screen_enabled: true,
            pkce_required: false,
            public: false,
            created_at: self.now,
            updated_at: self.now,
        };
        form.apply(&mut application)?;
        self.state.oauth_applications.put(application.clone());
        Ok(application)
    }

    pub(crate) fn update_oauth_application(
        &mut self,
        id: &str,
        form: OauthApplicationForm,
    ) -> Result<OauthApplication, Refusal> {
        self.alter_oauth_application(id, |application| form.apply(application))
    }

    pub(crate) fn rotate_oauth_secret(&mut self, id: &str) -> Result<OauthApplication, Refusal> {
        let drawn = self.draw_client_secret();
        self.alter_oauth_application(id, |application| {
            application.client_secret = drawn;
            Ok(())
        })
    }

    pub(crate) fn set_oauth_image(&mut self, id: &str, url: String) -> Result<OauthApplication, Refusal> {
        self.alter_oauth_application(id, |application| {
            application.image_url = Some(url);
            Ok(())
        })
    }

    /// Deletes the application and voids what users gave it.
    pub(crate) fn delete_oauth_application(&mut self, id: &str) -> Result<OauthApplication, Refusal> {
        let application = self.state.oauth_applications.remove(id);
        let application = application.ok_or_else(|| Refusal::not_found("OAuth application", id))?;
        self.state.oauth_tokens.remove_where(|token| token.client_id == application.client_id);
        Ok(application)
    }

    /// Revokes a token that a user gave the application.
    pub(crate) fn revoke_oauth_token(&mut self, application: &str, token: &str) -> Result<(), Refusal> {
        let found = self.state.oauth_applications.get(application);
        let client_id = &found.ok_or_else(|| Refusal::not_found("OAuth application", application))?.client_id;
        let of_it = |one: &crate::oauth_tokens::OauthToken| one.client_id == *client_id && one.token.matches(token);
        let mut token = self.state.oauth_tokens.find(of_it).cloned().ok_or_else(|| {
            let long = "No token of this OAuth application was found with that text.";
            Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "not found", long)
        })?;
        token.validity.revoke(None);
        token.updated_at = self.now;
        self.state.oauth_tokens.put(token);
        Ok(())
    }

    fn alter_oauth_application(
        &mut self,
        id: &str,
        alter: impl FnOnce(&mut OauthApplication) -> Result<(), Refusal>,
    ) -> Result<OauthApplication, Refusal> {
        let found = self.state.oauth_applications.get(id);
        let mut application = found.ok_or_else(|| Refusal::not_found("OAuth application", id))?.clone();
        alter(&mut application)?;
        application.updated_at = self.now;
        self.state.oauth_applications.put(application.clone());
        Ok(application)
    }

    fn draw_client_secret(&mut self) -> Secret {
        Secret::new(ids::hex(&self.state.ids.secret::<16>()))
    }
}
