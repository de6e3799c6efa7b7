//! The Frontend API: what Clerk answers to browsers.
//!
//! `clerk-js`, the prebuilt components and the handshake of `@clerk/nextjs` speak to it, in practice through the proxy
//! that `clerkMiddleware({ frontendApiProxy: { enabled: true } })` puts into the app itself. A browser is a [`clients`]
//! entry, known by an http-only cookie or by a development browser's token; on it live a sign-in, a sign-up and the
//! sessions that came of them.
//!
//! Three kinds of files: state machines that know neither HTTP nor the clock ([`verification`], [`sign_in`], [`sign_up`],
//! [`clients`], [`handshakes`]); what the world sees of them ([`objects`], [`environment`]); and the shell ([`http`],
//! [`call`], [`form`], [`cookies`], `operations`). Whatever changes here announces the same events as the Backend API.
//!
//! Facts are Clerk's published specification (`fapi/2026-05-12`), the sources of its SDKs, and requests measured from
//! unmodified packages. What Clerk has and this has not (OAuth, SAML, passkeys, web3, e-mail links) is refused with 501
//! in Clerk's error form.

pub(crate) mod call;
pub(crate) mod clients;
pub(crate) mod cookies;
pub(crate) mod environment;
pub(crate) mod form;
pub(crate) mod handshakes;
pub(crate) mod http;
pub(crate) mod objects;
pub(crate) mod operations;
pub(crate) mod origins;
pub(crate) mod packages;
pub(crate) mod pages;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod sign_up;
pub(crate) mod tickets;
pub(crate) mod verification;
