//! What a browser shows to a page of another origin: every answer of the data API, whatever came of the request.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};

use crate::support::{Answer, TestServer, eventually, session};

const PAGE: &str = "https://app.example.com";

/// The answer to a page; which it can read, and whose id it can tell.
async fn seen(request: RequestBuilder) -> Answer {
    let answer = Answer::to(request.header("origin", PAGE)).await;
    assert_eq!(origins(&answer), ["*"], "{answer}");
    assert!(exposed(&answer).contains(&"x-request-id".to_owned()), "{answer}: {:?}", answer.headers);
    let says_when = answer.headers.contains_key("retry-after");
    assert_eq!(says_when, exposed(&answer).contains(&"retry-after".to_owned()), "{answer}");
    answer
}

fn origins(answer: &Answer) -> Vec<&str> {
    let origins = answer.headers.get_all("access-control-allow-origin").iter();
    origins.map(|origin| origin.to_str().unwrap()).collect()
}

fn exposed(answer: &Answer) -> Vec<String> {
    let names = answer.headers.get_all("access-control-expose-headers").iter();
    names.flat_map(|names| names.to_str().unwrap().split(", ").map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_page_can_read_every_refusal() {
    let server = TestServer::with(|config| {
        let options = config.data_api.as_mut().unwrap();
        options.max_body_bytes = 2048;
    })
    .await;
    let at = |method: Method, path: &str| server.request(method, path);
    let large = || at(Method::POST, "/rest/v1/boats").body(vec![b' '; 4096]);
    let refused: [(RequestBuilder, &str); 12] = [
        (at(Method::GET, "/rest/v1/boats"), "404 PGRST205"),
        (at(Method::GET, "/rest/v1/boats/1"), "404 PGRST125"),
        (at(Method::GET, "/rest/v1/boats?order=("), "400 PGRST100"),
        (at(Method::POST, "/rest/v1/"), "405 PGRST117"),
        (at(Method::TRACE, "/rest/v1/boats"), "405 PGRST117"),
        (at(Method::POST, "/rest/v1/rpc/sail"), "404 PGRST202"),
        (at(Method::GET, "/rest/v1/boats").bearer_auth("nonsense"), "401 PGRST301"),
        (at(Method::GET, "/rest/v1/boats").header("authorization", "Basic YTpi"), "401 PGRST301"),
        (large(), "413 PGRST000"),
        (at(Method::GET, "/auth/v1/user"), "501 PGRST000"),
        (at(Method::GET, "/rest/v2/boats"), "404 no-route"),
        (at(Method::GET, "/rest"), "404 no-route"),
    ];
    for (number, (request, verdict)) in refused.into_iter().enumerate() {
        assert_eq!(seen(request).await.verdict(), verdict, "number {number}");
    }
}

#[tokio::test]
async fn a_page_can_read_that_the_database_is_away() {
    let server = TestServer::with(|config| {
        config.client_connections = 1;
        config.connection_wait = Duration::from_millis(300);
    })
    .await;
    server.execute("create function public.rest_a_while() returns void language sql as 'select pg_sleep(2)'").await;
    server.execute("grant execute on function public.rest_a_while to authenticated; notify pgrst").await;
    let known =
        async || server.request(Method::OPTIONS, "/rest/v1/rpc/rest_a_while").send().await.unwrap().status() == 200;
    eventually("the function is known", known).await;
    let call = || server.request(Method::POST, "/rest/v1/rpc/rest_a_while").header("authorization", session().bearer());
    let first = async { Answer::to(call()).await.status };
    let second = async {
        // The only connection is taken.
        tokio::time::sleep(Duration::from_millis(700)).await;
        seen(call()).await
    };
    let (_, second) = tokio::join!(first, second);
    assert_eq!(second.status, 504, "{second}");
}

#[tokio::test]
async fn a_page_may_ask_before_it_calls_what_is_not_there() {
    let server = TestServer::start().await;
    for path in ["/rest/v1/boats", "/rest/v1/", "/auth/v1/token", "/rest/v2/boats"] {
        let asked = server.request(Method::OPTIONS, path).header("access-control-request-method", "POST");
        let asked = asked.header("access-control-request-headers", "apikey, x-client-info").header("origin", PAGE);
        let answer = Answer::to(asked).await;
        assert_eq!((answer.status.as_u16(), origins(&answer)), (200, vec!["*"]), "{path}: {answer}");
        let headers = answer.headers["access-control-allow-headers"].to_str().unwrap();
        assert!(headers.contains("apikey, x-client-info"), "{path}: {headers}");
    }
}

#[tokio::test]
async fn other_pages_and_other_routes_stay_closed() {
    let server = TestServer::with(|config| {
        config.data_api.as_mut().unwrap().cors_origins = vec![PAGE.to_owned()];
    })
    .await;
    let asked =
        async |path: &str, origin: &str| Answer::to(server.request(Method::GET, path).header("origin", origin)).await;
    assert_eq!(origins(&asked("/rest/v1/boats", PAGE).await), [PAGE]);
    assert_eq!(origins(&asked("/auth/v1/user", PAGE).await), [PAGE]);
    for path in ["/rest/v1/boats", "/auth/v1/user", "/rest/v2/boats"] {
        assert_eq!(origins(&asked(path, "https://elsewhere.example.com").await), [""; 0], "{path}");
    }
    for path in ["/whoami", "/healthz", "/readyz", "/metrics", "/webhooks/clerk"] {
        assert_eq!(origins(&asked(path, PAGE).await), [""; 0], "{path}");
    }
}
