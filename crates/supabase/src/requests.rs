//! What `pg_net` does: requests over HTTP that a transaction has asked for, sent after it.
//!
//! The queue and the answers are tables; a notification says that there is something to do, and a look now and then finds what was
//! asked for while nobody listened. A request is taken from the queue before it is sent, as with `pg_net`: after a crash it is lost and
//! not sent twice.

use std::time::Duration;

use futures_util::future::join_all;
use postgres::{Error, Heard, Listener, Pool};
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tokio_util::sync::CancellationToken;

/// Where the stand-in says that there is something to send.
const CHANNEL: &str = "rowlock_net";
/// Between two looks, and after a failure.
const LOOK: Duration = Duration::from_secs(5);
/// The longest that an answer is waited for, whatever was asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Sends what is asked for until `stop`.
pub async fn send_requests(owner: Pool, stop: CancellationToken) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
    let sending = async {
        loop {
            if let Ok(mut listener) = Listener::connect(&owner, CHANNEL).await {
                while send_all(&owner, &http).await.is_ok() {
                    match tokio::time::timeout(LOOK, listener.next()).await {
                        Ok(Ok(Heard::Notification(_) | Heard::Silence)) | Err(_) => {}
                        Ok(Err(_)) => break,
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = sending => {}
        () = stop.cancelled() => {}
    }
}

/// Sends until the queue is empty.
async fn send_all(owner: &Pool, http: &reqwest::Client) -> Result<(), Error> {
    loop {
        let client = owner.get().await?;
        let exists = client.query_one("select to_regclass('net.http_request_queue') is not null", &[]).await;
        if !exists.map_err(Error::Statement)?.get::<_, bool>(0) {
            return Ok(());
        }
        let taken = client.query(include_str!("../../../sql/supabase/take_requests.sql"), &[]).await;
        let taken = taken.map_err(Error::Statement)?;
        drop(client);
        if taken.is_empty() {
            return Ok(());
        }
        let answers = join_all(taken.iter().map(|row| send(http, row))).await;
        let client = owner.get().await?;
        for (row, answer) in taken.iter().zip(answers) {
            let statement = include_str!("../../../sql/supabase/store_response.sql");
            let id: i64 = row.get("id");
            let Answer { status, content_type, headers, content, timed_out, error } = &answer;
            let values: [&(dyn ToSql + Sync); 7] = [&id, status, content_type, headers, content, timed_out, error];
            client.execute(statement, &values).await.map_err(Error::Statement)?;
        }
    }
}

/// What became of a request, as its row has it.
#[derive(Debug, Default)]
struct Answer {
    status: Option<i32>,
    content_type: Option<String>,
    headers: Option<Value>,
    content: Option<String>,
    timed_out: Option<bool>,
    error: Option<String>,
}

async fn send(http: &reqwest::Client, row: &Row) -> Answer {
    let wait = u64::try_from(row.get::<_, i32>("timeout_milliseconds")).unwrap_or_default();
    let wait = Duration::from_millis(wait).min(LONGEST_WAIT);
    match try_send(http, row, wait).await {
        Ok(answer) => answer,
        Err(error) => {
            Answer { timed_out: Some(error.is_timeout()), error: Some(with_causes(&error)), ..Answer::default() }
        }
    }
}

async fn try_send(http: &reqwest::Client, row: &Row, wait: Duration) -> Result<Answer, reqwest::Error> {
    let method = row.get::<_, &str>("method").parse().unwrap_or(reqwest::Method::GET);
    let mut request = http.request(method, row.get::<_, &str>("url")).timeout(wait);
    if let Some(Value::Object(headers)) = row.get::<_, Option<Value>>("headers") {
        for (name, value) in headers {
            request = request.header(name, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    if let Some(body) = row.get::<_, Option<Vec<u8>>>("body") {
        request = request.body(body);
    }
    let response = request.send().await?;
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Map<String, Value> =
        response.headers().iter().map(|(name, value)| (name.to_string(), text(value).into())).collect();
    let content_type = response.headers().get(reqwest::header::CONTENT_TYPE).map(text);
    let status = Some(i32::from(response.status().as_u16()));
    // Text in Postgres holds no NUL.
    let content = response.text().await?.replace('\0', "");
    Ok(Answer {
        status,
        content_type,
        headers: Some(headers.into()),
        content: Some(content),
        timed_out: Some(false),
        error: None,
    })
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
