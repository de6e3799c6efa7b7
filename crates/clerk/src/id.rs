//! Clerk's ids as types.
//!
//! An id is a kind prefix and an opaque rest (`user_2b9…`). Each kind has its own type, so a user id cannot be passed
//! where an organization id is meant, and text from outside becomes an id only through [`UserId::parse`] and its
//! siblings. The rest is 1 to 128 of `A–Z a–z 0–9 _ -`: Clerk writes 27 base62 characters, imports and fixtures write
//! words. What is *not* checked: that Clerk ever issued the id.

use crate::quoted::quoted;

/// Longest rest behind the prefix.
const LONGEST_REST: usize = 128;

/// Prefixes and what they announce, to say "that is an organization id" instead of only "that is not a user id".
const KINDS: [(&str, &str); 6] = [
    ("user_", "user id"),
    ("org_", "organization id"),
    ("orgmem_", "organization membership id"),
    ("sess_", "session id"),
    ("ins_", "instance id"),
    ("mch_", "machine id"),
];

/// Text that should have been an id of one kind and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {} {kind}: found {found}, expected {expected}", article(kind))]
pub struct InvalidId {
    kind: &'static str,
    found: String,
    expected: String,
}

impl InvalidId {
    pub(crate) fn new(kind: &'static str, found: &str, expected: impl Into<String>) -> Self {
        let looks_like = KINDS.iter().find(|(prefix, other)| *other != kind && found.starts_with(prefix));
        let found = match looks_like {
            Some((_, other)) => format!("the {other} {}", quoted(found)),
            None => quoted(found),
        };
        Self { kind, found, expected: expected.into() }
    }

    /// Which kind of id was wanted, for example `user id`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['i', 'o']) { "an" } else { "a" }
}

fn check(kind: &'static str, prefix: &str, text: &str) -> Result<(), InvalidId> {
    let well_formed = text.strip_prefix(prefix).is_some_and(|rest| {
        (1..=LONGEST_REST).contains(&rest.len())
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    });
    if well_formed {
        return Ok(());
    }
    let expected = format!("`{prefix}` and 1 to {LONGEST_REST} letters, digits, `_` or `-`");
    Err(InvalidId::new(kind, text, expected))
}

/// The surface every id type shares; `$name::parse` is written beside it because the rules differ.
macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The id as Clerk writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}
pub(crate) use text_newtype;

macro_rules! clerk_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Reads an id of this kind, and of no other.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check($kind, $prefix, text)?;
                Ok(Self(text.into()))
            }
        }

        text_newtype!($name);
    };
}

clerk_id!(
    /// A person's account: `user_…`, the `sub` of a session token.
    UserId, "user id", "user_"
);
clerk_id!(
    /// An organization: `org_…`.
    OrganizationId, "organization id", "org_"
);
clerk_id!(
    /// One membership of one user in one organization: `orgmem_…`. A member who is removed and added again gets a new one.
    MembershipId, "organization membership id", "orgmem_"
);
clerk_id!(
    /// A signed-in session: `sess_…`, the `sid` of a session token.
    SessionId, "session id", "sess_"
);
clerk_id!(
    /// A Clerk instance: `ins_…`; also the `kid` of its tokens.
    InstanceId, "instance id", "ins_"
);
clerk_id!(
    /// A machine: `mch_…`, the `sub` of a machine-to-machine token.
    MachineId, "machine id", "mch_"
);

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::DeliveryId;

    #[test]
    fn each_kind_reads_its_own() {
        assert_eq!(UserId::parse("user_2b9Xq-_0").unwrap().as_str(), "user_2b9Xq-_0");
        assert_eq!(OrganizationId::parse("org_1").unwrap().to_string(), "org_1");
        assert_eq!(MembershipId::parse("orgmem_1").unwrap().as_ref(), "orgmem_1");
        assert_eq!(String::from(SessionId::parse("sess_1").unwrap()), "sess_1");
        assert_eq!("ins_1".parse::<InstanceId>().unwrap(), InstanceId::parse("ins_1").unwrap());
        assert_eq!(format!("{:?}", MachineId::parse("mch_1").unwrap()), "mch_1");
    }

    #[test]
    fn no_kind_reads_another() {
        for (prefix, kind) in KINDS {
            let text = format!("{prefix}1");
            let read = [
                UserId::parse(&text).is_ok(),
                OrganizationId::parse(&text).is_ok(),
                MembershipId::parse(&text).is_ok(),
                SessionId::parse(&text).is_ok(),
                InstanceId::parse(&text).is_ok(),
                MachineId::parse(&text).is_ok(),
            ];
            assert_eq!(read.iter().filter(|read| **read).count(), 1, "{kind}");
        }
    }

    #[test]
    fn the_rest_has_bounds_and_an_alphabet() {
        let longest = format!("user_{}", "a".repeat(LONGEST_REST));
        assert!(UserId::parse(&longest).is_ok());
        assert!(UserId::parse(&format!("{longest}a")).is_err());
        for text in [
            "", "user", "user_", "USER_1", " user_1", "user_1 ", "user_1\n", "user_ä", "user_'--", "user_a.b",
            "user_a/b",
        ] {
            assert!(UserId::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn json_is_checked_on_the_way_in() {
        let id: UserId = serde_json::from_str(r#""user_1""#).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""user_1""#);
        let error = serde_json::from_str::<UserId>(r#""sess_1""#).unwrap_err();
        assert_snapshot!(error, @r#"not a user id: found the session id "sess_1", expected `user_` and 1 to 128 letters, digits, `_` or `-`"#);
    }

    #[test]
    fn errors_say_what_the_text_is_instead() {
        let error = OrganizationId::parse("user_2b9").unwrap_err();
        assert_eq!(error.kind(), "organization id");
        assert_snapshot!(error, @r#"not an organization id: found the user id "user_2b9", expected `org_` and 1 to 128 letters, digits, `_` or `-`"#);
        assert_snapshot!(UserId::parse("user_ada@").unwrap_err(), @r#"not a user id: found "user_ada@", expected `user_` and 1 to 128 letters, digits, `_` or `-`"#);
        assert_snapshot!(UserId::parse("").unwrap_err(), @r#"not a user id: found "", expected `user_` and 1 to 128 letters, digits, `_` or `-`"#);
        assert_snapshot!(DeliveryId::parse("msg_1.2").unwrap_err(), @r#"not a delivery id: found "msg_1.2", expected 1 to 256 visible ASCII characters without `.`"#);
    }

    #[test]
    fn a_delivery_id_is_any_visible_name_without_a_dot() {
        for text in ["msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1", "a:b/c", &"x".repeat(256)] {
            assert_eq!(DeliveryId::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "a.b", "a b", "a\n", "ä", &"x".repeat(257)] {
            assert!(DeliveryId::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_back(text in "(user_|org_)?[A-Za-z0-9_.-]{0,140}") {
            if let Ok(id) = UserId::parse(&text) {
                prop_assert_eq!(id.as_str(), &text);
                prop_assert!(text.starts_with(UserId::PREFIX));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = (UserId::parse(&text), DeliveryId::parse(&text));
        }
    }
}
