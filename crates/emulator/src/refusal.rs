//! What Clerk answers when it does not do what was asked.
//!
//! Every failure of the Backend API has one form: `{"errors":[{"message","long_message","code","meta"}],"clerk_trace_id"}`
//! and a status. A [`Refusal`] is that answer before it becomes bytes: the pure core decides it, the HTTP shell only
//! writes it down. Codes and wording classes follow Clerk's published index of Backend API errors
//! (<https://clerk.com/docs/guides/development/errors/backend-api>); the wording itself is ours.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

/// An answer of the Backend API that says no.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{status}: {}", self.summary())]
pub struct Refusal {
    status: StatusCode,
    errors: Vec<RefusalDetail>,
    /// In whole seconds, for the header of that name.
    retry_after: Option<u64>,
}

/// One entry of `errors`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusalDetail {
    message: Cow<'static, str>,
    long_message: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Value>,
}

impl Refusal {
    /// The HTTP status Clerk uses for this refusal.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The machine-readable code of the first error, e.g. `resource_not_found`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.errors.first().map_or("", |detail| detail.code)
    }

    /// When to ask again, in whole seconds; a rate limit says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// The entries of `errors`, in the order they are sent.
    #[must_use]
    pub fn errors(&self) -> &[RefusalDetail] {
        &self.errors
    }

    fn summary(&self) -> String {
        self.errors.iter().map(|detail| detail.long_message.as_str()).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        long_message: impl Into<String>,
    ) -> Self {
        let detail = RefusalDetail { message: message.into(), long_message: long_message.into(), code, meta: None };
        Self { status, errors: vec![detail], retry_after: None }
    }

    pub(crate) fn with_retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// A 422 about one member of the request body or one query parameter.
    pub(crate) fn form(
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
        long_message: impl Into<String>,
        parameter: &str,
    ) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message, long_message)
            .with_meta(json!({ "param_name": parameter }))
    }

    pub(crate) fn with_meta(mut self, meta: Value) -> Self {
        for detail in &mut self.errors {
            detail.meta = Some(meta.clone());
        }
        self
    }

    pub(crate) fn not_found(what: &str, id: &str) -> Self {
        let message = format!("No {what} was found with id {id}.");
        Self::new(StatusCode::NOT_FOUND, "resource_not_found", "not found", message)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::form("form_param_missing", "is missing", format!("{parameter} must be included."), parameter)
    }

    pub(crate) fn null(parameter: &str) -> Self {
        Self::form("form_param_nil", "is null", format!("{parameter} must not be null."), parameter)
    }

    pub(crate) fn wrong_type(parameter: &str, expected: &str) -> Self {
        Self::form("form_param_type_invalid", "is invalid", format!("`{parameter}` must be a `{expected}`."), parameter)
    }

    pub(crate) fn wrong_value(parameter: &str, found: &str, expected: &str) -> Self {
        Self::form(
            "form_param_value_invalid",
            "is invalid",
            format!("{found} is not a value that {parameter} can have. Expected {expected}."),
            parameter,
        )
    }

    pub(crate) fn wrong_format(parameter: &str, expected: &str) -> Self {
        Self::form("form_param_format_invalid", "is invalid", format!("{parameter} must be {expected}."), parameter)
    }

    pub(crate) fn taken(parameter: &str, what: &str) -> Self {
        Self::form(
            "form_identifier_exists",
            format!("That {what} is taken. Please try another."),
            format!("That {what} is taken. Please try another."),
            parameter,
        )
    }

    pub(crate) fn unknown_parameters<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let errors = names
            .map(|name| RefusalDetail {
                message: "is unknown".into(),
                long_message: format!("{name} is not a valid parameter for this request."),
                code: "form_param_unknown",
                meta: Some(json!({ "param_name": name })),
            })
            .collect();
        Self { status: StatusCode::UNPROCESSABLE_ENTITY, errors, retry_after: None }
    }

    /// Clerk knows this, the emulator does not: said aloud instead of pretending.
    pub(crate) fn not_emulated(what: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "not_emulated",
            "not emulated",
            format!("{what} is not emulated. Leave it out, or test this against a development instance of Clerk."),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_parameter_gets_one_entry_each() {
        let refusal = Refusal::unknown_parameters(["colour", "size"].into_iter());
        assert_eq!(refusal.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = serde_json::to_value(refusal.errors()).unwrap();
        assert_eq!(body[1]["code"], "form_param_unknown");
        assert_eq!(body[1]["meta"]["param_name"], "size");
    }

    #[test]
    fn the_display_carries_status_and_every_reason() {
        let refusal = Refusal::not_found("user", "user_x");
        assert_eq!(refusal.to_string(), "404 Not Found: No user was found with id user_x.");
    }
}
