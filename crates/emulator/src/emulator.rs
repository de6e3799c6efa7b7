//! Starting, asking and stopping an emulator.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use clerk::{Environment, InstanceId, InvalidPublishableKey, PublishableKey, SigningSecret, Timestamp};
use parking_lot::{Mutex, RwLock};
use tokio::{
    net::TcpListener,
    sync::Notify,
    task::{JoinError, JoinHandle},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    EmulatorOptions, InvalidRole, Refusal, StateFileError, TokenRequest,
    change::Change,
    clock::ShiftedClock,
    frontend_api::{cookies, http::service},
    identity::Identity,
    ids::IdSource,
    instance::Instance,
    keys::SigningKey,
    outage::OutageSwitch,
    rate_limits::Limiter,
    reasons::Reasons,
    roles::{self, RoleDefinition, Roles},
    seed::Seed,
    state::State,
    state_file::StateFile,
    webhooks::{Outbox, OutboxSettings, Sender, SenderSettings},
};

/// How long changes are collected before the state file is written.
const SAVE_DELAY: Duration = Duration::from_millis(250);
/// How long open connections may take to finish when the emulator stops.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// A running emulator. Dropping it stops it; [`Emulator::shutdown`] also saves what is not saved yet.
#[derive(Debug)]
pub struct Emulator {
    pub(crate) instance: Arc<Instance>,
    address: SocketAddr,
    state_file: Option<StateFile>,
    /// Held while the emulator runs, so that no other one writes the same file.
    state_lock: Option<File>,
    /// Cancelled when the emulator is dropped or shut down.
    stop: DropGuard,
    server: JoinHandle<()>,
    webhooks: JoinHandle<()>,
    saver: Option<JoinHandle<()>>,
    /// Draws the first key.
    drawing: Option<JoinHandle<()>>,
}

/// Why an emulator did not start or did not stop well.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The address has no publishable key: Clerk's SDK wants a dot in it.
    #[error(transparent)]
    PublishableKey(#[from] InvalidPublishableKey),
    /// The state file is unusable.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// A role is malformed.
    #[error(transparent)]
    Role(#[from] InvalidRole),
    /// The seed holds something that Clerk would refuse.
    #[error("the seed cannot be planted")]
    Seed(#[source] Refusal),
    /// The speed is no positive number.
    #[error("webhook speed {0} is not a positive number")]
    Speed(f64),
    /// The HTTP client for webhooks could not be built.
    #[error("cannot build the HTTP client that sends webhooks")]
    Client(#[source] reqwest::Error),
    /// A task ended in a panic.
    #[error("a task of the emulator failed")]
    Task(#[from] JoinError),
}

/// What a start begins with: drawn anew or read from the state file.
struct Beginning {
    identity: Identity,
    state: State,
    outbox: Outbox,
}

impl Emulator {
    /// Starts an emulator and returns once it listens and, with a state file, is saved.
    ///
    /// # Errors
    /// When the address is taken, the state file is unusable or an option makes no sense.
    pub async fn start(options: EmulatorOptions) -> Result<Self, EmulatorError> {
        let EmulatorOptions {
            listen,
            issuer,
            clock,
            seed,
            state_file,
            signing_key,
            roles,
            seed_data,
            settings,
            session_claims,
            rate_limits,
            webhook_speed,
            webhook_timeout,
        } = options;
        roles::check(&roles)?;
        if !(webhook_speed.is_finite() && webhook_speed > 0.0) {
            return Err(EmulatorError::Speed(webhook_speed));
        }
        let refused = |source| EmulatorError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let publishable_key = PublishableKey::for_frontend_api(Environment::Development, &address.to_string())?;
        let state_file = state_file.map(StateFile::new);
        let state_lock = state_file.as_ref().map(StateFile::lock).transpose()?;
        let outbox_settings = OutboxSettings { speed: webhook_speed };
        let begin = {
            let (state_file, now) = (state_file.clone(), clock.now());
            move || Beginning::find(state_file.as_ref(), seed, &roles, &seed_data, signing_key, outbox_settings, now)
        };
        // Reading a file and hashing the passwords of a seed both keep a thread busy.
        let Beginning { identity, mut state, outbox } = tokio::task::spawn_blocking(begin).await??;
        let dirty = Arc::new(Notify::new());
        let clock = Arc::new(ShiftedClock::new(clock, Duration::from_millis(state.clock_shift)));
        let sender =
            Sender::new(outbox, SenderSettings { timeout: webhook_timeout }, Arc::clone(&clock), Arc::clone(&dirty))
                .map_err(EmulatorError::Client)?;
        let base_url = format!("http://{address}");
        state.base_url.clone_from(&base_url);
        let instance = Arc::new(Instance {
            identity,
            issuer: issuer.unwrap_or_else(|| base_url.clone()),
            base_url,
            cookie_suffix: cookies::suffix(&publishable_key),
            publishable_key,
            settings,
            session_claims,
            snapshots: Mutex::new(BTreeMap::new()),
            limiter: Limiter::new(rate_limits),
            outage: OutageSwitch::default(),
            state: RwLock::new(state),
            webhooks: Arc::new(sender),
            clock,
            apps: Mutex::new(BTreeSet::new()),
            dirty,
        });
        let keys = Arc::clone(&instance);
        let drawing = tokio::task::spawn_blocking(move || drop(keys.identity.keyring().read()));
        let mut emulator = Self::run(instance, listener, address, state_file);
        emulator.state_lock = state_lock;
        emulator.drawing = Some(drawing);
        // It answers already; the caller hears of it when keys and secrets are safe, too.
        if let Some(file) = &emulator.state_file {
            save(file, &emulator.instance).await?;
        }
        Ok(emulator)
    }

    fn run(instance: Arc<Instance>, listener: TcpListener, address: SocketAddr, state_file: Option<StateFile>) -> Self {
        let stop = CancellationToken::new();
        let service = service(Arc::clone(&instance)).into_make_service_with_connect_info::<SocketAddr>();
        let stopped = stop.clone().cancelled_owned();
        let server = tokio::spawn(async move {
            let served = axum::serve(listener, service).with_graceful_shutdown(stopped).await;
            if let Err(error) = served {
                tracing::error!(%error, "the emulator stopped serving");
            }
        });
        let webhooks = tokio::spawn(Arc::clone(&instance.webhooks).run(stop.clone()));
        let saver = state_file.clone().map(|file| tokio::spawn(keep_saved(file, Arc::clone(&instance), stop.clone())));
        tracing::info!(address = %address, instance.id = %instance.identity.instance_id, "emulator listens");
        Self {
            instance,
            address,
            state_file,
            state_lock: None,
            stop: stop.drop_guard(),
            server,
            webhooks,
            saver,
            drawing: None,
        }
    }

    /// Stops taking requests, lets what is on its way finish, and saves.
    ///
    /// # Errors
    /// When the state could not be saved.
    pub async fn shutdown(self) -> Result<(), EmulatorError> {
        let Self { instance, state_file, state_lock, stop, mut server, webhooks, saver, drawing, .. } = self;
        drop(stop);
        if tokio::time::timeout(SHUTDOWN, &mut server).await.is_err() {
            tracing::warn!("connections to the emulator were cut off");
            server.abort();
        }
        webhooks.await?;
        if let Some(drawing) = drawing {
            drawing.await?;
        }
        if let Some(saver) = saver {
            saver.await?;
        }
        if let Some(file) = &state_file {
            save(file, &instance).await?;
        }
        drop(state_lock);
        Ok(())
    }

    /// Where the emulator listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port>`: the Backend API is below `/v1`, as with Clerk.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.instance.base_url
    }

    /// The `iss` of its tokens.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.instance.issuer
    }

    /// The id of the instance, which is also the `kid` of its key.
    #[must_use]
    pub fn instance_id(&self) -> &InstanceId {
        &self.instance.identity.instance_id
    }

    /// `pk_test_…` of its own address.
    #[must_use]
    pub fn publishable_key(&self) -> &PublishableKey {
        &self.instance.publishable_key
    }

    /// `sk_test_…`.
    #[must_use]
    pub fn secret_key(&self) -> &str {
        self.instance.identity.secret_key.expose()
    }

    /// A signing secret that belongs to the instance: give it to an endpoint to have one that survives restarts.
    #[must_use]
    pub fn webhook_secret(&self) -> &SigningSecret {
        &self.instance.identity.webhook_secret
    }

    /// The public key as PEM, for verifiers that take `CLERK_JWT_KEY`.
    #[must_use]
    pub fn public_key_pem(&self) -> String {
        self.instance.identity.keyring().read().current().public_key_pem()
    }

    /// Moves the time of the instance forward: what is due by then happens, webhooks that wait for their next attempt
    /// included.
    pub fn advance(&self, by: Duration) {
        self.instance.advance(by);
    }

    /// Signs with another key from now on. The keys before stay in the key set, where they verify what they signed,
    /// until they are retired. The id of the instance stays; the new key has a `kid` of its own.
    pub fn rotate_signing_key(&self, key: SigningKey) {
        self.instance.identity.keyring().write().push(key);
        self.instance.dirty.notify_one();
    }

    /// Takes every key but the newest out of the key set: what they signed cannot be verified any more.
    pub fn retire_signing_keys(&self) {
        self.instance.identity.keyring().write().retire();
        self.instance.dirty.notify_one();
    }

    /// Remembers all objects under a name, to return to with [`Emulator::restore`].
    pub fn snapshot(&self, name: &str) {
        self.instance.take_snapshot(name);
    }

    /// Returns to remembered objects. Nothing is announced; messages, time and ids go on from where they are.
    ///
    /// # Errors
    /// When nothing was remembered under that name.
    pub fn restore(&self, name: &str) -> Result<(), Refusal> {
        self.instance.restore_snapshot(name)
    }

    /// Mints a token; see [`TokenRequest`]. Changes nothing.
    ///
    /// # Errors
    /// When the user, organization or template does not exist, or the user is not a member.
    pub fn mint(&self, request: &TokenRequest) -> Result<String, Refusal> {
        self.instance.mint(|mint| mint.of_request(request))
    }
}

impl Beginning {
    fn find(
        file: Option<&StateFile>,
        seed: Option<u64>,
        roles: &[RoleDefinition],
        seed_data: &Seed,
        signing_key: Option<SigningKey>,
        settings: OutboxSettings,
        now: Timestamp,
    ) -> Result<Self, EmulatorError> {
        if let Some(file) = file
            && let Some(saved) = file.load()?
        {
            let mut state = saved.state;
            let identity = Identity::load(saved.identity).map_err(|error| file.damaged(error))?;
            let instance_id = &identity.instance_id;
            if state.roles.is_empty() {
                // The file is older than roles that can be changed.
                state.roles = Roles::initial(instance_id, state.created_at);
            }
            state.roles.define(roles, instance_id, now);
            return Ok(Self {
                identity,
                outbox: Outbox::load(settings, saved.webhooks, now).map_err(|error| file.damaged(error))?,
                state,
            });
        }
        let mut ids = IdSource::new(seed);
        let identity = Identity::draw(signing_key, &mut ids);
        let mut state = State::new(ids, &identity.instance_id, now);
        state.roles.define(roles, &identity.instance_id, now);
        // Nobody listens yet, so whatever the seed announces is announced to nobody.
        let mut change = Change::begin(&mut state, &identity.instance_id, now);
        change.plant(seed_data).map_err(EmulatorError::Seed)?;
        Ok(Self { identity, state, outbox: Outbox::new(settings) })
    }
}

/// Saves some time after each change until told to stop.
async fn keep_saved(file: StateFile, instance: Arc<Instance>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = instance.dirty.notified() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SAVE_DELAY) => {}
        }
        if let Err(error) = save(&file, &instance).await {
            tracing::error!(error = %Reasons(&error), "the state was not saved; the next change tries again");
        }
    }
}

async fn save(file: &StateFile, instance: &Arc<Instance>) -> Result<(), EmulatorError> {
    let (file, instance) = (file.clone(), Arc::clone(instance));
    Ok(tokio::task::spawn_blocking(move || file.save(&instance)).await??)
}
