//! The JOSE header of a Clerk token.
//!
//! It is read before the signature can be checked (it names the key), so it is the one part of a token that anybody may
//! have written. Reading is strict: wrong types and repeated members are errors. Unknown members are ignored, as Clerk's
//! documentation asks; the exception is `crit`, which exists to forbid exactly that (RFC 7515 §4.1.11) and is reported.

use serde_json::value::RawValue;

use crate::json::{JsonKind, Members, NotJsonObject};
use crate::quoted::quoted;

/// What a token says about itself in front of its claims.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenHeader {
    /// `alg`, for example `RS256`.
    pub algorithm: String,
    /// `kid`: with Clerk the instance id (`ins_…`).
    pub key_id: Option<String>,
    /// `typ`: `JWT`, or `at+jwt` on an OAuth access token.
    pub token_type: Option<String>,
    /// `cat`: Clerk's token category, see [`TokenClass`](crate::TokenClass).
    pub category: Option<String>,
    /// Whether a `crit` member is there, whatever it holds.
    pub critical: bool,
}

impl TokenHeader {
    /// Reads the decoded header.
    pub fn from_json(json: &[u8]) -> Result<Self, TokenHeaderError> {
        let members = Members::parse_bytes(json)?;
        if let Some(name) = members.repeated() {
            return Err(TokenHeaderError::Repeated { member: quoted(name) });
        }
        let text = |member: &'static str| members.get_or_null(member).map(|value| string(member, value)).transpose();
        Ok(Self {
            algorithm: text("alg")?.ok_or(TokenHeaderError::NoAlgorithm)?,
            key_id: text("kid")?,
            token_type: text("typ")?,
            category: text("cat")?,
            critical: members.get_or_null("crit").is_some(),
        })
    }
}

fn string(member: &'static str, value: &RawValue) -> Result<String, TokenHeaderError> {
    serde_json::from_str(value.get()).map_err(|_| TokenHeaderError::NotAString { member, found: JsonKind::of(value) })
}

/// Why a token header cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TokenHeaderError {
    /// Not a JSON object.
    #[error("token header is unreadable")]
    NotJson(#[from] NotJsonObject),
    /// A member that stands there twice: two readers could take different ones.
    #[error("token header names {member} twice; no Clerk token does")]
    Repeated {
        /// Its name, quoted.
        member: String,
    },
    /// `alg` is missing.
    #[error("token header has no `alg`, expected the signature algorithm, such as `RS256`")]
    NoAlgorithm,
    /// A member of another type.
    #[error("token header member `{member}` is {found}, expected readable text")]
    NotAString {
        /// Its name.
        member: &'static str,
        /// What it is.
        found: JsonKind,
    },
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::TokenHeader;
    use crate::told::told;

    #[test]
    fn a_session_tokens_header() {
        let json = br#"{"alg":"RS256","cat":"cl_B7d4PD111AAA","kid":"ins_2b","oiat":1700000000,"typ":"JWT"}"#;
        let header = TokenHeader::from_json(json).unwrap();
        assert_eq!(
            header,
            TokenHeader {
                algorithm: "RS256".into(),
                key_id: Some("ins_2b".into()),
                token_type: Some("JWT".into()),
                category: Some("cl_B7d4PD111AAA".into()),
                critical: false,
            }
        );
    }

    #[test]
    fn only_the_algorithm_must_be_there() {
        let header = TokenHeader::from_json(br#"{"alg":"none"}"#).unwrap();
        assert_eq!(header, TokenHeader { algorithm: "none".into(), ..TokenHeader::default() });
    }

    #[test]
    fn critical_is_reported_whatever_it_holds() {
        for crit in ["[]", "null", "[\"b64\"]", "false"] {
            let json = format!(r#"{{"alg":"RS256","crit":{crit}}}"#);
            assert!(TokenHeader::from_json(json.as_bytes()).unwrap().critical, "{crit}");
        }
    }

    #[test]
    fn errors_name_the_member() {
        let refused = |json: &str| told(&TokenHeader::from_json(json.as_bytes()).unwrap_err());
        assert_snapshot!(refused("{}"), @"token header has no `alg`, expected the signature algorithm, such as `RS256`");
        assert_snapshot!(refused(r#"{"alg":["RS256"]}"#), @"token header member `alg` is an array, expected readable text");
        assert_snapshot!(refused(r#"{"alg":"RS256","kid":null}"#), @"token header member `kid` is null, expected readable text");
        assert_snapshot!(refused(r#"{"alg":"RS256","cat":7}"#), @"token header member `cat` is a number, expected readable text");
        assert_snapshot!(refused(r#"{"alg":"RS256","typ":"\ud800"}"#), @"token header member `typ` is a string, expected readable text");
        assert_snapshot!(refused(r#"{"alg":"RS256","alg":"none"}"#), @r#"token header names "alg" twice; no Clerk token does"#);
        assert_snapshot!(refused("7"), @r"
        token header is unreadable
        cause: found a number, expected a JSON object
        ");
    }
}
