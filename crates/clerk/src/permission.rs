//! What a role may do: `org:<feature>:<action>`.
//!
//! In API objects and v1 tokens permissions stand one by one; a v2 token packs them (see [`unpack`]). Clerk's system
//! permissions (`org:sys_…`) are never in a token but do stand in memberships, so the permissions of a token are a
//! subset of what the mirror knows.

mod packing;

use std::fmt;

use serde::{Serialize, Serializer};

pub(crate) use packing::scoped_names;
pub use packing::{PackedPermissions, PermissionError, pack, unpack};

use crate::quoted::quoted;

/// One permission of an organization role. Ordered by feature, then action, as Clerk sorts them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    feature: Box<str>,
    action: Box<str>,
}

impl Permission {
    /// Puts one together. Neither part may be empty or contain `:`, `,`, white space or control characters: the first
    /// two separate permissions in a token.
    pub fn new(feature: &str, action: &str) -> Result<Self, InvalidPermission> {
        if is_part(feature) && is_part(action) {
            return Ok(Self { feature: feature.into(), action: action.into() });
        }
        Err(InvalidPermission { found: quoted(&format!("org:{feature}:{action}")) })
    }

    /// Reads `org:feature:action`.
    pub fn parse(text: &str) -> Result<Self, InvalidPermission> {
        text.strip_prefix("org:")
            .and_then(|rest| rest.split_once(':'))
            .and_then(|(feature, action)| Self::new(feature, action).ok())
            .ok_or_else(|| InvalidPermission { found: quoted(text) })
    }

    /// The feature that the action belongs to, for example `invoices`.
    pub fn feature(&self) -> &str {
        &self.feature
    }

    /// What may be done, for example `read`.
    pub fn action(&self) -> &str {
        &self.action
    }
}

fn is_part(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c == ':' || c == ',' || c.is_whitespace() || c.is_control())
}

impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "org:{}:{}", self.feature, self.action)
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl std::str::FromStr for Permission {
    type Err = InvalidPermission;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Text that should have been a permission and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a permission: found {found}, expected `org:<feature>:<action>` without spaces or commas")]
pub struct InvalidPermission {
    found: String,
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::Permission;

    #[test]
    fn it_reads_what_it_writes() {
        let permission: Permission = "org:sys_memberships:manage".parse().unwrap();
        assert_eq!((permission.feature(), permission.action()), ("sys_memberships", "manage"));
        assert_eq!(permission.to_string(), "org:sys_memberships:manage");
        assert_eq!(serde_json::to_string(&permission).unwrap(), r#""org:sys_memberships:manage""#);
        assert_eq!(format!("{permission:?}"), "org:sys_memberships:manage");
    }

    #[test]
    fn it_sorts_by_feature_then_action() {
        let [a, b, c] = ["org:a-z:read", "org:a:manage", "org:a:read"].map(|text| Permission::parse(text).unwrap());
        let mut sorted = [a.clone(), c.clone(), b.clone()];
        sorted.sort();
        assert_eq!(sorted, [b, c, a]);
    }

    #[test]
    fn parts_cannot_hold_what_separates_them() {
        for text in [
            "",
            "org",
            "org:",
            "org:a",
            "org:a:",
            "org::b",
            "user:a:b",
            "org:a:b:c",
            "org:a,b:c",
            "org:a:b c",
            "org:a:b\u{0}",
        ] {
            assert!(Permission::parse(text).is_err(), "{text:?}");
        }
        assert!(Permission::new("a:b", "c").is_err());
        assert_snapshot!(Permission::parse("invoices:read").unwrap_err(), @r#"not a permission: found "invoices:read", expected `org:<feature>:<action>` without spaces or commas"#);
    }
}
