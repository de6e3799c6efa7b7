//! What Prometheus is told. The recorder belongs to the process, so other tests count into it at the same time: a count
//! is right when it has grown by at least as much as this test did.

use axum::http::Method;

use crate::support::{Answer, Delivery, OTHER_SECRET, TestServer, event, eventually, session};

const NOW: i64 = crate::support::NOW;

/// The value of a series, 0 before it was first counted.
async fn value(server: &TestServer, series: &str) -> f64 {
    let page = Answer::to(server.request(Method::GET, "/metrics")).await;
    let line = page.text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

fn delivered(outcome: &str) -> String {
    format!("rowlock_deliveries_total{{outcome=\"{outcome}\"}}")
}

fn refused(code: &str) -> String {
    format!("rowlock_refusals_total{{code=\"{code}\"}}")
}

#[tokio::test]
async fn every_delivery_counts_by_its_outcome() {
    let server = TestServer::start().await;
    let mut before = Vec::new();
    for outcome in ["applied", "duplicate", "kept", "dead"] {
        before.push((outcome, value(&server, &delivered(outcome)).await));
    }
    let ada = Delivery::user_created("ada");
    server.deliver(&ada).await.ok();
    server.deliver(&ada).await.ok();
    server.deliver(&Delivery::of("msg_kept", event("agent.summoned", &serde_json::json!({})))).await.ok();
    server.deliver(&Delivery::of("msg_dead", "noise")).await.ok();
    for (outcome, before) in before {
        assert!(value(&server, &delivered(outcome)).await >= before + 1.0, "{outcome}");
    }
}

#[tokio::test]
async fn every_refusal_counts_by_its_code() {
    let server = TestServer::start().await;
    let codes = ["signature-mismatch", "missing-header", "token-expired", "no-route"];
    let mut before = Vec::new();
    for code in codes {
        before.push(value(&server, &refused(code)).await);
    }
    server.deliver(&Delivery::signed_at(OTHER_SECRET, "msg_ada", NOW, "{}")).await;
    server.deliver(&Delivery::of("msg_ada", "{}").without("svix-id")).await;
    server.whoami(session().claim("exp", NOW - 60).bearer()).await;
    server.get("/nowhere").await;
    for (code, before) in codes.into_iter().zip(before) {
        assert!(value(&server, &refused(code)).await >= before + 1.0, "{code}");
    }
}

fn requests(method: &str, kind: &str, status: &str) -> String {
    format!("rowlock_data_api_request_seconds_count{{method=\"{method}\",kind=\"{kind}\",status=\"{status}\"}}")
}

#[tokio::test]
async fn requests_to_the_data_api_count_by_kind_and_strangers_words_are_no_labels() {
    let server = TestServer::start().await;
    let expected = [
        requests("GET", "openapi", "2xx"),
        requests("GET", "read", "4xx"),
        requests("POST", "rpc", "4xx"),
        requests("DELETE", "delete", "4xx"),
        requests("OPTIONS", "options", "4xx"),
    ];
    let mut before = Vec::new();
    for series in &expected {
        before.push(value(&server, series).await);
    }
    for (method, path) in [
        (Method::GET, "/rest/v1/"),
        (Method::GET, "/rest/v1/strange_table?select=strange_column"),
        (Method::POST, "/rest/v1/rpc/strange_function"),
        (Method::DELETE, "/rest/v1/strange_table?id=eq.1"),
        (Method::OPTIONS, "/rest/v1/strange_table"),
    ] {
        server.request(method, path).send().await.unwrap();
    }
    for (series, before) in expected.iter().zip(before) {
        assert!(value(&server, series).await >= before + 1.0, "{series}");
    }
    let page = Answer::to(server.request(Method::GET, "/metrics")).await;
    assert!(!page.text.contains("strange"), "{page}");
    assert!(value(&server, "rowlock_data_api_schema_loads_total{outcome=\"read\"}").await >= 1.0, "{page}");
    assert!(page.text.contains("rowlock_pool_connections{pool=\"clients\",state=\"idle\"}"), "{page}");
}

#[tokio::test]
async fn replicas_count_and_one_that_is_down_can_be_told() {
    let nowhere = postgres::DatabaseUrl::parse("postgres://rowlock_client:secret@127.0.0.1:1/shop").unwrap();
    let server = TestServer::with(|config| {
        config.replica_database_urls = vec![config.client_database_url.clone(), nowhere];
    })
    .await;
    let figures = [
        "rowlock_pool_connections{pool=\"replica 1\",state=\"idle\"}",
        "rowlock_replica_asked{pool=\"replica 1\"}",
        "rowlock_replica_asked{pool=\"replica 2\"}",
    ];
    server.execute("create table public.boats (id int); grant select on public.boats to anon; notify pgrst").await;
    let boats = || server.request(Method::GET, "/rest/v1/boats").send();
    eventually("the table is known", async || boats().await.unwrap().status() == 200).await;
    for _ in 0..3 {
        assert_eq!(boats().await.unwrap().status(), 200);
    }
    let mut values = Vec::new();
    for series in figures {
        values.push(value(&server, series).await);
    }
    assert_eq!(values, [1.0, 1.0, 0.0]);
    let page = Answer::to(server.request(Method::GET, "/metrics")).await;
    assert!(!page.text.contains("127.0.0.1:1"), "{page}");
}

#[tokio::test]
async fn a_client_that_goes_away_counts_too() {
    let server = TestServer::start().await;
    server.execute("create function public.sleeps() returns void language sql as 'select pg_sleep(60)'").await;
    server.execute("grant execute on function public.sleeps to anon; notify pgrst").await;
    let series = requests("POST", "rpc", "dropped");
    let before = value(&server, &series).await;
    eventually("it is counted", async || {
        let request = server.request(Method::POST, "/rest/v1/rpc/sleeps");
        let _ = request.timeout(std::time::Duration::from_millis(200)).send().await;
        value(&server, &series).await >= before + 1.0
    })
    .await;
}

#[tokio::test]
async fn the_page_is_prometheus_text_and_names_nobody() {
    let server = TestServer::start().await;
    server.deliver(&Delivery::user_created("ada")).await.ok();
    server.whoami(session().bearer()).await.ok();
    eventually("the last delivery has a time", async || {
        value(&server, "rowlock_last_delivery_timestamp_seconds").await > 0.0
    })
    .await;
    let page = Answer::to(server.request(Method::GET, "/metrics")).await;
    assert_eq!(page.headers["content-type"], "text/plain; version=0.0.4");
    for name in ["user_ada", "ada@", "Lovelace", "sess_1", "msg_ada"] {
        assert!(!page.text.contains(name), "{page}");
    }
    let documented = include_str!("../../../docs/metrics.md");
    let names =
        page.text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).map(|line| line.split(' ').next().unwrap());
    let mut seen = 0;
    for name in names {
        assert!(documented.contains(&format!("`{name}`")), "docs/metrics.md does not mention {name}");
        seen += 1;
    }
    assert!(seen >= 5, "{page}");
}
