//! Values that have the right type and still cannot be right: most are a digit too many, or one end of a URL missing.

use std::fmt::Display;
use std::ops::RangeInclusive;

use url::Url;

use super::ConfigError;

/// A number within what makes sense.
pub(super) fn within<N: PartialOrd + Display>(
    setting: &'static str,
    value: N,
    range: RangeInclusive<N>,
) -> Result<N, ConfigError> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(ConfigError::invalid(setting, format!("found {value}; expected {} to {}", range.start(), range.end())))
}

/// An address that can be asked over HTTP. Credentials would end up in error messages, so there are none.
pub(super) fn web_address(setting: &'static str, url: Url) -> Result<Url, ConfigError> {
    let expected = "expected `https://…`, without user or password";
    if !matches!(url.scheme(), "https" | "http") {
        return Err(ConfigError::invalid(setting, format!("found scheme `{}`; {expected}", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::invalid(setting, format!("found a user or password in it; {expected}")));
    }
    Ok(url)
}

/// As [`web_address`], from text; none when it is empty.
pub(super) fn optional_web_address(setting: &'static str, text: &str) -> Result<Option<Url>, ConfigError> {
    if text.is_empty() {
        return Ok(None);
    }
    let url = text.parse().map_err(|error| {
        ConfigError::invalid(setting, format!("`{text}` is no address ({error}); expected `https://…`"))
    })?;
    web_address(setting, url).map(Some)
}

/// Origins as browsers write them. `azp` is compared letter by letter, so one slash at the end would let nobody in.
pub(super) fn origins(setting: &'static str, origins: &[String]) -> Result<(), ConfigError> {
    match origins.iter().find(|origin| !origin.contains("://") || origin.ends_with('/')) {
        None => Ok(()),
        Some(origin) => Err(ConfigError::invalid(
            setting,
            format!(
                "`{origin}` is no origin; expected scheme and host without a slash, such as `https://app.example.com`"
            ),
        )),
    }
}
