//! The data API as a whole: requests in, answers out, and a schema that follows the database.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use clerk::Clock;
use http::header::ORIGIN;
use http::{HeaderValue, Request, Response, StatusCode};
use parking_lot::Mutex;
use postgres::{ClientPool, Heard, Listener, Pool};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::auth::{self, Caller};
use crate::config::Config;
use crate::error::Error;
use crate::execute::{Context, Outcome};
use crate::figures::{Figures, SchemaLoads};
use crate::kind::RequestKind;
use crate::plan::{self, Plan, StatementPlan};
use crate::replicas::{ReplicaFigures, Replicas};
use crate::request::ApiRequest;
use crate::schema_cache::{LoadError, SchemaCache};
use crate::slow::UnderWay;
use crate::timing::Stopwatch;
use crate::{cors, openapi, response};

/// How long to wait after the schema could not be read or the announcements ended; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(32);
/// How long to wait for more announcements after one.
const SETTLING: Duration = Duration::from_millis(20);

/// A PostgREST-compatible data API over one database. Cheap to clone.
#[derive(Clone)]
pub struct DataApi(Arc<Inner>);

struct Inner {
    /// Acts for clients.
    clients: ClientPool,
    /// Acts for the application's own servers, where they may call.
    service: ArcSwapOption<ClientPool>,
    /// Read for clients, where nothing is written.
    replicas: Replicas,
    /// Reads the catalogue.
    catalogue: Pool,
    config: ArcSwap<Config>,
    schema: ArcSwapOption<SchemaCache>,
    clock: Arc<dyn Clock>,
    loads: SchemaLoads,
    /// Hears of changes since before the schema was read, for whoever follows.
    begun: Mutex<Option<Begun>>,
}

/// Announcements on a channel that nobody has read yet.
struct Begun {
    channel: String,
    listener: Listener,
}

impl std::fmt::Debug for DataApi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("DataApi").field("clients", &self.0.clients).finish_non_exhaustive()
    }
}

impl DataApi {
    /// An API whose statements run on `clients`, and whose schema is read through `catalogue`. Until the schema has been
    /// [read](Self::reload), requests are answered 503.
    pub fn new(clients: ClientPool, catalogue: Pool, config: Config, clock: Arc<dyn Clock>) -> Self {
        Self::with_replicas(clients, Vec::new(), catalogue, config, clock)
    }

    /// The same, with reads by `GET` and `HEAD` on `replicas` in turn, which have the login of `clients`.
    pub fn with_replicas(
        clients: ClientPool,
        replicas: Vec<ClientPool>,
        catalogue: Pool,
        config: Config,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner {
            clients,
            service: ArcSwapOption::empty(),
            replicas: Replicas::new(replicas),
            catalogue,
            config: ArcSwap::from_pointee(config),
            schema: ArcSwapOption::empty(),
            clock,
            loads: SchemaLoads::default(),
            begun: Mutex::default(),
        }))
    }

    /// Runs on `service` whatever is asked with a secret key: the clients' login cannot become `service_role`.
    #[must_use]
    pub fn serving_on(self, service: ClientPool) -> Self {
        self.0.service.store(Some(Arc::new(service)));
        self
    }

    /// Reads the schema anew. Requests under way keep the one they began with; nobody waits.
    ///
    /// # Errors
    /// When Postgres cannot be asked. What was known stays.
    pub async fn reload(&self) -> Result<(), LoadError> {
        let config = self.0.config.load_full();
        let schema = self.0.loads.timed(SchemaCache::load(&self.0.catalogue, &config)).await?;
        tracing::info!(schema = schema.summary(), "the data API knows the schema");
        self.0.schema.store(Some(Arc::new(schema)));
        self.0.clients.forget_statements();
        self.0.replicas.forget_statements();
        if let Some(service) = &*self.0.service.load() {
            service.forget_statements();
        }
        Ok(())
    }

    /// Reads the schema after it has begun to listen on `channel`, so that [`follow`](Self::follow) goes on from here and does not have
    /// to read it again. When announcements cannot be heard, it is only read.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    pub async fn begin(&self, channel: &str) -> Result<(), LoadError> {
        let listener = Listener::connect(&self.0.catalogue, channel).await;
        self.reload().await?;
        if let Ok(listener) = listener {
            *self.0.begun.lock() = Some(Begun { channel: channel.to_owned(), listener });
        }
        Ok(())
    }

    /// What there is to count.
    pub fn figures(&self) -> Figures {
        Figures::of(&self.0.loads, &self.0.clients)
    }

    /// How busy the replicas are, in the order in which they were named.
    pub fn replicas(&self) -> Vec<ReplicaFigures> {
        self.0.replicas.figures()
    }

    /// Whether requests can be answered: the schema is known, and Postgres lets somebody in.
    pub async fn is_ready(&self) -> bool {
        self.0.schema.load().is_some() && self.0.clients.try_connect().await.is_ok()
    }

    /// Uses another configuration from the next request on.
    pub fn configure(&self, config: Config) {
        self.0.config.store(Arc::new(config));
    }

    /// Follows announcements on `channel` until `stop`: `reload schema` or nothing reads the schema anew, `reload config` asks
    /// `configuration` for another configuration and then reads the schema.
    pub async fn follow<F, R>(&self, channel: &str, configuration: F, stop: CancellationToken)
    where
        F: Fn() -> R + Send + Sync,
        R: Future<Output = Option<Config>> + Send,
    {
        let mut pause = FIRST_PAUSE;
        while !stop.is_cancelled() {
            let round = async {
                let begun = self.0.begun.lock().take().filter(|begun| begun.channel == channel);
                let mut listener = match begun {
                    Some(begun) => begun.listener,
                    None => match self.listen_and_reload(channel).await {
                        Some(listener) => listener,
                        None => return,
                    },
                };
                pause = FIRST_PAUSE;
                loop {
                    let said = match listener.next().await {
                        Ok(Heard::Notification(said)) => said,
                        Ok(Heard::Silence) => continue,
                        Err(error) => {
                            tracing::warn!(error = error.to_string(), channel, "announcements of changes ended");
                            return;
                        }
                    };
                    // Whoever changes much announces much: a migration is one reading, and not one for each of its statements.
                    tokio::time::sleep(SETTLING).await;
                    let mut said: Vec<String> = std::iter::once(said).chain(listener.rest()).collect();
                    said.retain(|word| matches!(word.as_str(), "" | "reload schema" | "reload config"));
                    if said.iter().any(|word| word == "reload config")
                        && let Some(config) = configuration().await
                    {
                        self.configure(config);
                    }
                    if !said.is_empty() && !self.try_reload().await {
                        return;
                    }
                }
            };
            tokio::select! {
                () = round => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Listening first: what changes while the schema is read is announced again.
    async fn listen_and_reload(&self, channel: &str) -> Option<Listener> {
        match Listener::connect(&self.0.catalogue, channel).await {
            Ok(listener) => self.try_reload().await.then_some(listener),
            Err(error) => {
                tracing::warn!(error = error.to_string(), channel, "announcements of changes cannot be heard");
                None
            }
        }
    }

    async fn try_reload(&self) -> bool {
        match self.reload().await {
            Ok(()) => true,
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(error = error.to_string(), cause, "the schema cannot be read; what was known stays");
                false
            }
        }
    }

    /// Answers `request` for whoever its token proves, as PostgREST does.
    pub async fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let config = self.0.config.load_full();
        if let Some(response) = cors::preflight(&config.cors_origins, &request) {
            return self.traced(&config, &request, response);
        }
        let mut watch = Stopwatch::start();
        let now = self.0.clock.now().seconds();
        let caller = auth::caller(&config, request.headers(), now);
        watch.lap("jwt");
        let answered = match caller {
            Ok(caller) => self.try_answer(&config, &caller, &request, watch).await,
            Err(error) => Err(error.into()),
        };
        let mut response = finished(&config, answered);
        cors::expose(&config.cors_origins, request.headers().get(ORIGIN), &mut response);
        self.traced(&config, &request, response)
    }

    /// The answer to a browser that asks whether a page of another origin may call; none for any other request.
    pub fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Bytes>> {
        cors::preflight(&self.0.config.load().cors_origins, request)
    }

    /// Lets a page of another `origin`, as its request says it, see a response that was made elsewhere.
    pub fn expose<B>(&self, origin: Option<&HeaderValue>, response: &mut Response<B>) {
        cors::expose(&self.0.config.load().cors_origins, origin, response);
    }

    /// Answers `request`, whose path is below the API's own, for a caller that somebody else has verified.
    pub async fn answer_for(&self, caller: &Caller, request: &Request<Bytes>) -> Response<Bytes> {
        let config = self.0.config.load_full();
        let mut watch = Stopwatch::start();
        watch.lap("jwt");
        let mut response = finished(&config, self.try_answer(&config, caller, request, watch).await);
        cors::expose(&config.cors_origins, request.headers().get(ORIGIN), &mut response);
        response
    }

    async fn try_answer(
        &self,
        config: &Config,
        caller: &Caller,
        http: &Request<Bytes>,
        mut watch: Stopwatch,
    ) -> Result<Response<Bytes>, Error> {
        let schema = self.0.schema.load_full().ok_or(Error::NoSchema)?;
        let mut request = ApiRequest::parse(config, http)?;
        watch.lap("parse");
        let plan = plan::plan(config, &schema, &request)?;
        watch.lap("plan");
        if config.hides_estimates && !caller.is_service && !plan.estimates_are_open(&schema) {
            request.preferences.forget_planner();
        }
        // Without a login for servers Postgres refuses the role.
        let service = if caller.is_service { self.0.service.load_full() } else { None };
        let context = Context { pool: service.as_deref().unwrap_or(&self.0.clients), config, caller };
        let mut response = match &plan {
            Plan::Statement(plan) => {
                let kind = RequestKind::of(http.method(), http.uri().path(), http.headers());
                let under_way = UnderWay::watch(config, caller, kind, &request, plan);
                let relation = &plan.target;
                let span = tracing::debug_span!("transaction", kind = kind.name(), %relation, role = caller.role);
                let outcome = self.run(context, http, &request, plan).instrument(span).await;
                if let Some(under_way) = under_way {
                    under_way.answered();
                }
                let outcome = outcome?;
                watch.lap("transaction");
                response::statement(config, &request, plan, outcome)?
            }
            Plan::Describe { head } => {
                let body = Box::pin(openapi::describe(context, &schema, http, &request)).await?;
                watch.lap("transaction");
                response::description(&request, body, *head)
            }
            Plan::TableOptions(table) => response::table_options(table),
            Plan::FunctionOptions { read_only } => response::function_options(*read_only),
            Plan::RootOptions => response::root_options(),
        };
        if !matches!(plan, Plan::Statement(_) | Plan::Describe { .. }) {
            watch.lap("transaction");
        }
        watch.lap("response");
        if config.server_timing {
            watch.show(&mut response);
        }
        Ok(response)
    }

    /// Where it may be read beside the primary, it is; and on the primary if nobody else can.
    async fn run(
        &self,
        primary: Context<'_>,
        http: &Request<Bytes>,
        request: &ApiRequest,
        plan: &StatementPlan,
    ) -> Result<Outcome, Error> {
        if let Some(replica) = self.0.replicas.for_request(http.method(), primary.caller, plan) {
            // In a box, as all that is rare: a request's future holds the largest of its ways.
            let outcome = Box::pin(Context { pool: &replica.pool, ..primary }.run(http, request, plan)).await;
            if !replica.passes_on(&outcome) {
                return outcome;
            }
        }
        primary.run(http, request, plan).await
    }

    /// Hands the caller's own trace header back.
    fn traced(&self, config: &Config, request: &Request<Bytes>, mut response: Response<Bytes>) -> Response<Bytes> {
        if let Some(name) = &config.trace_header {
            let value = request.headers().get(name).cloned().unwrap_or(HeaderValue::from_static(""));
            response.headers_mut().insert(name.clone(), value);
        }
        response
    }
}

fn finished(config: &Config, answered: Result<Response<Bytes>, Error>) -> Response<Bytes> {
    let mut response = answered.unwrap_or_else(|error| {
        if let Error::Postgres(failure) = &error {
            // The operator's part of it: what a client may not know of connections and logins.
            tracing::debug!(error = failure.error.to_string(), "Postgres refused a request");
        }
        error.told().into_response(config.terse_errors)
    });
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(http::header::RETRY_AFTER, FIRST_PAUSE.as_secs().into());
    }
    response
}
