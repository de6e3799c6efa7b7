//! Clerk's API versions: dated, chosen per request.
//!
//! A request names its version in the header `Clerk-API-Version` or the parameter `__clerk_api_version`; both at once,
//! or a version that does not exist, is an invalid request (Clerk: "Versioning overview"). What differs between
//! versions here: session tokens are v2 since 2025-04-10, and metadata left the plain update operations with 2026-05-12.

use http::StatusCode;

use crate::{refusal::Refusal, tokens::SessionTokenVersion};

pub(crate) const HEADER: &str = "clerk-api-version";
pub(crate) const PARAMETER: &str = "__clerk_api_version";

/// A published version of the Backend API; ordered by date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApiVersion(&'static str);

const PUBLISHED: [ApiVersion; 6] = [
    ApiVersion("2021-02-05"),
    ApiVersion("2024-10-01"),
    ApiVersion("2025-03-12"),
    ApiVersion("2025-04-10"),
    ApiVersion("2025-11-10"),
    ApiVersion("2026-05-12"),
];

impl ApiVersion {
    /// What a request without a version gets.
    pub(crate) const LATEST: Self = PUBLISHED[PUBLISHED.len() - 1];
    const SESSION_TOKEN_V2: Self = PUBLISHED[3];
    const METADATA_APART: Self = PUBLISHED[5];

    pub(crate) fn choose(header: Option<&str>, parameter: Option<&str>) -> Result<Self, Refusal> {
        let chosen = match (header, parameter) {
            (None, None) => return Ok(Self::LATEST),
            (Some(version), None) | (None, Some(version)) => version,
            (Some(_), Some(_)) => {
                return Err(Refusal::new(
                    StatusCode::BAD_REQUEST,
                    "api_version_invalid",
                    "API version given twice",
                    format!(
                        "Name the API version in the header {HEADER} or in the parameter {PARAMETER}, not in both."
                    ),
                ));
            }
        };
        PUBLISHED.into_iter().find(|version| version.0 == chosen).ok_or_else(|| {
            let published: Vec<&str> = PUBLISHED.iter().map(|version| version.0).collect();
            Refusal::new(
                StatusCode::BAD_REQUEST,
                "api_version_invalid",
                "API version invalid",
                format!("There is no API version {chosen:?}. Published: {}.", published.join(", ")),
            )
        })
    }

    /// What a page asks for. `clerk-js` names the newest version of its day, which people neither choose nor know, so a
    /// date later than the latest one here means the latest one.
    pub(crate) fn of_page(parameter: Option<&str>) -> Result<Self, Refusal> {
        let date = |text: &&str| text.parse::<jiff::civil::Date>().is_ok();
        match parameter.filter(date) {
            Some(later) if later > Self::LATEST.0 => Ok(Self::LATEST),
            _ => Self::choose(None, parameter),
        }
    }

    pub(crate) fn session_token_version(self) -> SessionTokenVersion {
        if self >= Self::SESSION_TOKEN_V2 { SessionTokenVersion::V2 } else { SessionTokenVersion::V1 }
    }

    /// Whether `PATCH /users/{id}` and `PATCH /organizations/{id}` still take metadata.
    pub(crate) fn updates_take_metadata(self) -> bool {
        self < Self::METADATA_APART
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_chooses_and_two_are_refused() {
        assert_eq!(ApiVersion::choose(None, None).unwrap(), ApiVersion::LATEST);
        assert_eq!(ApiVersion::choose(Some("2024-10-01"), None).unwrap().0, "2024-10-01");
        assert_eq!(ApiVersion::choose(None, Some("2025-04-10")).unwrap().0, "2025-04-10");
        assert_eq!(ApiVersion::choose(Some("2024-10-01"), Some("2024-10-01")).unwrap_err().status(), 400);
        assert_eq!(ApiVersion::choose(Some("2024-10-02"), None).unwrap_err().code(), "api_version_invalid");
    }

    #[test]
    fn a_page_may_be_newer_than_the_emulator() {
        assert_eq!(ApiVersion::of_page(Some("2099-01-31")).unwrap(), ApiVersion::LATEST);
        assert_eq!(ApiVersion::of_page(Some("2024-10-01")).unwrap().0, "2024-10-01");
        assert_eq!(ApiVersion::of_page(None).unwrap(), ApiVersion::LATEST);
        for bad in ["2024-10-02", "2099-13-01", "latest"] {
            assert_eq!(ApiVersion::of_page(Some(bad)).unwrap_err().code(), "api_version_invalid", "{bad}");
        }
    }

    #[test]
    fn token_shape_follows_the_version() {
        let version = |text| ApiVersion::choose(Some(text), None).unwrap();
        assert_eq!(version("2025-03-12").session_token_version(), SessionTokenVersion::V1);
        assert_eq!(version("2025-04-10").session_token_version(), SessionTokenVersion::V2);
        assert!(version("2025-11-10").updates_take_metadata());
        assert!(!ApiVersion::LATEST.updates_take_metadata());
    }
}
