//! A member of an organization with a session token, as Clerk's emulator mints it, and the verifier that accepts it.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, ensure};
use clerk::{Clock, OrganizationId, SystemClock, UserId};
use emulator::{Emulator, EmulatorOptions, RoleDefinition, TokenRequest};
use serde_json::json;
use tokens::{HttpKeySource, KeyCache, Principal, Verifier, VerifierOptions};

/// The origin that asked for the token.
pub(crate) const ORIGIN: &str = "https://app.example.com";
/// How many permissions the token carries.
pub(crate) const PERMISSIONS: usize = 10;

const ROLE: &str = "org:editor";
const GRANTED: [&str; PERMISSIONS] = [
    "org:invoices:create",
    "org:invoices:delete",
    "org:invoices:manage",
    "org:invoices:read",
    "org:members:manage",
    "org:members:read",
    "org:posts:create",
    "org:posts:delete",
    "org:posts:read",
    "org:reports:read",
];
/// Longer than all rounds together.
const LIFETIME_SECONDS: i64 = 3600;

/// Somebody who is signed in.
pub(crate) struct Session {
    pub(crate) token: String,
    /// With the emulator's keys in its cache.
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) principal: Arc<Principal>,
    pub(crate) organization_id: String,
    /// The user as the Backend API describes it.
    pub(crate) user: serde_json::Value,
    /// The key that signed the token.
    pub(crate) public_key_pem: String,
}

impl Session {
    /// Signs somebody up and in. The emulator is gone when this returns; its keys are in the verifier's cache.
    pub(crate) async fn begin() -> Result<Self> {
        let (session, emulator) = Self::begin_beside_clerk().await?;
        emulator.shutdown().await?;
        Ok(session)
    }

    /// The same with the emulator still there, for servers that fetch keys themselves.
    pub(crate) async fn begin_beside_clerk() -> Result<(Self, Emulator)> {
        let role = RoleDefinition {
            key: ROLE.to_owned(),
            name: "Editor".to_owned(),
            permissions: GRANTED.map(str::to_owned).to_vec(),
        };
        let emulator = Emulator::start(EmulatorOptions { roles: vec![role], ..EmulatorOptions::default() }).await?;
        let id = |object: &serde_json::Value| object["id"].as_str().map(str::to_owned).context("an object has an id");
        let user = emulator.users().create(&json!({
            "email_address": ["ada@example.com"], "first_name": "Ada", "last_name": "Lovelace",
        }))?;
        let user_id = id(&user)?;
        let founder = id(&emulator.users().create(&json!({ "email_address": ["grace@example.com"] }))?)?;
        let organization = emulator.organizations().create(&json!({ "name": "Acme", "created_by": founder }))?;
        let organization_id = id(&organization)?;
        emulator.memberships().create(&organization_id, &user_id, ROLE)?;
        let token = emulator.mint(&TokenRequest {
            organization_id: Some(OrganizationId::parse(&organization_id)?),
            authorized_party: Some(ORIGIN.to_owned()),
            expires_in_seconds: Some(LIFETIME_SECONDS),
            ..TokenRequest::for_user(UserId::parse(&user_id)?)
        })?;

        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let source = HttpKeySource::new(format!("{}/.well-known/jwks.json", emulator.issuer()).parse()?, None)?;
        let keys = KeyCache::new(source, Arc::clone(&clock));
        let options = VerifierOptions {
            authorized_parties: vec![ORIGIN.to_owned()],
            ..VerifierOptions::for_issuer(emulator.issuer())
        };
        let verifier = Arc::new(Verifier::new(options, keys, clock));
        verifier.keys().warm().await.map_err(|reason| anyhow!("the emulator's keys cannot be had: {reason}"))?;
        let verified = verifier.verify(&token).await?;
        let carried = verified.organization.as_ref().map_or(0, |organization| organization.permissions.len());
        ensure!(carried == PERMISSIONS, "the token carries {carried} permissions, expected {PERMISSIONS}");
        let principal = Arc::new(Principal::from(&verified));
        let public_key_pem = emulator.public_key_pem();
        Ok((Self { token, verifier, principal, organization_id, user, public_key_pem }, emulator))
    }
}
