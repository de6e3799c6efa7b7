//! How a v2 token packs permissions.
//!
//! Three claims belong together: `fea` names the features, `o.per` the actions, and `o.fpm` holds one decimal number per
//! organization feature whose bit *j*, counted from the least significant, says that the role has action *j* of that
//! feature:
//!
//! ```text
//! fea = "o:dashboard,o:teams"   per = "manage,read"   fpm = "3,2"
//!        └ mask 3 = 0b11: manage and read   └ mask 2 = 0b10: read
//! ```
//!
//! The reading follows `@clerk/shared` 4.41 (`jwtPayloadParser.ts`, `authorization.ts`) to the letter, also where Clerk's
//! documentation is vague: masks are counted along the features of *organization* scope (`o`, `ou`, `uo`), not along all
//! of `fea`; a mask may be larger than any machine integer; a mask that is no number grants nothing and keeps its place;
//! surplus masks, bits and features grant nothing.

use std::collections::{BTreeMap, BTreeSet};

use num_bigint::BigUint;

use super::Permission;
use crate::quoted::quoted;

/// Unpacks the claims `fea`, `o.per` and `o.fpm`. An empty text stands for an absent claim.
///
/// Work grows with the square of the digits of a mask; the caller bounds the size of a token (8 KB).
pub fn unpack(features: &str, permissions: &str, masks: &str) -> Result<Vec<Permission>, PermissionError> {
    let features = organization_features(features)?;
    if permissions.is_empty() || masks.is_empty() {
        return Ok(Vec::new());
    }
    let actions: Vec<&str> = permissions.split(',').map(str::trim).collect();
    let mut unpacked = Vec::new();
    for (feature, mask) in features.into_iter().zip(masks.split(',')) {
        let Some(mask) = parse_mask(mask.trim()) else { continue };
        for (bit, action) in (0..mask.bits()).zip(&actions) {
            if mask.bit(bit) {
                unpacked.push(Permission { feature: feature.into(), action: (*action).into() });
            }
        }
    }
    Ok(unpacked)
}

/// The names in `fea` that carry organization scope, in order.
fn organization_features(features: &str) -> Result<Vec<&str>, PermissionError> {
    let mut names = Vec::new();
    for (scope, name) in scoped_names(features)? {
        if matches!(scope, "o" | "ou" | "uo") {
            names.push(name);
        }
    }
    Ok(names)
}

/// Splits `fea` or `pla` into scope and name: `o:a,u:b`. The name may itself contain `:`.
pub(crate) fn scoped_names(list: &str) -> Result<Vec<(&str, &str)>, PermissionError> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    list.split(',')
        .map(|element| {
            let element = element.trim();
            element.split_once(':').ok_or_else(|| PermissionError::NoScope { found: quoted(element) })
        })
        .collect()
}

/// Decimal digits and nothing else, of any length.
fn parse_mask(digits: &str) -> Option<BigUint> {
    let is_decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_decimal.then(|| BigUint::parse_bytes(digits.as_bytes(), 10)).flatten()
}

/// The three packed claims, as a minter writes them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PackedPermissions {
    /// For `fea`: `o:a,o:b`, the features the role has something in.
    pub features: String,
    /// For `o.per`: the actions the role has, of all features together.
    pub permissions: String,
    /// For `o.fpm`: one decimal mask per feature.
    pub masks: String,
}

/// Packs the permissions of one role as Clerk's servers do: features and actions sorted, only those that the role has
/// (seen in the tokens of Clerk's own tests, `clerk/javascript`, `protect-jwt-v2.test.ts`).
pub fn pack<'a>(permissions: impl IntoIterator<Item = &'a Permission>) -> PackedPermissions {
    let mut by_feature: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for permission in permissions {
        by_feature.entry(permission.feature()).or_default().insert(permission.action());
    }
    let actions: BTreeSet<&str> = by_feature.values().flatten().copied().collect();

    let mask = |granted: &BTreeSet<&str>| {
        let mut mask = BigUint::ZERO;
        for (bit, action) in (0u64..).zip(&actions) {
            mask.set_bit(bit, granted.contains(action));
        }
        mask.to_string()
    };
    PackedPermissions {
        features: join(by_feature.keys().map(|feature| format!("o:{feature}"))),
        permissions: join(actions.iter().copied()),
        masks: join(by_feature.values().map(mask)),
    }
}

fn join(items: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut list = String::new();
    for item in items {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(item.as_ref());
    }
    list
}

/// Why packed permissions cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// An element without a scope. Clerk's own reader refuses the token as well.
    #[error("found {found} without a scope, expected elements such as `o:invoices` or `u:beta`")]
    NoScope {
        /// The element, quoted.
        found: String,
    },
}
