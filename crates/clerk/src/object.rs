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
