//! The Backend API: what Clerk answers at `/v1`, as one table of operations.
//!
//! An [`Operation`](operations::Operation) is a plain function from a [`Call`] to bytes. HTTP is one way to make a call, the Rust API is
//! another; both run the same functions.

pub(crate) mod access_lists;
pub(crate) mod agent_tasks;
pub(crate) mod api_keys;
pub(crate) mod billing;
pub(crate) mod call;
pub(crate) mod clients;
pub(crate) mod configuration;
pub(crate) mod credentials;
pub(crate) mod disturbances;
pub(crate) mod http;
pub(crate) mod identifications;
pub(crate) mod images;
pub(crate) mod instance;
pub(crate) mod invitations;
pub(crate) mod jwt_templates;
pub(crate) mod machines;
pub(crate) mod memberships;
pub(crate) mod not_served;
pub(crate) mod oauth_applications;
pub(crate) mod operations;
pub(crate) mod organization_domains;
pub(crate) mod organization_invitations;
pub(crate) mod organizations;
pub(crate) mod redirect_urls;
pub(crate) mod roles;
pub(crate) mod seed;
pub(crate) mod sessions;
pub(crate) mod sign_ups;
pub(crate) mod tickets;
pub(crate) mod time_travel;
pub(crate) mod users;
pub(crate) mod verifications;
pub(crate) mod waitlist;

pub(crate) use call::{Call, Reply, reply};
pub(crate) use operations::{Access, Operation};
