//! The mirror: Clerk's objects as rows, whatever happens on the way.
//!
//! A signed [`Delivery`] is settled in one transaction: a row in the inbox under the delivery's id, its effect on the
//! mirror's tables, and the state that says what became of it. A delivery that was seen before changes nothing. So its
//! *effect* is exactly once, however often it is sent and wherever either side dies.
//!
//! Order does not matter. An object's [version](version::Version) decides, not the moment of arrival; deletion is final for
//! an id; and what depends on two objects (a membership of a deleted user) comes out the same from either side.
//!
//! What cannot be applied is kept with its reason. Bytes that can never work are dead letters at once; trouble of the
//! database is retried with growing pauses first. Either can be [replayed](Mirror::replay).
//!
//! Two versions that carry the same times and different content are a tie that no rule can decide. The greater delivery
//! id holds for the moment, and Clerk's Backend API is [asked](Mirror::inquire) which one is true.
//!
//! What no webhook brings is walked: [`Mirror::backfill`] writes everything that Clerk has, [`Mirror::reconcile`] finds what
//! differs, and repairs it when asked to.
//!
//! Deliveries are written in groups: see `ingest` and `batch`. Objects that come from the Backend API instead
//! ([`Mirror::write`], [`Mirror::bury`]) go the same way without the inbox.

pub mod arrival;
mod backfill;
mod backoff;
mod batch;
mod change;
mod changes;
pub mod deletion;
mod deliveries;
mod delivery;
mod forgetting;
mod inbox;
mod ingest;
mod inquiries;
mod loan;
mod mirror;
mod notes;
mod object_kind;
mod observed;
mod projection;
mod reading;
mod reconcile;
mod reconcile_ask;
mod reconcile_regularly;
mod rehearsal;
mod retention;
pub mod revocations;
mod run;
mod status;
mod table;
pub mod version;
mod walk;
mod write_page;

pub use arrival::{Arrival, ArrivalWatch};
pub use backfill::{BackfillEvent, BackfillOptions, Backfilled, KindBackfilled};
pub use changes::{Change, ChangeFilter, record_changes};
pub use deliveries::{InboxEntry, InboxFilter, Waiting};
pub use delivery::{Delivery, Outcome};
pub use forgetting::{Forgotten, Retention};
pub use inbox::InboxHealth;
pub use ingest::QueueHealth;
pub use mirror::{Mirror, MirrorError};
pub use object_kind::ObjectKind;
pub use observed::Unreadable;
pub use projection::Source;
pub use reconcile::{KindReconciled, ReconcileOptions, Tally};
pub use reconcile_regularly::ReconcileSchedule;
pub use rehearsal::{Difference, Rehearsal};
pub use revocations::Revocations;
pub use run::{Holder, RunError, Work};
pub use status::{Inquiries, LastHour, LastSuccess, Questions, Run, Status, TableStatus, Waits};
pub use walk::Reach;
