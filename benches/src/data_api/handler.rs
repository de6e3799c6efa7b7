//! The handler that people would write by hand if they knew all requests beforehand: token, one flight, bytes.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use clerk::{Clock, SystemClock};
use futures_util::join;
use postgres::{Connection, DatabaseUrl, Pool, PoolOptions};
use tokens::{HttpKeySource, KeyCache, Principal, Verifier, VerifierOptions};
use tokio_postgres::Statement;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use super::Instructions;
use super::captured::{Captured, Sent};

/// As many as `rowlock serve` opens unless told otherwise.
const CONNECTIONS: usize = 16;

struct Handler {
    verifier: Verifier,
    pool: Pool,
    requests: HashMap<String, Captured>,
    /// Of each connection, by its number and the statement's text.
    prepared: parking_lot::Mutex<HashMap<(String, String), Statement>>,
}

/// Serves what the instructions on standard input say, until the process is ended.
pub(crate) async fn run() -> Result<()> {
    let instructions: Instructions = serde_json::from_reader(std::io::stdin()).context("no instructions")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let source = HttpKeySource::new(format!("{}/.well-known/jwks.json", instructions.issuer).parse()?, None)?;
    let options = VerifierOptions {
        authorized_parties: vec![instructions.authorized_party],
        ..VerifierOptions::for_issuer(instructions.issuer)
    };
    let verifier = Verifier::new(options, KeyCache::new(source, Arc::clone(&clock)), clock);
    verifier.keys().warm().await.map_err(|reason| anyhow!("the keys cannot be had: {reason}"))?;
    let options = PoolOptions { size: CONNECTIONS, ..PoolOptions::default() };
    let pool = Pool::new(&DatabaseUrl::parse(&instructions.database_url)?, &options)?;
    let requests = instructions.requests.into_iter().map(|(request, captured)| (request.path, captured)).collect();
    let handler = Arc::new(Handler { verifier, pool, requests, prepared: parking_lot::Mutex::default() });
    let listener = tokio::net::TcpListener::bind(instructions.address).await?;
    axum::serve(listener, Router::new().fallback(answer).with_state(handler)).await?;
    Ok(())
}

async fn answer(State(handler): State<Arc<Handler>>, request: HttpRequest) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (parts, body) = request.into_parts();
    // The body is read and, being known, not looked at.
    if axum::body::to_bytes(body, 1 << 20).await.is_err() {
        return StatusCode::BAD_REQUEST.into_response();
    }
    match handler.rows(&path, &parts.headers).await {
        Ok(body) => ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

impl Handler {
    async fn rows(&self, path: &str, headers: &HeaderMap) -> Result<Vec<u8>> {
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).context("no token")?;
        let token = token.strip_prefix("Bearer ").context("no token")?;
        let claims = self.verifier.verify(token).await.map_err(|refusal| anyhow!("{refusal}"))?;
        let principal = Principal::from(&claims);
        let captured = self.requests.get(path).context("no such request")?;
        let connection = self.pool.get().await?;
        // A plan belongs to a role: what is prepared before the role is set is planned anew. Settings are as captured, but the
        // claims are this caller's.
        let mut settings = captured.settings.clone();
        if let Some(position) =
            settings.parameters.iter().position(|name| name.as_deref() == Some("request.jwt.claims"))
        {
            settings.parameters[position + 1] = Some(principal.claims_json().to_owned());
        }
        let set = self.prepared(&connection, &settings, None).await?;
        let scope = Some((captured.begin.as_str(), &settings));
        let statement = self.prepared(&connection, &captured.statement, scope).await?;
        let (set_values, values) = (texts(&settings), texts(&captured.statement));
        let (set_values, values) = (references(&set_values), references(&values));
        let (begun, was_set, rows, ended) = join!(
            connection.batch_execute(&captured.begin),
            connection.query(&set, &set_values),
            connection.query(&statement, &values),
            connection.batch_execute("commit"),
        );
        begun?;
        was_set?;
        let rows = rows?;
        ended?;
        let body: Raw = rows.first().context("no row")?.try_get("body")?;
        Ok(body.0)
    }

    /// The statement on this connection, prepared where that has not been done; in `scope`, because names are looked up there.
    async fn prepared(&self, connection: &Connection, sent: &Sent, scope: Option<(&str, &Sent)>) -> Result<Statement> {
        let key = (Connection::id(connection).to_string(), sent.text.clone());
        if let Some(statement) = self.prepared.lock().get(&key) {
            return Ok(statement.clone());
        }
        let statement = match scope {
            None => connection.prepare_typed(&sent.text, &vec![Type::TEXT; sent.parameters.len()]).await?,
            Some((begin, settings)) => {
                let values = texts(settings);
                let in_scope = async |types: &[Type]| {
                    connection.batch_execute(begin).await?;
                    connection.query(&settings.text, &references(&values)).await?;
                    let statement = connection.prepare_typed(&sent.text, types).await;
                    connection.batch_execute("rollback").await?;
                    statement
                };
                match in_scope(&[]).await {
                    Ok(statement) => statement,
                    // What Postgres cannot tell the type of is the body, and comes first.
                    Err(_) => in_scope(&[Type::JSON]).await?,
                }
            }
        };
        self.prepared.lock().insert(key, statement.clone());
        Ok(statement)
    }
}

#[derive(Debug)]
struct Text<'a>(&'a Option<String>);

fn texts(sent: &Sent) -> Vec<Text<'_>> {
    sent.parameters.iter().map(Text).collect()
}

fn references<'a>(texts: &'a [Text<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    texts.iter().map(|text| text as _).collect()
}

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(text) = self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    tokio_postgres::types::to_sql_checked!();
}

struct Raw(Vec<u8>);

impl<'a> tokio_postgres::types::FromSql<'a> for Raw {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(bytes.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
