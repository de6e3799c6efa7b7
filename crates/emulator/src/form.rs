//! Reads a request body the way Clerk does: strictly.
//!
//! Clerk refuses a member it does not know (`form_param_unknown`), a member of the wrong JSON type
//! (`form_param_type_invalid`) and a required one that is missing (`form_param_missing`), each with the member's name in
//! `meta.param_name`. A typo that the real API refuses must not pass here, so a [`Form`] gives each member away once and
//! [`Form::finish`] refuses what nobody asked for.

use clerk::Timestamp;
use serde_json::{Map, Value};

use crate::{listing::one_of, refusal::Refusal};

/// The members of a request body that have not been read yet.
#[derive(Debug)]
pub(crate) struct Form(Map<String, Value>);

/// A member that may be left out, sent as `null`, or given; `PATCH` keeps, clears or sets accordingly.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field<T> {
    Absent,
    Null,
    Given(T),
}

impl<T> Field<T> {
    /// The value, when there is one; `null` counts as absent.
    pub(crate) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    pub(crate) fn required(self, name: &str) -> Result<T, Refusal> {
        match self {
            Self::Given(value) => Ok(value),
            Self::Absent => Err(Refusal::missing(name)),
            Self::Null => Err(Refusal::null(name)),
        }
    }

    /// Writes the field over what is there: absent keeps, `null` clears.
    pub(crate) fn patch(self, target: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *target = None,
            Self::Given(value) => *target = Some(value),
        }
    }

    /// Writes a field that cannot be cleared.
    pub(crate) fn set(self, target: &mut T) {
        if let Self::Given(value) = self {
            *target = value;
        }
    }
}

impl Form {
    /// A form that was read elsewhere.
    pub(crate) fn of(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// An empty body is an empty form: the SDK sends none when it has nothing to say.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) | Err(_) => Err(Refusal::new(
                http::StatusCode::BAD_REQUEST,
                "request_body_invalid",
                "Request body invalid",
                "The request body must be one JSON object.",
            )),
        }
    }

    /// The forms of a bulk operation: an array of objects.
    pub(crate) fn parse_many(body: &[u8], most: usize) -> Result<Vec<Self>, Refusal> {
        let Ok(Value::Array(items)) = serde_json::from_slice(body) else {
            return Err(Refusal::new(
                http::StatusCode::BAD_REQUEST,
                "request_body_invalid",
                "Request body invalid",
                "The request body must be one JSON array of objects.",
            ));
        };
        if items.is_empty() || items.len() > most {
            let message = format!("The request holds {} items. Expected 1 to {most}.", items.len());
            return Err(Refusal::form("form_param_value_invalid", "is invalid", message, "body"));
        }
        let object = |item| match item {
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Refusal::wrong_type("body", "array of objects")),
        };
        items.into_iter().map(object).collect()
    }

    pub(crate) fn string(&mut self, name: &str) -> Result<Field<String>, Refusal> {
        self.take(name, "string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    pub(crate) fn boolean(&mut self, name: &str) -> Result<Field<bool>, Refusal> {
        self.take(name, "boolean", |value| value.as_bool())
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Field<i64>, Refusal> {
        self.take(name, "integer", |value| value.as_i64())
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Field<f64>, Refusal> {
        self.take(name, "number", |value| value.as_f64())
    }

    /// An integer within bounds, as the specification states them.
    pub(crate) fn bounded(&mut self, name: &str, bounds: std::ops::RangeInclusive<i64>) -> Result<Field<i64>, Refusal> {
        let field = self.integer(name)?;
        if let Field::Given(value) = &field
            && !bounds.contains(value)
        {
            let expected = format!("{} to {}", bounds.start(), bounds.end());
            return Err(Refusal::wrong_value(name, &value.to_string(), &expected));
        }
        Ok(field)
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Field<Map<String, Value>>, Refusal> {
        self.take(name, "object", |value| match value {
            Value::Object(members) => Some(members),
            _ => None,
        })
    }

    pub(crate) fn strings(&mut self, name: &str) -> Result<Field<Vec<String>>, Refusal> {
        self.take(name, "array of strings", |value| match value {
            Value::Array(items) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Some(text),
                    _ => None,
                })
                .collect(),
            _ => None,
        })
    }

    /// A date and time as RFC 3339 text, the form in which Clerk takes custom creation dates.
    pub(crate) fn time(&mut self, name: &str) -> Result<Field<Timestamp>, Refusal> {
        Ok(match self.string(name)? {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Given(text) => {
                let time: jiff::Timestamp = text.parse().map_err(|_| {
                    let expected = "a datetime in RFC 3339 format, e.g. `2022-10-20T10:00:27.645Z`";
                    Refusal::form(
                        "form_param_invalid_time",
                        "invalid format",
                        format!("{name} must be {expected}."),
                        name,
                    )
                })?;
                Field::Given(Timestamp::from_millis(time.as_millisecond()))
            }
        })
    }

    /// One of a fixed set of words.
    pub(crate) fn word(&mut self, name: &str, words: &[&'static str]) -> Result<Field<&'static str>, Refusal> {
        Ok(match self.string(name)? {
            Field::Absent => Field::Absent,
            Field::Null => Field::Null,
            Field::Given(text) => match words.iter().find(|word| **word == text) {
                Some(word) => Field::Given(word),
                None => return Err(Refusal::wrong_value(name, &text, &one_of(words))),
            },
        })
    }

    pub(crate) fn any(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Members that Clerk accepts and that change nothing an observer of the emulator could see.
    pub(crate) fn ignore(&mut self, names: &[&str]) {
        for name in names {
            self.0.remove(*name);
        }
    }

    /// Members that Clerk acts on and the emulator cannot: refused instead of silently dropped.
    pub(crate) fn not_emulated(&self, names: &[&str]) -> Result<(), Refusal> {
        match names.iter().find(|name| self.0.get(**name).is_some_and(|value| !value.is_null())) {
            None => Ok(()),
            Some(name) => Err(Refusal::not_emulated(format_args!("The parameter {name}"))),
        }
    }

    /// Refuses every member that has not been read.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Refusal::unknown_parameters(self.0.keys().map(String::as_str)))
    }

    fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Field<T>, Refusal> {
        match self.0.remove(name) {
            None => Ok(Field::Absent),
            Some(Value::Null) => Ok(Field::Null),
            Some(value) => read(value).map(Field::Given).ok_or_else(|| Refusal::wrong_type(name, expected)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Form {
        Form::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn absent_null_and_given_stay_apart() {
        let mut form = form(r#"{"first_name":null,"last_name":"Lovelace"}"#);
        assert_eq!(form.string("username").unwrap(), Field::Absent);
        assert_eq!(form.string("first_name").unwrap(), Field::Null);
        assert_eq!(form.string("last_name").unwrap(), Field::Given("Lovelace".to_owned()));
        form.finish().unwrap();
    }

    #[test]
    fn the_refusal_names_the_member() {
        let refusal = form(r#"{"first_name":7}"#).string("first_name").unwrap_err();
        assert_eq!(refusal.code(), "form_param_type_invalid");
        assert!(refusal.to_string().contains("first_name"), "{refusal}");
        let refusal = form(r#"{"firstname":"Ada"}"#).finish().unwrap_err();
        assert_eq!(refusal.code(), "form_param_unknown");
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for body in ["[]", "7", "{", "\"x\""] {
            assert_eq!(Form::parse(body.as_bytes()).unwrap_err().code(), "request_body_invalid", "{body}");
        }
        Form::parse(b"").unwrap().finish().unwrap();
    }

    #[test]
    fn times_are_rfc_3339() {
        let mut form = form(r#"{"created_at":"2012-10-20T07:15:20.902Z","legal_accepted_at":"yesterday"}"#);
        assert_eq!(form.time("created_at").unwrap(), Field::Given(Timestamp::from_millis(1_350_717_320_902)));
        assert_eq!(form.time("legal_accepted_at").unwrap_err().code(), "form_param_invalid_time");
    }
}
