//! Whom to believe, and where a browser may be sent.
//!
//! An emulator signs anybody in as anybody, so other people's web pages must not reach it through a developer's browser.
//! Three rules, all of which fail closed: it answers under the name of this machine only (a name that an attacker rebound
//! to the loopback address is not one), it tells other origins what it answered only when they are of this machine, and it
//! sends a browser with a session in its address only to this machine or to the app whose proxy knows the secret key.

use url::{Host, Url};

/// Whether an address or origin is one of this machine.
pub(crate) fn local(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// Whether the text is an origin of this machine.
pub(crate) fn local_origin(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| local(&url))
}

/// Whether a `Host` header names this machine, or an address instead of a name.
pub(crate) fn own_host(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
    local(&url) || matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
}

/// The address as one where a browser may be sent: of this machine, or of the app at `app`.
pub(crate) fn destination(text: &str, app: Option<&str>) -> Option<Url> {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => Url::parse(app?).ok()?.join(text).ok()?,
        Err(_) => return None,
    };
    let same_app = app.and_then(|app| Url::parse(app).ok()).is_some_and(|app| app.origin() == url.origin());
    (local(&url) || (same_app && matches!(url.scheme(), "http" | "https"))).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_these_names_only() {
        for own in ["http://localhost:3000", "https://app.localhost", "http://127.0.0.2", "http://[::1]:3000"] {
            assert!(local_origin(own), "{own}");
        }
        for other in ["http://localhost.evil.example", "https://evil.example", "null", "file:///", "http://10.0.0.1"] {
            assert!(!local_origin(other), "{other}");
        }
    }

    #[test]
    fn a_rebound_name_is_not_our_host() {
        assert!(own_host("127.0.0.1:4455") && own_host("localhost") && own_host("192.168.1.7:4455"));
        assert!(!own_host("evil.example:4455") && !own_host("") && !own_host("a b"));
    }

    #[test]
    fn a_browser_goes_home_and_nowhere_else() {
        let app = Some("https://tunnel.example/__clerk");
        assert!(destination("http://localhost:3000/x", None).is_some());
        assert!(destination("https://tunnel.example/x?y=1", app).is_some());
        assert_eq!(destination("/x", app).unwrap().as_str(), "https://tunnel.example/x");
        for bad in ["https://evil.example/", "https://tunnel.example:8443/", "//evil.example", "javascript:alert(1)"] {
            assert!(destination(bad, app).is_none(), "{bad}");
        }
        assert!(destination("https://tunnel.example/", None).is_none());
        assert!(destination("/x", None).is_none());
    }
}
