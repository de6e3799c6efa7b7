//! The language of Clerk, pure.
//!
//! Everything Clerk says to a backend arrives as text: an id in a path, a claim in a token, a signed webhook body, a key
//! in an environment variable. This crate turns each of them into a type once, at the edge, so that the rest of the house
//! never looks at raw text again. It does no I/O, knows no async runtime and reads no clock by itself ([`Clock`] is
//! handed in); what it does can therefore be tested exhaustively and fuzzed (`fuzz/` holds one target per parser).
//!
//! Two manners of parsing live here, on purpose:
//!
//! - **What grants access is read strictly**: token header, claims, ids, keys, webhook signature. Unknown means no, and
//!   an error says what was found, what was expected and what to do.
//! - **What is only recorded is read leniently**: event bodies and the objects inside. Clerk's own examples break Clerk's
//!   own schema, so a missing or odd member becomes `None` and the raw text is kept beside it.
//!
//! Not handled here: signatures of tokens and the policy of what is accepted (crate `tokens`), network (`clerk-api`),
//! storage (`mirror`).

mod claims;
mod delivery_id;
mod environment;
mod event;
mod event_kind;
mod id;
#[cfg(any(test, feature = "invariants"))]
pub mod invariant;
mod json;
mod jsonb_text;
mod object;
mod permission;
mod publishable_key;
mod quoted;
mod secret_key;
mod time;
mod token_class;
mod token_header;
#[cfg(test)]
mod told;
mod webhook;

pub use claims::{ActiveOrganization, Actor, Claims, ClaimsError, ClaimsVersion, FactorAge, Scoped, SessionStatus};
pub use delivery_id::DeliveryId;
pub use environment::Environment;
pub use event::{Event, EventError};
pub use event_kind::EventKind;
pub use id::{InstanceId, InvalidId, MachineId, MembershipId, OrganizationId, SessionId, UserId};
pub use json::{JsonKind, NotJsonObject};
pub use jsonb_text::jsonb_text;
pub use object::{Identification, Object, ObjectError};
pub use permission::{InvalidPermission, PackedPermissions, Permission, PermissionError, pack, unpack};
pub use publishable_key::{InvalidPublishableKey, PublishableKey};
pub use quoted::quoted;
pub use secret_key::{InvalidSecretKey, SecretKey};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use token_class::{TokenClass, UnknownCategory};
pub use token_header::{TokenHeader, TokenHeaderError};
pub use webhook::{
    DeliveryHeaders, InvalidSigningSecret, SignatureError, SignedDelivery, SigningSecret, verify_delivery,
};
