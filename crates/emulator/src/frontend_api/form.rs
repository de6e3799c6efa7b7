//! Bodies of the Frontend API: forms, as a page sends them.
//!
//! Everything arrives as text, an empty text stands for nothing, and objects are JSON inside it. Members nobody asks for
//! are ignored: `clerk-js` sends captcha answers, locales and flags of its own, and more with each release.

use serde_json::{Map, Value};

use crate::{metadata::Metadata, refusal::Refusal};

/// The members of a form.
#[derive(Debug, Default)]
pub(crate) struct FrontendForm(Vec<(String, String)>);

impl FrontendForm {
    /// Reads a form, or the JSON object that some clients send instead.
    pub(crate) fn parse(content_type: &str, body: &[u8]) -> Result<Self, Refusal> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            _ if body.is_empty() => Ok(Self::default()),
            "" | "application/x-www-form-urlencoded" | "text/plain" => {
                Ok(Self(url::form_urlencoded::parse(body).into_owned().collect()))
            }
            "application/json" => {
                let members: Map<String, Value> = serde_json::from_slice(body).map_err(|_| unreadable())?;
                Ok(Self(members.into_iter().filter_map(|(name, value)| Some((name, text_of(value)?))).collect()))
            }
            other => Err(Refusal::not_emulated(format_args!("A body of type {other}"))),
        }
    }

    /// A member, which may be empty.
    pub(crate) fn any(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A member with something in it.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.any(name).filter(|text| !text.is_empty())
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.any(name).map(str::to_owned)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::missing(name))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.text(name), Some("true" | "1"))
    }

    /// Every value of a member that may be repeated.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Metadata>, Refusal> {
        let Some(text) = self.text(name) else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|_| Refusal::wrong_type(name, "object"))
    }
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn unreadable() -> Refusal {
    let message = "The request body must be a form or one JSON object.";
    Refusal::new(http::StatusCode::BAD_REQUEST, "request_body_invalid", "Request body invalid", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_an_object_read_alike() {
        let form = FrontendForm::parse(
            "application/x-www-form-urlencoded",
            b"identifier=ada%2Bclerk_test%40example.com&transfer=true&unsafe_metadata=%7B%22a%22%3A1%7D&empty=",
        )
        .unwrap();
        let json =
            br#"{"identifier":"ada+clerk_test@example.com","transfer":true,"unsafe_metadata":{"a":1},"empty":""}"#;
        for form in [form, FrontendForm::parse("application/json; charset=utf-8", json).unwrap()] {
            assert_eq!(form.text("identifier"), Some("ada+clerk_test@example.com"));
            assert!(form.flag("transfer"));
            assert_eq!(form.object("unsafe_metadata").unwrap().unwrap()["a"], 1);
            assert_eq!((form.any("empty"), form.text("empty")), (Some(""), None));
            assert_eq!(form.required("code").unwrap_err().code(), "form_param_missing");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(FrontendForm::parse("application/json", b"[]").unwrap_err().code(), "request_body_invalid");
        assert_eq!(FrontendForm::parse("multipart/form-data; boundary=x", b"--x").unwrap_err().code(), "not_emulated");
        let form = FrontendForm::parse("", b"unsafe_metadata=x").unwrap();
        assert_eq!(form.object("unsafe_metadata").unwrap_err().code(), "form_param_type_invalid");
    }
}
