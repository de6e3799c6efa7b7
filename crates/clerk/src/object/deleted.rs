//! What is left of an object in the event of its deletion.

use super::ObjectError;
use super::fields::Fields;
use crate::jsonb_text;

/// `{object, id, deleted: true}`, as in `user.deleted`, `organization.deleted` and others. There is no `updated_at`: a
/// deletion is ordered by the time of its event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deleted {
    /// `id`. Its kind depends on the event, so it stays text. Clerk's schema calls it optional; without it nothing can be deleted.
    pub id: String,
    /// `object`: the kind of resource, for example `user`.
    pub object: Option<String>,
    /// `slug`, of an organization.
    pub slug: Option<String>,
    /// `external_id`, of a user.
    pub external_id: Option<String>,
}

impl Deleted {
    /// Reads a deletion notice.
    pub fn from_json(json: &str) -> Result<Self, ObjectError> {
        let json = jsonb_text(json);
        let deleted = Fields::parse("deleted object", &json)?;
        Ok(Self {
            id: deleted
                .text("id")
                .filter(|id| !id.is_empty())
                .ok_or_else(|| deleted.missing("id", "the id of what was deleted"))?,
            object: deleted.text("object"),
            slug: deleted.text("slug"),
            external_id: deleted.text("external_id"),
        })
    }
}
