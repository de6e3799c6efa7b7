//! Webhooks as Svix sends them for Clerk.
//!
//! Every change of the state becomes a [`Message`](message::Message), stored with its place in the order of changes.
//! The [`Outbox`] is a state machine without a clock, a socket or a task: it says which deliveries are due and takes
//! down how each attempt went. The [`sender`] is the one task that moves bytes.
//!
//! What holds: a message id stays the same over retries, replays and endpoints; each attempt is signed with its own
//! time; the order of delivery is not promised, as with Svix.

mod attempt;
mod disturbance;
mod endpoint;
mod message;
mod outbox;
mod saved;
mod schedule;
mod sender;

pub(crate) use attempt::{Attempt, Control, Outcome};
pub(crate) use disturbance::Disturbance;
pub(crate) use endpoint::{Endpoint, EndpointPatch, NewEndpoint, SecretRotation};
pub(crate) use message::{Delivery, DeliveryStatus, Message, Origin, envelope};
pub(crate) use outbox::{Dispatch, Outbox, OutboxSettings};
pub(crate) use saved::SavedOutbox;
pub(crate) use sender::{Sender, SenderSettings};
