//! Typed views of the objects inside events and Backend API answers.
//!
//! A view reads what the mirror filters on and leaves the rest in the raw text. It is lenient because Clerk is: many of
//! the examples in Clerk's own specification do not satisfy that specification. A member that is missing, `null` or of
//! another type is `None`; only the ids that say what the object *is* must be there.
//!
//! Every view is cleaned by [`jsonb_text`](crate::jsonb_text) first, so no text in it holds a zero byte and metadata can be stored as it is.
//! Times are Unix milliseconds, as Clerk sends them in objects. `private_metadata` is not read on purpose.

mod deleted;
mod fields;
mod membership;
mod organization;
mod user;

pub use deleted::Deleted;
pub use membership::Membership;
pub use organization::Organization;
pub use user::User;

use crate::InvalidId;
use crate::json::NotJsonObject;

/// Why an object has no typed view.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Not a JSON object.
    #[error("{object} is unreadable")]
    NotJson {
        /// Which object was wanted.
        object: &'static str,
        /// What is there instead.
        source: NotJsonObject,
    },
    /// The member that says which one it is does not exist.
    #[error("{object} has no `{member}`, expected {expected}; without it nobody can say which one it is")]
    Missing {
        /// Which object was wanted.
        object: &'static str,
        /// The member, as a path.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The member that says which one it is says something else.
    #[error("{object} has an unusable `{member}`")]
    Id {
        /// Which object was wanted.
        object: &'static str,
        /// The member, as a path.
        member: &'static str,
        /// What is wrong with it.
        source: InvalidId,
    },
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::{Deleted, Membership, Organization, User};
    use crate::Timestamp;
    use crate::told::told;

    #[test]
    fn a_user_with_two_addresses_has_the_one_that_is_pointed_to() {
        let user = User::from_json(
            r#"{"id":"user_1","object":"user","username":"ada","first_name":"Ada","last_name":"Lovelace",
                "image_url":"https://img.example.com/1","external_id":"42","banned":false,"locked":true,
                "primary_email_address_id":"idn_2","primary_phone_number_id":"idn_3",
                "email_addresses":[
                    {"id":"idn_1","email_address":"old@example.com","verification":{"status":"verified"}},
                    {"id":"idn_2","email_address":"ada@example.com","verification":{"status":"verified"}}],
                "phone_numbers":[{"id":"idn_3","phone_number":"+15555550100","verification":{"status":"unverified"}}],
                "public_metadata":{"plan": 1.50},"unsafe_metadata":{},"private_metadata":{"never":"read"},
                "created_at":1654012591514,"updated_at":1654012591835.0,"last_sign_in_at":1654012591836,"last_active_at":null}"#,
        )
        .unwrap();
        assert_eq!(user.id.as_str(), "user_1");
        assert_eq!(user.primary_email_address.as_deref(), Some("ada@example.com"));
        assert!(user.primary_email_address_verified);
        assert_eq!(user.primary_phone_number.as_deref(), Some("+15555550100"));
        assert!(!user.primary_phone_number_verified);
        assert_eq!(user.username.as_deref(), Some("ada"));
        assert_eq!((user.first_name.as_deref(), user.last_name.as_deref()), (Some("Ada"), Some("Lovelace")));
        assert_eq!(user.image_url.as_deref(), Some("https://img.example.com/1"));
        assert_eq!(user.external_id.as_deref(), Some("42"));
        assert_eq!((user.banned, user.locked), (Some(false), Some(true)));
        assert_eq!(user.created_at, Some(Timestamp::from_millis(1_654_012_591_514)));
        assert_eq!(user.updated_at, Some(Timestamp::from_millis(1_654_012_591_835)));
        assert_eq!(user.last_sign_in_at, Some(Timestamp::from_millis(1_654_012_591_836)));
        assert_eq!(user.last_active_at, None);
        assert_eq!(user.public_metadata.as_ref().unwrap().get(), r#"{"plan": 1.50}"#);
        assert!(!format!("{user:?}").contains("never"), "private metadata stays outside");
    }

    #[test]
    fn without_a_pointer_no_address_is_primary() {
        let addresses = r#""email_addresses":[{"id":"idn_1","email_address":"a@example.com"}]"#;
        for pointer in ["", r#""primary_email_address_id":null,"#, r#""primary_email_address_id":"idn_9","#] {
            let user = User::from_json(&format!(r#"{{"id":"user_1",{pointer}{addresses}}}"#)).unwrap();
            assert_eq!((user.primary_email_address, user.primary_email_address_verified), (None, false), "{pointer}");
        }
    }

    #[test]
    fn nothing_is_verified_where_no_address_is() {
        let user = User::from_json(
            r#"{"id":"user_1","primary_email_address_id":"idn_1",
                "email_addresses":[{"id":"idn_1","email_address":null,"verification":{"status":"verified"}}]}"#,
        )
        .unwrap();
        assert_eq!((user.primary_email_address, user.primary_email_address_verified), (None, false));
    }

    #[test]
    fn an_odd_member_is_none_and_no_error() {
        let user = User::from_json(
            r#"{"id":"user_1","first_name":7,"banned":"yes","updated_at":"yesterday","email_addresses":{"0":{}},
                "primary_email_address_id":"idn_1","phone_numbers":[null,7,{"id":"idn_2"}],"primary_phone_number_id":"idn_2"}"#,
        )
        .unwrap();
        assert_eq!((user.first_name, user.banned, user.updated_at), (None, None, None));
        assert_eq!((user.primary_email_address, user.primary_phone_number), (None, None));
    }

    #[test]
    fn no_view_holds_what_postgres_refuses() {
        let user = User::from_json(
            r#"{"id":"user_1","first_name":"A\u0000da","last_name":"\ud83d","public_metadata":{"k":"\u0000"}}"#,
        )
        .unwrap();
        assert_eq!(user.first_name.as_deref(), Some("A\u{fffd}da"));
        assert_eq!(user.last_name.as_deref(), Some("\u{fffd}"));
        assert_eq!(user.public_metadata.unwrap().get(), r#"{"k":"\ufffd"}"#);
        let organization = Organization::from_json(r#"{"id":"org_1","name":"\u0000"}"#).unwrap();
        assert_eq!(organization.name.as_deref(), Some("\u{fffd}"));
        let membership = r#"{"id":"orgmem_1","organization":{"id":"org_1"},"public_user_data":{"user_id":"user_1"},"role_name":"\u0000"}"#;
        assert_eq!(Membership::from_json(membership).unwrap().role_name.as_deref(), Some("\u{fffd}"));
        assert_eq!(Deleted::from_json(r#"{"id":"a","slug":"\ud800"}"#).unwrap().slug.as_deref(), Some("\u{fffd}"));
    }

    #[test]
    fn an_organization() {
        let organization = Organization::from_json(
            r#"{"id":"org_1","name":"Acme","slug":"acme","image_url":"i","created_by":"user_1","members_count":3,
                "max_allowed_memberships":0,"public_metadata":{},"created_at":1,"updated_at":2}"#,
        )
        .unwrap();
        assert_eq!(organization.id.as_str(), "org_1");
        assert_eq!((organization.name.as_deref(), organization.slug.as_deref()), (Some("Acme"), Some("acme")));
        assert_eq!(
            (organization.image_url.as_deref(), organization.created_by.as_deref()),
            (Some("i"), Some("user_1"))
        );
        assert_eq!((organization.members_count, organization.max_allowed_memberships), (Some(3), Some(0)));
        assert_eq!(organization.public_metadata.unwrap().get(), "{}");
        assert_eq!(organization.created_at, Some(Timestamp::from_millis(1)), "milliseconds as sent, never guessed");
        assert_eq!(organization.updated_at, Some(Timestamp::from_millis(2)));
    }

    #[test]
    fn a_membership_finds_its_two_ends() {
        let membership = Membership::from_json(
            r#"{"id":"orgmem_1","organization":{"id":"org_1"},"public_user_data":{"user_id":"user_1"},"role":"org:admin",
                "role_name":"Admin","permissions":["org:sys_memberships:manage",7,"org:a:read"],"updated_at":5}"#,
        )
        .unwrap();
        assert_eq!(
            (membership.id.as_str(), membership.organization_id.as_str(), membership.user_id.as_str()),
            ("orgmem_1", "org_1", "user_1")
        );
        assert_eq!((membership.role.as_deref(), membership.role_name.as_deref()), (Some("org:admin"), Some("Admin")));
        assert_eq!(membership.permissions, ["org:sys_memberships:manage", "org:a:read"]);
        assert_eq!((membership.created_at, membership.updated_at), (None, Some(Timestamp::from_millis(5))));
    }

    #[test]
    fn a_deletion_notice_is_little_more_than_an_id() {
        let deleted = Deleted::from_json(r#"{"object":"user","id":"user_1","slug":null,"deleted":true}"#).unwrap();
        let expected = Deleted { id: "user_1".into(), object: Some("user".into()), slug: None, external_id: None };
        assert_eq!(deleted, expected);
    }

    #[test]
    fn errors_name_the_object_and_the_member() {
        assert_snapshot!(told(&User::from_json("{}").unwrap_err()), @"user has no `id`, expected a user id (`user_…`); without it nobody can say which one it is");
        assert_snapshot!(told(&User::from_json(r#"{"id":"org_1"}"#).unwrap_err()), @r#"
        user has an unusable `id`
        cause: not a user id: found the organization id "org_1", expected `user_` and 1 to 128 letters, digits, `_` or `-`
        "#);
        assert_snapshot!(told(&Organization::from_json("7").unwrap_err()), @r"
        organization is unreadable
        cause: found a number, expected a JSON object
        ");
        let without_user = r#"{"id":"orgmem_1","organization":{"id":"org_1"},"public_user_data":null}"#;
        assert_snapshot!(told(&Membership::from_json(without_user).unwrap_err()), @"organization membership has no `public_user_data.user_id`, expected a user id (`user_…`); without it nobody can say which one it is");
        assert_snapshot!(told(&Deleted::from_json(r#"{"object":"user","deleted":true}"#).unwrap_err()), @"deleted object has no `id`, expected the id of what was deleted; without it nobody can say which one it is");
        assert!(Deleted::from_json(r#"{"id":""}"#).is_err());
    }
}
