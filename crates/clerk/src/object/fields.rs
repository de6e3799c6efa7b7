//! Lenient reading of one object's members.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ObjectError;
use crate::json::Members;
use crate::{InvalidId, Timestamp};

/// The members of an object that is being read, and its name for messages.
pub(super) struct Fields<'a> {
    object: &'static str,
    members: Members<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(object: &'static str, json: &'a str) -> Result<Self, ObjectError> {
        let members = Members::parse(json).map_err(|source| ObjectError::NotJson { object, source })?;
        Ok(Self { object, members })
    }

    /// A member of the wanted type.
    pub(super) fn get<T: Deserialize<'a>>(&self, member: &str) -> Option<T> {
        serde_json::from_str(self.members.get(member)?.get()).ok()
    }

    /// A text member.
    pub(super) fn text(&self, member: &str) -> Option<String> {
        self.get(member)
    }

    /// A moment in Unix milliseconds.
    pub(super) fn moment(&self, member: &str) -> Option<Timestamp> {
        // As a float, because some writers add `.0`; exact for whole milliseconds up to the year 287396.
        self.get::<f64>(member).map(|millis| Timestamp::from_millis(millis as i64))
    }

    /// A member as written.
    pub(super) fn raw(&self, member: &str) -> Option<Box<RawValue>> {
        self.members.get(member).map(RawValue::to_owned)
    }

    /// A member that is itself an object.
    pub(super) fn object(&self, member: &str) -> Option<Fields<'a>> {
        let members = Members::parse(self.members.get(member)?.get()).ok()?;
        Some(Self { object: self.object, members })
    }

    /// As [`Fields::object`]; anything else reads as an object without members, which then lacks its ids by name.
    pub(super) fn object_or_empty(&self, member: &str) -> Fields<'a> {
        self.object(member).unwrap_or(Self { object: self.object, members: Members::default() })
    }

    /// A member that is a list of texts; other entries are passed over.
    pub(super) fn texts(&self, member: &str) -> Vec<String> {
        let entries: Vec<&'a RawValue> = self.get(member).unwrap_or_default();
        entries.into_iter().filter_map(|entry| serde_json::from_str(entry.get()).ok()).collect()
    }

    /// A member that is a list of objects; other entries are passed over.
    pub(super) fn objects(&self, member: &str) -> Vec<Fields<'a>> {
        let entries: Vec<&'a RawValue> = self.get(member).unwrap_or_default();
        let objects = entries.into_iter().filter_map(|entry| Members::parse(entry.get()).ok());
        objects.map(|members| Self { object: self.object, members }).collect()
    }

    /// The error that says an identifying member is not there.
    pub(super) fn missing(&self, member: &'static str, expected: &'static str) -> ObjectError {
        ObjectError::Missing { object: self.object, member, expected }
    }

    /// The id without which the object means nothing. `path` names it in messages; its last segment is the member.
    pub(super) fn id<T>(
        &self,
        path: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Result<T, ObjectError> {
        let member = path.rsplit('.').next().unwrap_or(path);
        let text = self.text(member).ok_or_else(|| self.missing(path, expected))?;
        parse(&text).map_err(|source| ObjectError::Id { object: self.object, member: path, source })
    }
}
