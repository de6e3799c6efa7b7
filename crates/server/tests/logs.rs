//! What is written to the log, and what never is.

use std::cell::RefCell;
use std::io::Write;
use std::sync::{Arc, Once};

use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::support::{Answer, Delivery, OTHER_SECRET, SECRET, TestServer, session};

thread_local! {
    /// Who listens on this thread, and down to which level.
    static LISTENER: RefCell<Option<(Log, LevelFilter)>> = const { RefCell::new(None) };
}

/// What is logged on the thread of one test, where its whole server runs.
///
/// The subscriber is the process's. One for each thread would lose lines: `tracing` remembers whether anybody wants a
/// line, and may ask a thread that does not.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn listen(level: LevelFilter) -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let listened_to = dynamic_filter_fn(|metadata, _| {
                LISTENER.with_borrow(|listener| listener.as_ref().is_some_and(|(_, level)| metadata.level() <= level))
            });
            let writer =
                || LISTENER.with_borrow(|listener| listener.as_ref().map(|(log, _)| log.clone()).unwrap_or_default());
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer);
            tracing_subscriber::registry().with(lines.with_filter(listened_to)).init();
        });
        let log = Self::default();
        LISTENER.set(Some((log.clone(), level)));
        log
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }

    /// The lines with this message.
    fn lines(&self, message: &str) -> Vec<Value> {
        let lines = self.text();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["message"] == message).collect()
    }
}

#[tokio::test]
async fn failures_are_logged_once_and_louder_when_they_are_ours() {
    let log = Log::listen(LevelFilter::TRACE);
    let server = TestServer::start().await;
    server.deliver(&Delivery::of("msg_ada", "{}").header("svix-signature", "v1,AAAA")).await;
    let refused = log.lines("request refused");
    assert_eq!(refused.len(), 1, "{}", log.text());
    let line = &refused[0];
    assert_eq!(
        (&line["level"], &line["code"], &line["status"]),
        (&json!("INFO"), &json!("signature-mismatch"), &json!(401))
    );
    let span = &line["span"];
    assert_eq!((&span["method"], &span["route"]), (&json!("POST"), &json!("/webhooks/clerk")));
    assert_eq!(span["request_id"].as_str().unwrap().len(), 36);

    server.execute("alter table rowlock.inbox rename to inbox_elsewhere").await;
    server.deliver(&Delivery::user_created("ada")).await;
    let failed = log.lines("request failed");
    assert_eq!(failed.len(), 1, "{}", log.text());
    assert_eq!((&failed[0]["level"], &failed[0]["code"]), (&json!("ERROR"), &json!("not-stored")));
    let error = failed[0]["error"].as_str().unwrap();
    assert!(error.contains("relation \"rowlock.inbox\" does not exist (42P01)"), "{error}");
}

#[tokio::test]
async fn an_error_names_its_request_also_when_only_errors_are_logged() {
    let log = Log::listen(LevelFilter::ERROR);
    let server = TestServer::start().await;
    server.execute("alter table rowlock.inbox rename to inbox_elsewhere").await;
    let answer = server.deliver(&Delivery::user_created("ada")).await;
    let failed = log.lines("request failed");
    assert_eq!(failed.len(), 1, "{}", log.text());
    assert_eq!(failed[0]["span"]["request_id"], answer.headers["x-request-id"].to_str().unwrap());
}

#[tokio::test]
async fn nothing_about_people_and_no_secret_is_logged_at_any_level() {
    let log = Log::listen(LevelFilter::TRACE);
    let server = TestServer::start().await;
    let (good, bad) = (session().signed(), session().claim("iss", "https://clerk.example.org").signed());
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.deliver(&Delivery::signed_at(OTHER_SECRET, "msg_bob", crate::support::NOW, "ada@example.com")).await;
    server
        .deliver(&Delivery::of("msg_noise", r#"{"type":"user.created","data":{"first_name":"ada@example.com"}}"#))
        .await;
    server.whoami(format!("Bearer {good}")).await.ok();
    server.whoami(format!("Bearer {bad}")).await;
    server.whoami("Basic YWRhOmh1c2g=").await;
    server.get("/users/ada@example.com?token=hush").await;
    Answer::to(server.request(reqwest::Method::GET, "/whoami?email=ada@example.com").header("cookie", "hush")).await;
    // Postgres quotes the row in the detail of this error, each value from its beginning, and the row holds the body.
    server.execute("alter table rowlock.inbox add constraint full_up check (delivery_id = 'msg_ada') not valid").await;
    assert_eq!(server.deliver(&Delivery::of("msg_eve", "ada@example.com, Lovelace")).await.verdict(), "503 not-stored");
    // And the value itself in the message of this one.
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin
           raise exception 'invalid input syntax for type integer: \"%\"', encode(new.body, 'escape') using errcode = '22P02';
         end $$;
         alter table rowlock.inbox drop constraint full_up;
         create trigger refuse before insert on rowlock.inbox for each row execute function refuse()";
    server.execute(refuse).await;
    assert_eq!(server.deliver(&Delivery::user_created("eve")).await.verdict(), "503 not-stored");
    server.stop().await;

    let text = log.text();
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let secrets = [SECRET, OTHER_SECRET, "hush", "YWRhOmh1c2g", "ada@", "Lovelace", "hunter2"].map(str::to_owned);
    let more = [signature(&good), signature(&bad), hex("ada@"), hex("Lovelace")];
    for secret in secrets.iter().chain(&more) {
        let line = text.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{secret} is in the log: {line:?}");
    }
    assert!(log.lines("request failed").len() == 2 && log.lines("request refused").len() >= 4, "{text}");
}

#[tokio::test]
async fn one_request_writes_no_long_lines() {
    let log = Log::listen(LevelFilter::TRACE);
    let server = TestServer::start().await;
    let long = "x".repeat(20_000);
    let method = reqwest::Method::from_bytes(long.as_bytes()).unwrap();
    Answer::to(server.request(method, "/whoami")).await;
    server.get(&format!("/{long}")).await;
    Answer::to(server.request(reqwest::Method::GET, "/nowhere").header("x-request-id", &long)).await;
    server.whoami(format!("Bearer {long}")).await;
    server.deliver(&Delivery::of("msg_ada", "{}").header("svix-timestamp", &long)).await;
    server.deliver(&Delivery::of("msg_ada", "{}").header("svix-id", &long)).await;
    let longest = log.text().lines().map(str::len).max().unwrap();
    assert!(longest < 2_000, "a line is {longest} bytes long");
    assert_eq!(log.lines("request refused").len(), 6);
}

#[tokio::test]
async fn what_is_slow_is_logged_without_a_value_or_a_word_of_the_callers() {
    let log = Log::listen(LevelFilter::TRACE);
    let server = TestServer::with(|config| {
        if let Some(options) = &mut config.data_api {
            options.slow_after = Some(std::time::Duration::from_millis(50));
        }
    })
    .await;
    server
        .execute(
            "create view public.naps as with nap as materialized (select pg_sleep(0.06) as over)
               select 1 as id from nap where over is not null;
             create view public.glances as select 1 as id;
             grant select on public.naps, public.glances to authenticated; notify pgrst",
        )
        .await;
    let ask = async |path: &str| {
        let request = server.request(Method::GET, &format!("/rest/v1/{path}"));
        request.header("authorization", session().bearer()).send().await.unwrap().status()
    };
    crate::support::eventually("the views are known", async || ask("glances").await == 200).await;
    for hushed in [-1_234_567, -7_654_321] {
        assert_eq!(ask(&format!("naps?select=whispered:id&id=gt.{hushed}")).await, 200);
    }
    let lines = log.lines("a request was slow");
    assert_eq!(lines.len(), 2, "{}", log.text());
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(
        (&lines[0]["kind"], &lines[0]["relation"], &lines[0]["role"], &lines[0]["answered"]),
        (&json!("read"), &json!("public.naps"), &json!("authenticated"), &json!(true))
    );
    assert!(lines[0]["milliseconds"].as_u64().unwrap() >= 50, "{}", lines[0]);
    assert_eq!(lines[0]["fingerprint"], lines[1]["fingerprint"], "the values differ, and nothing else");
    for word in ["whispered", "1234567"] {
        assert!(!log.text().contains(word), "{}", log.text());
    }
}
