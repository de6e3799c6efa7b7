//! Version numbers as programs and packages print them. Only the major number decides anything here.

use std::fmt;

/// A dotted version, `15.18` or `20.20.2`, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u32,
    text: String,
}

impl Version {
    /// The version in what a program answers to `--version`: the first word that starts with a digit, or with `v` and one.
    ///
    /// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is 15.18, `v20.20.2` is 20.20.2, `18rc1` is major 18.
    pub(crate) fn announced(text: &str) -> Option<Self> {
        text.split_whitespace().find_map(|word| Self::leading(word.strip_prefix('v').unwrap_or(word)))
    }

    /// The upstream version of a Debian package: `15+248+deb12u1` is 15, `1:18.20.4+dfsg-1` is 18.20.4.
    pub(crate) fn of_package(text: &str) -> Option<Self> {
        let upstream = text.split_once(':').map_or(text, |(_epoch, upstream)| upstream);
        Self::leading(upstream)
    }

    fn leading(text: &str) -> Option<Self> {
        let end = text.find(|symbol: char| !symbol.is_ascii_digit() && symbol != '.').unwrap_or(text.len());
        let text = text[..end].trim_end_matches('.');
        let major = text.split('.').next()?.parse().ok()?;
        Some(Self { major, text: text.to_owned() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    fn announced(text: &str) -> Option<(u32, String)> {
        Version::announced(text).map(|version| (version.major, version.to_string()))
    }

    #[test]
    fn programs_announce_their_version_in_many_ways() {
        assert_eq!(announced("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some((15, "15.18".to_owned())));
        assert_eq!(announced("postgres (PostgreSQL) 18rc1"), Some((18, "18".to_owned())));
        assert_eq!(announced("v20.20.2\n"), Some((20, "20.20.2".to_owned())));
    }

    #[test]
    fn text_without_a_number_has_no_version() {
        for text in ["", "node", "v", "vv20", "(none)", ".5"] {
            assert_eq!(announced(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_package_version_loses_epoch_and_revision() {
        let of = |text| Version::of_package(text).map(|version| version.to_string());
        assert_eq!(of("15+248+deb12u1").as_deref(), Some("15"));
        assert_eq!(of("1:18.20.4+dfsg-1~deb12u2").as_deref(), Some("18.20.4"));
        assert_eq!(of("(none)"), None);
    }
}
