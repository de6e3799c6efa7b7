//! Cookies, read and written.
//!
//! Browsers keep the cookies of a host without its port, so two emulators behind apps on `localhost` share one jar. Every
//! cookie of ours therefore carries Clerk's suffix: eight characters out of a hash of the publishable key, which names
//! the port. The unsuffixed names beside it are what older SDKs read.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE};
use clerk::PublishableKey;
use http::{HeaderMap, header::COOKIE};

/// A year, for what a browser should remember about its client.
const YEAR_SECONDS: u64 = 365 * 86_400;

/// Clerk: the first eight characters of the URL-safe base64 of SHA-1 of the publishable key.
pub(crate) fn suffix(key: &PublishableKey) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, key.to_string().as_bytes());
    URL_SAFE.encode(hash.as_ref())[..8].to_owned()
}

/// The name of the cookie that is a client's credential.
pub(crate) fn client_cookie(suffix: &str) -> String {
    format!("__client_{suffix}")
}

/// Out of reach of the page's scripts, and not sent from other sites.
pub(crate) fn set_client(suffix: &str, value: &str) -> String {
    format!("{}={value}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax; HttpOnly", client_cookie(suffix))
}

pub(crate) fn forget_client(suffix: &str) -> String {
    format!("{}=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly", client_cookie(suffix))
}

/// A cookie that the page's scripts keep up to date, in both spellings; `None` removes it.
pub(crate) fn for_page(name: &str, suffix: &str, value: Option<&str>) -> [String; 2] {
    let spell = |name: &str| match value {
        Some(value) => format!("{name}={value}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax"),
        None => format!("{name}=; Path=/; Max-Age=0; SameSite=Lax"),
    };
    [spell(&format!("{name}_{suffix}")), spell(name)]
}

/// The value of the first cookie of that name.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use clerk::Environment;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_suffix_is_what_clerks_sdk_computes() {
        let key = PublishableKey::for_frontend_api(Environment::Development, "127.0.0.1:4310").unwrap();
        // @clerk/shared 4.41.0: getCookieSuffix(key)
        assert_eq!((key.to_string().as_str(), suffix(&key).as_str()), ("pk_test_MTI3LjAuMC4xOjQzMTAk", "hNCIBUPa"));
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; __client_abc=x.y=z"));
        headers.append(COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!(read(&headers, "__client_abc"), Some("x.y=z"));
        assert_eq!(read(&headers, "b"), Some("2"));
        assert_eq!(read(&headers, "__client"), None);
    }
}
