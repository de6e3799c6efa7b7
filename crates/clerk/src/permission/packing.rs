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
    if permissions.is_empty() {
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    use super::*;

    fn unpacked(features: &str, permissions: &str, masks: &str) -> Vec<String> {
        unpack(features, permissions, masks).unwrap().iter().map(Permission::to_string).collect()
    }

    fn permissions(texts: &[&str]) -> Vec<Permission> {
        texts.iter().map(|text| Permission::parse(text).unwrap()).collect()
    }

    /// `fea`, `o.per`, `o.fpm` of tokens that Clerk's servers issued (`clerk/javascript`,
    /// `integration/tests/protect-jwt-v2.test.ts`) and of the example in its documentation ("Session tokens").
    const MINTED_BY_CLERK: [(&str, &str, &str, &[&str]); 4] = [
        (
            "o:dashboard,o:teams",
            "manage,read",
            "3,2",
            &["org:dashboard:manage", "org:dashboard:read", "org:teams:read"],
        ),
        (
            "o:billing,o:impersonation,o:magic_links,o:posts",
            "create,delete,manage,read",
            "12,12,9,14",
            &[
                "org:billing:manage",
                "org:billing:read",
                "org:impersonation:manage",
                "org:impersonation:read",
                "org:magic_links:create",
                "org:magic_links:read",
                "org:posts:delete",
                "org:posts:manage",
                "org:posts:read",
            ],
        ),
        ("o:magic_links", "read", "1", &["org:magic_links:read"]),
        ("o:impersonation,o:magic_links", "create,read", "2,1", &["org:impersonation:read", "org:magic_links:create"]),
    ];

    #[test]
    fn tokens_of_clerk_unpack_to_their_permissions() {
        for (features, actions, masks, expected) in MINTED_BY_CLERK {
            assert_eq!(unpacked(features, actions, masks), expected, "{features}");
        }
    }

    #[test]
    fn permissions_pack_to_what_clerk_mints() {
        for (features, actions, masks, granted) in MINTED_BY_CLERK {
            let packed = pack(permissions(granted).iter().rev());
            assert_eq!(
                packed,
                PackedPermissions { features: features.into(), permissions: actions.into(), masks: masks.into() }
            );
        }
    }

    /// As `@clerk/shared` 4.41.0 reads them.
    #[test]
    fn odd_lists_grant_what_clerk_grants() {
        let cases: [(&str, &str, &str, &[&str]); 10] = [
            // Masks are counted along organization features; `u:` has none.
            (
                "u:solo,uo:both,ou:both2,o:teams",
                "manage,read",
                "1,2,3",
                &["org:both:manage", "org:both2:read", "org:teams:manage", "org:teams:read"],
            ),
            // A mask that is no number keeps its place.
            ("o:a,o:b", "r", "x,1", &["org:b:r"]),
            ("o:a,o:b", "r", "-1,1", &["org:b:r"]),
            ("o:a,o:b", "r", "+1,", &[]),
            // Surplus bits, masks and features grant nothing.
            ("o:a", "r", "7", &["org:a:r"]),
            ("o:a", "r", "1,1", &["org:a:r"]),
            ("o:a,o:b", "r", "1", &["org:a:r"]),
            // White space around elements, leading zeros, a colon in a name.
            ("o:a , o:b", "r , w", " 1 , 2 ", &["org:a:r", "org:b:w"]),
            ("o:a", "r", "0001", &["org:a:r"]),
            ("o:a:b", "r", "1", &["org:a:b:r"]),
        ];
        for (features, actions, masks, expected) in cases {
            assert_eq!(unpacked(features, actions, masks), expected, "{features} {actions} {masks}");
        }
    }

    #[test]
    fn absent_claims_grant_nothing() {
        for (features, actions, masks) in [("", "", ""), ("", "r", "1"), ("o:a", "", "1"), ("o:a", "r", "")] {
            assert!(unpacked(features, actions, masks).is_empty());
        }
        assert_eq!(pack(&[]), PackedPermissions::default());
    }

    #[test]
    fn masks_are_larger_than_machine_integers() {
        let actions: Vec<String> = (0..=200).map(|number| format!("a{number}")).collect();
        let two_to_the_200 = "1606938044258990275541962092341162602522202993782792835301376";
        assert_eq!(unpacked("o:f", &actions.join(","), two_to_the_200), ["org:f:a200"]);

        let all_of_130 = "1361129467683753853853498429727072845823";
        assert_eq!(unpacked("o:f", &actions.join(","), all_of_130).len(), 130);
        // As a double, 2^53 + 1 would lose its last bit.
        assert_eq!(unpacked("o:f", &actions.join(","), "9007199254740993"), ["org:f:a0", "org:f:a53"]);
    }

    #[test]
    fn a_feature_without_scope_is_refused_as_clerk_refuses_it() {
        assert_snapshot!(unpack("o:a,teams", "", "").unwrap_err(), @r#"found "teams" without a scope, expected elements such as `o:invoices` or `u:beta`"#);
        assert!(unpack(",", "r", "1").is_err());
    }

    proptest! {
        /// Up to 200 actions, so that masks pass 64 and 128 bits.
        #[test]
        fn what_is_packed_is_unpacked(granted in btree_set((0u8..12, 0u8..200), 0..300)) {
            let granted: BTreeSet<Permission> = granted
                .into_iter()
                .map(|(feature, action)| Permission::new(&format!("f{feature}"), &format!("a{action}")).unwrap())
                .collect();
            let packed = pack(&granted);
            let unpacked = unpack(&packed.features, &packed.permissions, &packed.masks).unwrap();
            prop_assert_eq!(unpacked, granted.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_mask_grants_exactly_its_bits(bits in proptest::collection::vec(any::<bool>(), 1..200)) {
            let mut mask = BigUint::ZERO;
            for (place, bit) in (0u64..).zip(&bits) {
                mask.set_bit(place, *bit);
            }
            let actions: Vec<String> = (0..bits.len()).map(|number| number.to_string()).collect();
            let expected: Vec<String> =
                actions.iter().zip(&bits).filter(|(_, bit)| **bit).map(|(action, _)| format!("org:f:{action}")).collect();
            prop_assert_eq!(unpacked("o:f", &actions.join(","), &mask.to_string()), expected);
        }
    }
}
