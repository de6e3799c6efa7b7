//! One level of a JSON object, its values still as written.
//!
//! Claims and events are read member by member, so that an error can name the member and everything else stays untouched
//! (numbers keep their digits, nested objects are not built to be thrown away). A repeated name is remembered: what grants
//! access refuses it, because two readers could disagree about which one counts; what is only recorded takes the last,
//! as JavaScript and `jsonb` do.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one object, by name.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    by_name: BTreeMap<Cow<'a, str>, &'a RawValue>,
    repeated: Option<String>,
}

impl<'a> Members<'a> {
    /// Reads `json`, which must be one object and nothing else.
    pub(crate) fn parse(json: &'a str) -> Result<Self, NotJsonObject> {
        serde_json::from_str(json).map_err(|source| match serde_json::from_str::<&RawValue>(json).map(JsonKind::of) {
            Ok(found) if found != JsonKind::Object => NotJsonObject::Other { found },
            _ => NotJsonObject::Syntax { source },
        })
    }

    /// As [`Members::parse`], from bytes.
    pub(crate) fn parse_bytes(json: &'a [u8]) -> Result<Self, NotJsonObject> {
        let json = str::from_utf8(json).map_err(|source| NotJsonObject::Encoding { source })?;
        Self::parse(json)
    }

    /// The member's value as written; `null` counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.get_or_null(name).filter(|value| JsonKind::of(value) != JsonKind::Null)
    }

    /// The member's value as written, also `null`.
    pub(crate) fn get_or_null(&self, name: &str) -> Option<&'a RawValue> {
        self.by_name.get(name).copied()
    }

    /// A name that stands there twice.
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            if let Some(_earlier) = members.by_name.insert(name.clone(), value) {
                members.repeated = Some(name.into_owned());
            }
        }
        Ok(members)
    }
}

/// A member name, borrowed unless it contains escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The six kinds of JSON value, for messages that must not show the value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum JsonKind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// `1`, `-0.5e3`
    Number,
    /// `true`, `false`
    Boolean,
    /// `null`
    Null,
}

impl JsonKind {
    /// The first byte decides; a [`RawValue`] is known to be well-formed and without space around it.
    pub(crate) fn of(value: &RawValue) -> Self {
        match value.get().as_bytes().first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') => Self::Null,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for JsonKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        })
    }
}

/// Why bytes are not one JSON object.
#[derive(Debug, thiserror::Error)]
pub enum NotJsonObject {
    /// Not even text.
    #[error("found bytes that are not UTF-8 (first at offset {}), expected a JSON object", source.valid_up_to())]
    Encoding {
        /// Where it stops being UTF-8.
        source: std::str::Utf8Error,
    },
    /// Text, but not JSON.
    #[error("found no JSON (it breaks at line {}, column {}), expected a JSON object", source.line(), source.column())]
    Syntax {
        /// What the JSON reader says.
        source: serde_json::Error,
    },
    /// JSON of another kind.
    #[error("found {found}, expected a JSON object")]
    Other {
        /// What it is instead.
        found: JsonKind,
    },
}
