//! The emulator as its clients see it: over HTTP, as a webhook receiver, and from Rust.

#![expect(clippy::unwrap_used, reason = "what surprises a test ends it where it stands")]

mod credentials;
mod disturbances;
mod frontend;
mod histories;
mod instance;
mod jwt_templates;
mod memberships;
mod organizations;
mod protocol;
mod restart;
mod roles;
mod scale;
mod seed;
mod sessions;
mod support;
mod time_travel;
mod tokens;
mod user_lists;
mod users;
mod webhooks;
mod whole_life;
