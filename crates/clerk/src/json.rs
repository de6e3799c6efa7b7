//! One level of a JSON object, its values still as written.
//!
//! Claims and events are read member by member, so that an error can name the member and everything else stays untouched
//! (numbers keep their digits, nested objects are not built to be thrown away). A repeated name is remembered: what grants
//! access refuses it, because two readers could disagree about which one counts; what is only recorded takes the last,
//! as JavaScript and `jsonb` do.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one object, by name.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    /// In the order of [`in_order`], each name once.
    by_name: Vec<(Cow<'a, str>, &'a RawValue)>,
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
        let place = self.by_name.binary_search_by(|(member, _)| in_order(member, name)).ok()?;
        Some(self.by_name[place].1)
    }

    /// The object's text with some members replaced, or left out. Members come in the order in which `jsonb` keeps them.
    pub(crate) fn with_replaced(&self, replaced: &[(&str, Option<String>)]) -> String {
        let length = |(name, value): &(Cow<'_, str>, &RawValue)| name.len() + value.get().len() + r#""":,"#.len();
        let mut text = String::with_capacity("{}".len() + self.by_name.iter().map(length).sum::<usize>());
        text.push('{');
        for (name, value) in &self.by_name {
            let replacement = replaced.iter().find(|(member, _)| *member == name.as_ref());
            let value = match replacement {
                Some((_, None)) => continue,
                Some((_, Some(replacement))) => replacement,
                None => value.get(),
            };
            if text.len() > 1 {
                text.push(',');
            }
            match name {
                Cow::Borrowed(as_written) => text.extend(["\"", as_written, "\""]),
                Cow::Owned(unescaped) => text.push_str(&serde_json::Value::from(unescaped.as_str()).to_string()),
            }
            text.push(':');
            text.push_str(value);
        }
        text.push('}');
        text
    }

    /// A name that stands there twice, the first in the order of [`in_order`].
    pub(crate) fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The order of names in `jsonb`: by their length, then by their bytes. Postgres builds a `jsonb` faster from text that is in
/// this order already, and we find a name faster, because most names differ in length.
fn in_order(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Enough for an envelope and for what is nested; large objects grow twice.
const MEMBERS: usize = 16;

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut by_name: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(MEMBERS);
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
            by_name.push((name, value));
        }
        // Stable: of those with one name, the last one stays the last.
        by_name.sort_by(|(one, _), (other, _)| in_order(one, other));
        let repeated = by_name.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| pair[0].0.to_string());
        if repeated.is_some() {
            by_name.dedup_by(|later, earlier| {
                let same = later.0 == earlier.0;
                if same {
                    earlier.1 = later.1;
                }
                same
            });
        }
        Ok(Members { by_name, repeated })
    }
}

/// Some members of one object, as written, without keeping the others; `null` counts as absent. None when it is no object.
pub(crate) fn pick<'a, const N: usize>(json: &'a str, names: [&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    let picked = serde_json::Deserializer::from_str(json).deserialize_map(Pick(names)).ok()?;
    Some(picked.map(|value| value.filter(|value| JsonKind::of(value) != JsonKind::Null)))
}

struct Pick<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> Visitor<'de> for Pick<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut picked = [None; N];
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            match self.0.iter().position(|wanted| *wanted == name) {
                Some(place) => picked[place] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(picked)
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
    #[error("found bytes that are not UTF-8, expected a JSON object")]
    Encoding {
        /// Where it stops being UTF-8.
        source: std::str::Utf8Error,
    },
    /// Text, but not JSON.
    #[error("found text that is not JSON, expected a JSON object")]
    Syntax {
        /// Where it stops being JSON.
        source: serde_json::Error,
    },
    /// JSON of another kind.
    #[error("found {found}, expected a JSON object")]
    Other {
        /// What it is instead.
        found: JsonKind,
    },
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::{JsonKind, Members};
    use crate::told::told;

    #[test]
    fn values_stay_as_written() {
        let members = Members::parse(r#" {"a": 1.50, "b": {"x" : [ ]}, "c": null} "#).unwrap();
        assert_eq!(members.get("a").unwrap().get(), "1.50");
        assert_eq!(members.get("b").unwrap().get(), r#"{"x" : [ ]}"#);
        assert!(members.get("c").is_none());
        assert_eq!(members.get_or_null("c").unwrap().get(), "null");
        assert!(members.get_or_null("d").is_none());
        assert_eq!(members.repeated(), None);
    }

    #[test]
    fn a_repeated_name_is_noticed_however_it_is_spelled() {
        let members = Members::parse(r#"{"sub": 1, "role": 0, "\u0073ub": 2, "role": 0}"#).unwrap();
        assert_eq!(members.repeated(), Some("sub"), "the shorter one");
        assert_eq!(members.get("sub").unwrap().get(), "2", "the last value counts, as in JavaScript");
    }

    #[test]
    fn each_kind_is_told_by_its_first_byte() {
        let kind =
            |json: &str| JsonKind::of(Members::parse(&format!(r#"{{"a":{json}}}"#)).unwrap().get_or_null("a").unwrap());
        let told: Vec<String> =
            ["{}", "[]", "\"\"", "-1", "0e0", "true", "false", "null"].map(|json| kind(json).to_string()).into();
        assert_eq!(
            told,
            ["an object", "an array", "a string", "a number", "a number", "a boolean", "a boolean", "null"]
        );
    }

    #[test]
    fn nesting_that_is_not_read_is_not_followed() {
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Members::parse(&deep).unwrap().get("a").is_some());
    }

    #[test]
    fn errors_say_what_is_there_instead() {
        let refused = |json: &[u8]| told(&Members::parse_bytes(json).unwrap_err());
        assert_snapshot!(refused(b"[1]"), @"found an array, expected a JSON object");
        assert_snapshot!(refused(b"\"{}\""), @"found a string, expected a JSON object");
        assert_snapshot!(refused(b""), @r"
        found text that is not JSON, expected a JSON object
        cause: EOF while parsing a value at line 1 column 0
        ");
        assert_snapshot!(refused(b"{\n\"a\":1,}"), @r"
        found text that is not JSON, expected a JSON object
        cause: trailing comma at line 2 column 7
        ");
        assert_snapshot!(refused(b"{}{}"), @r"
        found text that is not JSON, expected a JSON object
        cause: trailing characters at line 1 column 3
        ");
        assert_snapshot!(refused(b"{\"a\":\"\xff\"}"), @r"
        found bytes that are not UTF-8, expected a JSON object
        cause: invalid utf-8 sequence of 1 bytes from index 6
        ");
    }
}
