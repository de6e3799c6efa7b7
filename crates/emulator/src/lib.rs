//! Clerk, offline.
//!
//! An [`Emulator`] is one Clerk instance on a port of this machine: Backend API, key set, sessions and tokens in every
//! shape Clerk mints, and webhooks signed and retried as Svix does it for Clerk. Clerk's official SDKs work against it
//! unmodified. Tests drive it through this API or through `/__rowlock`; a developer's app through HTTP.
//!
//! ```
//! use emulator::{Emulator, EmulatorOptions, TokenRequest};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clerk = Emulator::start(EmulatorOptions::default()).await?;
//! let ada = clerk.users().create(&json!({ "email_address": ["ada@example.com"] }))?;
//! let token = clerk.mint(&TokenRequest::for_user(serde_json::from_value(ada["id"].clone())?))?;
//! assert_eq!(token.split('.').count(), 3);
//! clerk.shutdown().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Three layers, each knowing only the one below: the pure core (`state`, `change` and the files beside them: rows,
//! rules, events, token payloads, retry schedule), the running `instance` (locks, clock, webhook task), and the shells
//! around it (`api` over HTTP, `local_api` in Rust).
//!
//! What it is not: a place for real secrets, or a proof that Clerk's servers behave so. Its facts are Clerk's published
//! specification and SDKs. What Clerk has and it has not is answered with 501, in Clerk's own error form.

mod access_lists;
mod agent_tasks;
mod api;
mod api_keys;
mod api_version;
mod billing;
mod change;
mod clock;
mod configuration;
mod control;
mod emulator;
mod form;
mod frontend_api;
mod happenings;
mod identity;
mod ids;
mod images;
mod instance;
mod invitation_status;
mod invitations;
mod jwt_templates;
mod keys;
mod listing;
mod local_api;
mod m2m_tokens;
mod machines;
mod memberships;
mod messages;
mod metadata;
mod oauth_applications;
mod oauth_tokens;
mod on_demand;
mod options;
mod organization_domains;
mod organization_invitations;
mod organizations;
mod outage;
mod passwords;
mod query;
mod rate_limits;
mod reasons;
mod redirect_urls;
mod refusal;
mod restrictions;
mod roles;
mod secret;
mod seed;
mod sessions;
mod shortcodes;
mod state;
mod state_file;
mod table;
mod tickets;
mod tokens;
mod totp;
mod uploads;
mod users;
mod validity;
mod verifications;
mod view;
mod waitlist;
mod webhooks;

pub use emulator::{Emulator, EmulatorError};
pub use frontend_api::{
    packages::{install_scripts, scripts_installed},
    settings::{InstanceSettings, Requirement, SecondFactor, SignUpMode},
};
pub use keys::SigningKey;
pub use local_api::{
    BackendApi, JwtTemplatesApi, MembershipsApi, OrganizationsApi, RawMessage, SessionsApi, UsersApi, WebhooksApi,
};
pub use options::EmulatorOptions;
pub use outage::Outage;
pub use rate_limits::{RateLimit, RateLimits};
pub use refusal::{Refusal, RefusalDetail};
pub use roles::{InvalidRole, RoleDefinition};
pub use seed::{Crowd, Seed, SeededMember};
pub use state_file::StateFileError;
pub use tokens::{SessionTokenVersion, TokenKind, TokenRequest};
