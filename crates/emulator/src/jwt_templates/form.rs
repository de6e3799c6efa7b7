//! `POST` and `PATCH /v1/jwt_templates`: the same form, the same checks.

use http::StatusCode;
use serde_json::{Map, Value};

use super::{CustomSigning, JwtTemplate};
use crate::{
    change::Change,
    form::Form,
    refusal::Refusal,
    tokens::{SigningAlgorithm, check_signing},
};

const LIFETIME_DEFAULT: i64 = 60;
const LIFETIME_BOUNDS: std::ops::RangeInclusive<i64> = 30..=315_360_000;
const SKEW_DEFAULT: i64 = 5;
const SKEW_BOUNDS: std::ops::RangeInclusive<i64> = 0..=300;

/// Claims that come by themselves, or that belong to session tokens alone (Clerk: "JWT templates").
const RESERVED: [&str; 11] = ["azp", "exp", "fea", "iat", "iss", "jti", "nbf", "pla", "sid", "sub", "v"];

/// A template as somebody wants it.
#[derive(Debug)]
pub(crate) struct JwtTemplateForm {
    name: String,
    claims: Map<String, Value>,
    lifetime: i64,
    allowed_clock_skew: i64,
    signing: Option<CustomSigning>,
}

impl JwtTemplateForm {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let custom = form.boolean("custom_signing_key")?.given().unwrap_or(false);
        let algorithm = form.string("signing_algorithm")?.given();
        let key = form.string("signing_key")?.given();
        let template = Self {
            name: form.string("name")?.required("name")?,
            claims: form.object("claims")?.required("claims")?,
            lifetime: form.bounded("lifetime", LIFETIME_BOUNDS)?.given().unwrap_or(LIFETIME_DEFAULT),
            allowed_clock_skew: form.bounded("allowed_clock_skew", SKEW_BOUNDS)?.given().unwrap_or(SKEW_DEFAULT),
            signing: if custom { Some(signing(algorithm, key)?) } else { None },
        };
        form.finish()?;
        if template.name.is_empty() {
            return Err(Refusal::wrong_value("name", "An empty text", "the name of the template"));
        }
        match RESERVED.iter().find(|claim| template.claims.contains_key(**claim)) {
            None => Ok(template),
            Some(claim) => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "jwt_template_reserved_claim",
                "reserved claim used",
                format!("You can't use the reserved claim: '{claim}'"),
            )
            .with_meta(serde_json::json!({ "param_name": "claims" }))),
        }
    }
}

fn signing(algorithm: Option<String>, key: Option<String>) -> Result<CustomSigning, Refusal> {
    let algorithm = algorithm.ok_or_else(|| Refusal::missing("signing_algorithm"))?;
    let key = key.ok_or_else(|| Refusal::missing("signing_key"))?;
    let known = SigningAlgorithm::ALL.into_iter().find(|known| known.as_str() == algorithm);
    let algorithm = known.ok_or_else(|| {
        let expected = SigningAlgorithm::ALL.map(SigningAlgorithm::as_str).join(", ");
        Refusal::wrong_value("signing_algorithm", &algorithm, &expected)
    })?;
    let signing = CustomSigning { algorithm, key };
    check_signing(&signing)
        .map_err(|error| Refusal::wrong_value("signing_key", &error.to_string(), "an RSA private key in PEM form"))?;
    Ok(signing)
}

impl Change<'_> {
    pub(crate) fn create_jwt_template(&mut self, form: JwtTemplateForm) -> Result<JwtTemplate, Refusal> {
        self.check_template_name(&form.name, None)?;
        let template = JwtTemplate {
            id: self.state.ids.prefixed("jtmp_", self.now),
            name: form.name,
            claims: form.claims,
            lifetime: form.lifetime,
            allowed_clock_skew: form.allowed_clock_skew,
            signing: form.signing,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.jwt_templates.put(template.clone());
        Ok(template)
    }

    pub(crate) fn update_jwt_template(&mut self, id: &str, form: JwtTemplateForm) -> Result<JwtTemplate, Refusal> {
        let known = self.state.jwt_templates.get(id).ok_or_else(|| Refusal::not_found("JWT template", id))?;
        let template = JwtTemplate {
            id: known.id.clone(),
            name: form.name,
            claims: form.claims,
            lifetime: form.lifetime,
            allowed_clock_skew: form.allowed_clock_skew,
            signing: form.signing,
            created_at: known.created_at,
            updated_at: self.now,
        };
        self.check_template_name(&template.name, Some(id))?;
        self.state.jwt_templates.put(template.clone());
        Ok(template)
    }

    pub(crate) fn delete_jwt_template(&mut self, id: &str) -> Result<JwtTemplate, Refusal> {
        self.state.jwt_templates.remove(id).ok_or_else(|| Refusal::not_found("JWT template", id))
    }

    fn check_template_name(&self, name: &str, own: Option<&str>) -> Result<(), Refusal> {
        match self.state.jwt_templates.by_name(name) {
            Some(other) if Some(other.id.as_str()) != own => Err(Refusal::taken("name", "name")),
            _ => Ok(()),
        }
    }
}
