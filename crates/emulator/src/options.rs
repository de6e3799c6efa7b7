//! How an emulator is started.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clerk::{Clock, SystemClock};
use serde_json::{Map, Value};

use crate::{
    frontend_api::settings::InstanceSettings, keys::SigningKey, rate_limits::RateLimits, roles::RoleDefinition,
    seed::Seed,
};

/// Svix: an answer that takes longer than 15 seconds is none.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// Everything has a default: an empty instance on a free port of the loopback interface, in memory, in real time.
#[derive(Debug)]
pub struct EmulatorOptions {
    /// Where to listen. Port 0 takes a free one. The secret key is the only guard, so keep to the loopback interface.
    pub listen: SocketAddr,
    /// The `iss` of tokens; by default the base URL. Clerk's own would be `https://` and the Frontend API.
    pub issuer: Option<String>,
    /// The time of the instance.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and secrets repeatable. The signing key, and with it the instance id, is always random.
    pub seed: Option<u64>,
    /// Where the instance is kept between runs; in memory only when absent.
    pub state_file: Option<PathBuf>,
    /// The key to sign with when there is no state file yet, so that many instances can share the work of drawing one.
    pub signing_key: Option<SigningKey>,
    /// Roles and custom permissions beside Clerk's own two roles.
    pub roles: Vec<RoleDefinition>,
    /// What a new instance holds from its beginning; an instance that comes from a state file has it already.
    pub seed_data: Seed,
    /// What people who sign in or up are asked for.
    pub settings: InstanceSettings,
    /// Custom claims of every session token, with shortcodes.
    pub session_claims: Map<String, Value>,
    /// Whether callers are held to Clerk's rate limits, and to which.
    pub rate_limits: Option<RateLimits>,
    /// Divides the waits between webhook attempts: at 1000 the schedule of 27 hours takes 100 seconds.
    pub webhook_speed: f64,
    /// How long a webhook receiver may take to answer, by default as long as with Svix.
    pub webhook_timeout: Duration,
}

impl Default for EmulatorOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            issuer: None,
            clock: Arc::new(SystemClock),
            seed: None,
            state_file: None,
            signing_key: None,
            roles: Vec::new(),
            seed_data: Seed::default(),
            settings: InstanceSettings::default(),
            session_claims: Map::new(),
            rate_limits: None,
            webhook_speed: 1.0,
            webhook_timeout: WEBHOOK_TIMEOUT,
        }
    }
}
