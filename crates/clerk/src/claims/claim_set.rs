//! Claims by name, read with the type that Clerk gives them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ClaimsError;
use crate::json::{JsonKind, Members};
use crate::quoted::quoted;
use crate::{InvalidId, Timestamp};

/// Last second of the year 9999. An `exp` beyond it is a mistake or an attempt at a token that never expires.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// One object of claims: the payload, or a claim that is itself an object (`o`, `act`).
#[derive(Debug, Default)]
pub(super) struct ClaimSet<'a> {
    members: Members<'a>,
    /// `o.` inside the claim `o`, for messages.
    path: &'static str,
}

impl<'a> ClaimSet<'a> {
    /// Reads a payload; a repeated claim is refused.
    pub(super) fn parse(payload: &'a [u8]) -> Result<Self, ClaimsError> {
        Self::without_repetition(Members::parse_bytes(payload)?, "")
    }

    fn without_repetition(members: Members<'a>, path: &'static str) -> Result<Self, ClaimsError> {
        match members.repeated() {
            Some(name) => Err(ClaimsError::Repeated { claim: quoted(&format!("{path}{name}")) }),
            None => Ok(Self { members, path }),
        }
    }

    /// The value, unless it is absent, `null`, or a shortcode that Clerk did not resolve.
    fn value(&self, claim: &str) -> Option<&'a RawValue> {
        self.members.get(claim).filter(|value| !unquoted(value).is_some_and(is_shortcode))
    }

    /// Whether the claim says anything.
    pub(super) fn has(&self, claim: &str) -> bool {
        self.value(claim).is_some()
    }

    /// A number, as written.
    pub(super) fn number(&self, claim: &str, expected: &'static str) -> Result<Option<&'a str>, ClaimsError> {
        match self.value(claim) {
            None => Ok(None),
            Some(value) if JsonKind::of(value) == JsonKind::Number => Ok(Some(value.get())),
            Some(value) => Err(self.unexpected(claim, JsonKind::of(value), expected)),
        }
    }

    fn read<T: Deserialize<'a>>(&self, claim: &str, expected: &'static str) -> Result<Option<T>, ClaimsError> {
        let Some(value) = self.value(claim) else { return Ok(None) };
        match serde_json::from_str(value.get()) {
            Ok(read) => Ok(Some(read)),
            Err(_) => Err(self.unexpected(claim, JsonKind::of(value), expected)),
        }
    }

    /// A text claim.
    pub(super) fn text(&self, claim: &str) -> Result<Option<String>, ClaimsError> {
        self.read(claim, "readable text")
    }

    /// A text claim that must be there and say something.
    pub(super) fn required_text(&self, claim: &str) -> Result<String, ClaimsError> {
        let text = self.text(claim)?.ok_or_else(|| self.missing(claim, "text"))?;
        if text.is_empty() { Err(self.unexpected(claim, "empty", "text")) } else { Ok(text) }
    }

    /// A claim that holds an id.
    pub(super) fn id<T>(
        &self,
        claim: &str,
        parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Result<Option<T>, ClaimsError> {
        let Some(text) = self.text(claim)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|source| ClaimsError::Id { claim: self.name(claim), source })
    }

    /// A claim that is one text or a list of texts (RFC 7519 §4.1.3).
    pub(super) fn one_or_many(&self, claim: &str) -> Result<Vec<String>, ClaimsError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(String),
            Many(Vec<String>),
        }
        Ok(match self.read(claim, "text or a list of texts")? {
            None => Vec::new(),
            Some(OneOrMany::One(text)) => vec![text],
            Some(OneOrMany::Many(texts)) => texts.into_iter().filter(|text| !is_shortcode(text)).collect(),
        })
    }

    /// A claim that is a list of texts.
    pub(super) fn list(&self, claim: &str) -> Result<Vec<String>, ClaimsError> {
        Ok(self.read(claim, "a list of texts")?.unwrap_or_default())
    }

    /// A pair of whole numbers.
    pub(super) fn pair(&self, claim: &str, expected: &'static str) -> Result<Option<[i64; 2]>, ClaimsError> {
        self.read(claim, expected)
    }

    /// Seconds since 1970, also fractional (RFC 7519 §2, NumericDate), within the years 1970 to 9999.
    pub(super) fn moment(&self, claim: &str) -> Result<Option<Timestamp>, ClaimsError> {
        const EXPECTED: &str = "seconds between the years 1970 and 9999";
        let Some(seconds) = self.read::<f64>(claim, EXPECTED)? else { return Ok(None) };
        if !(0.0..=LAST_SECOND).contains(&seconds) {
            return Err(self.unexpected(claim, format!("{seconds:e}"), EXPECTED));
        }
        // In range, the product is far below 2^53: whole seconds stay exact, and the cast only drops the fraction.
        Ok(Some(Timestamp::from_millis((seconds * 1000.0) as i64)))
    }

    /// A claim that is itself an object; `path` is its name and a dot.
    pub(super) fn object(&self, claim: &str, path: &'static str) -> Result<Option<Self>, ClaimsError> {
        let Some(value) = self.value(claim) else { return Ok(None) };
        let members =
            Members::parse(value.get()).map_err(|_| self.unexpected(claim, JsonKind::of(value), "an object"))?;
        Self::without_repetition(members, path).map(Some)
    }

    /// The error that says the claim is not there.
    pub(super) fn missing(&self, claim: &str, expected: &'static str) -> ClaimsError {
        ClaimsError::Missing { claim: self.name(claim), expected }
    }

    /// The error that says the claim is something else.
    pub(super) fn unexpected(&self, claim: &str, found: impl ToString, expected: &'static str) -> ClaimsError {
        ClaimsError::Unexpected { claim: self.name(claim), found: found.to_string(), expected }
    }

    fn name(&self, claim: &str) -> String {
        format!("{}{claim}", self.path)
    }
}

/// A JWT template or custom session claim can name a shortcode that does not exist; Clerk then leaves the shortcode itself.
fn is_shortcode(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}")
}

/// What stands between the quotes of a JSON string, escapes left alone.
fn unquoted(value: &RawValue) -> Option<&str> {
    value.get().strip_prefix('"')?.strip_suffix('"')
}
