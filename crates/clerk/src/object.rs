//! Objects inside events and Backend API answers, read member by member.
//!
//! A reader takes what it needs and leaves the rest in the raw text. It is lenient because Clerk is: many of the examples
//! in Clerk's own specification do not satisfy that specification. A member that is missing, `null` or of another type is
//! `None`; only the ids that say what the object *is* must be there.
//!
//! The text is to be cleaned by [`jsonb_text`](crate::jsonb_text) first; then no text that is read holds a zero byte, and
//! nested JSON can be stored as it is. Times are Unix milliseconds, as Clerk sends them in objects.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{JsonKind, Members, NotJsonObject, pick};
use crate::{InvalidId, Timestamp};

/// One object of Clerk, as it was sent.
#[derive(Debug)]
pub struct Object<'a> {
    name: &'static str,
    members: Members<'a>,
}

/// A user's primary address or number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identification {
    /// The address or number itself.
    pub text: String,
    /// Whether Clerk has verified it.
    pub verified: bool,
}

/// Why an object cannot be read.
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

impl<'a> Object<'a> {
    /// Reads one object. `name` stands for it in messages.
    ///
    /// # Errors
    /// [`ObjectError::NotJson`] when the text is anything else.
    pub fn parse(name: &'static str, json: &'a str) -> Result<Self, ObjectError> {
        let members = Members::parse(json).map_err(|source| ObjectError::NotJson { object: name, source })?;
        Ok(Self { name, members })
    }

    /// A member as written; `null` counts as absent. A path such as `payer.user_id` leads into nested objects.
    pub fn raw(&self, path: &str) -> Option<&'a RawValue> {
        match path.split_once('.') {
            None => self.members.get(path),
            Some((member, rest)) => self.object(member)?.raw(rest),
        }
    }

    /// A member of the wanted type.
    pub fn get<T: Deserialize<'a>>(&self, path: &str) -> Option<T> {
        serde_json::from_str(self.raw(path)?.get()).ok()
    }

    /// A text member.
    pub fn text(&self, path: &str) -> Option<String> {
        self.get(path)
    }

    /// A moment in Unix milliseconds.
    pub fn moment(&self, path: &str) -> Option<Timestamp> {
        // As a float, because some writers add `.0`; exact for whole milliseconds up to the year 287396.
        self.get::<f64>(path).map(|millis| Timestamp::from_millis(millis as i64))
    }

    /// A member that is itself an object.
    pub fn object(&self, member: &str) -> Option<Object<'a>> {
        let members = Members::parse(self.members.get(member)?.get()).ok()?;
        Some(Self { name: self.name, members })
    }

    /// A member that is a list of texts; other entries are passed over.
    pub fn texts(&self, path: &str) -> Option<Vec<String>> {
        let entries: Vec<&'a RawValue> = self.get(path)?;
        Some(entries.into_iter().filter_map(|entry| serde_json::from_str(entry.get()).ok()).collect())
    }

    /// A member that is a list of objects; other entries are passed over.
    pub fn objects(&self, path: &str) -> Option<Vec<Object<'a>>> {
        let entries: Vec<&'a RawValue> = self.get(path)?;
        let objects = entries.into_iter().filter_map(|entry| Members::parse(entry.get()).ok());
        Some(objects.map(|members| Self { name: self.name, members }).collect())
    }

    /// What the id in `pointer` points to in `list`: a user has many addresses, and the first one is not the primary one.
    pub fn primary(&self, pointer: &str, list: &str, member: &str) -> Option<Identification> {
        let wanted = self.text(pointer)?;
        let entries: Vec<&'a RawValue> = self.get(list)?;
        let [_, found, verification] = entries
            .into_iter()
            .filter_map(|entry| pick(entry.get(), ["id", member, "verification"]))
            .find(|[id, ..]| id.and_then(text).as_ref() == Some(&wanted))?;
        let status =
            verification.and_then(|verification| pick(verification.get(), ["status"])).and_then(|[status]| status);
        let verified = status.and_then(text).as_deref() == Some("verified");
        Some(Identification { text: text(found?)?, verified })
    }

    /// The id without which the object means nothing. `path` names it in messages, too.
    ///
    /// # Errors
    /// [`ObjectError::Missing`] when it is not there, [`ObjectError::Id`] when `parse` does not take it.
    pub fn id<T>(
        &self,
        path: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Result<T, ObjectError> {
        let missing = || ObjectError::Missing { object: self.name, member: path, expected };
        let text = self.text(path).filter(|id| !id.is_empty()).ok_or_else(missing)?;
        parse(&text).map_err(|source| ObjectError::Id { object: self.name, member: path, source })
    }

    /// The object's text without these members; none when it has none of them.
    pub fn without(&self, paths: &[&str]) -> Option<String> {
        let replaced = self.replaced(paths);
        (!replaced.is_empty()).then(|| self.members.with_replaced(&replaced))
    }

    /// The object's text without these members, the others in the order in which `jsonb` keeps them: Postgres reads that
    /// faster.
    pub fn for_jsonb(&self, without: &[&str]) -> String {
        self.members.with_replaced(&self.replaced(without))
    }

    /// What is different where these members are left out: the text of a member, or none when it goes as a whole.
    fn replaced<'p>(&self, without: &[&'p str]) -> Vec<(&'p str, Option<String>)> {
        let mut replaced = Vec::new();
        for path in without {
            let (member, rest) = path.split_once('.').map_or((*path, None), |(member, rest)| (member, Some(rest)));
            let Some(value) = self.members.get_or_null(member) else { continue };
            match rest {
                None => replaced.push((member, None)),
                Some(rest) => {
                    let nested = Object::parse(self.name, value.get()).ok().and_then(|nested| nested.without(&[rest]));
                    replaced.extend(nested.map(|nested| (member, Some(nested))));
                }
            }
        }
        replaced
    }

    /// As [`JsonKind`] says of the member, for messages that must not show it.
    pub fn kind_of(&self, path: &str) -> Option<JsonKind> {
        self.raw(path).map(JsonKind::of)
    }
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::Object;
    use crate::told::told;
    use crate::{Timestamp, UserId};

    fn read<T>(json: &str, look: impl FnOnce(Object<'_>) -> T) -> T {
        look(Object::parse("user", json).unwrap())
    }

    #[test]
    fn a_user_with_two_addresses_has_the_one_that_is_pointed_to() {
        let json = r#"{"primary_email_address_id":"idn_2","primary_phone_number_id":"idn_3",
            "email_addresses":[
                {"id":"idn_1","email_address":"old@example.com","verification":{"status":"verified"}},
                {"id":"idn_2","email_address":"ada@example.com","verification":{"status":"verified"}}],
            "phone_numbers":[{"id":"idn_3","phone_number":"+15555550100","verification":{"status":"unverified"}}]}"#;
        let (email, phone) = read(json, |user| {
            let email = user.primary("primary_email_address_id", "email_addresses", "email_address");
            (email, user.primary("primary_phone_number_id", "phone_numbers", "phone_number"))
        });
        let (email, phone) = (email.unwrap(), phone.unwrap());
        assert_eq!((email.text.as_str(), email.verified), ("ada@example.com", true));
        assert_eq!((phone.text.as_str(), phone.verified), ("+15555550100", false));
    }

    #[test]
    fn without_a_pointer_no_address_is_primary() {
        let addresses = r#""email_addresses":[{"id":"idn_1","email_address":"a@example.com"}]"#;
        for pointer in ["", r#""primary_email_address_id":null,"#, r#""primary_email_address_id":"idn_9","#] {
            let primary = read(&format!("{{{pointer}{addresses}}}"), |user| {
                user.primary("primary_email_address_id", "email_addresses", "email_address")
            });
            assert_eq!(primary, None, "{pointer}");
        }
    }

    #[test]
    fn an_odd_member_is_none_and_no_error() {
        let json = r#"{"first_name":7,"banned":"yes","updated_at":"yesterday","email_addresses":{"0":{}},"payer":7,
            "permissions":["org:sys_memberships:manage",7,"org:a:read"],"last_active_at":null}"#;
        read(json, |user| {
            assert_eq!((user.text("first_name"), user.get::<bool>("banned")), (None, None));
            assert_eq!((user.moment("updated_at"), user.moment("last_active_at")), (None, None));
            assert!(user.objects("email_addresses").is_none());
            assert_eq!(user.text("payer.user_id"), None);
            assert_eq!(user.texts("permissions").unwrap(), ["org:sys_memberships:manage", "org:a:read"]);
        });
    }

    #[test]
    fn members_are_read_as_written() {
        let json = r#"{"plan":{"n": 1.50},"at":1654012591835.0,"payer":{"user_id":"user_1"}}"#;
        read(json, |user| {
            assert_eq!(user.raw("plan").unwrap().get(), r#"{"n": 1.50}"#);
            assert_eq!(user.moment("at"), Some(Timestamp::from_millis(1_654_012_591_835)));
            assert_eq!(user.text("payer.user_id").as_deref(), Some("user_1"));
        });
    }

    #[test]
    fn members_can_be_left_out_and_the_rest_stays() {
        let json = r#"{"url":"https://a.example/?ticket=1","n":1.50,"invitation":{"url":null,"id":"inv_1"},"to":7}"#;
        read(json, |entry| {
            assert_eq!(
                entry.without(&["url", "invitation.url", "to.url", "gone"]).unwrap(),
                r#"{"n":1.50,"to":7,"invitation":{"id":"inv_1"}}"#
            );
            assert_eq!(entry.without(&["gone", "invitation.gone"]), None);
            assert_eq!(
                entry.for_jsonb(&["gone", "url"]),
                r#"{"n":1.50,"to":7,"invitation":{"url":null,"id":"inv_1"}}"#
            );
        });
    }

    #[test]
    fn errors_name_the_object_and_the_member() {
        let id = |json: &str| {
            let user = Object::parse("user", json)?;
            user.id("id", "a user id (`user_…`)", UserId::parse)
        };
        assert_eq!(id(r#"{"id":"user_1"}"#).unwrap().as_str(), "user_1");
        assert_snapshot!(told(&id("{}").unwrap_err()), @"user has no `id`, expected a user id (`user_…`); without it nobody can say which one it is");
        assert_snapshot!(told(&id(r#"{"id":"org_1"}"#).unwrap_err()), @r#"
        user has an unusable `id`
        cause: not a user id: found the organization id "org_1", expected `user_` and 1 to 128 letters, digits, `_` or `-`
        "#);
        assert_snapshot!(told(&id("7").unwrap_err()), @r"
        user is unreadable
        cause: found a number, expected a JSON object
        ");
        assert!(id(r#"{"id":""}"#).is_err());
    }
}
