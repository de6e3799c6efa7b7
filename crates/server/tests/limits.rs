//! How often `/rest/v1` may be asked, and by whom.

use std::num::NonZeroU32;

use insta::assert_snapshot;
use reqwest::Method;
use server::config::RequestLimits;
use tokens::ApiKeys;

use crate::support::{Answer, TestServer, session};

const SECRET: &str = "sb_secret_of-at-least-32-characters";
const OTHER_SECRET: &str = "sb_secret_of-at-least-32-letters-too";

/// Two requests in a minute for everybody, behind one proxy.
async fn limited() -> TestServer {
    TestServer::with(|config| {
        let two = NonZeroU32::new(2);
        config.limits = RequestLimits { user: two, key: two, anonymous: two };
        config.trusted_proxies = 1;
        config.api_keys = ApiKeys::default().with_secret(SECRET).unwrap().with_secret(OTHER_SECRET).unwrap();
    })
    .await
}

/// The statuses of three requests one after the other.
async fn three(server: &TestServer, address: &str, headers: &[(&str, String)]) -> [u16; 3] {
    let mut statuses = [0; 3];
    for status in &mut statuses {
        let mut request = server.request(Method::GET, "/rest/v1/").header("x-forwarded-for", address);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        *status = Answer::to(request).await.status.as_u16();
    }
    statuses
}

#[tokio::test]
async fn each_user_key_and_address_has_requests_of_its_own() {
    let server = limited().await;
    let user = |id: &str| vec![("authorization", session().claim("sub", id).bearer())];
    let home = "203.0.113.1";
    assert_eq!(three(&server, home, &user("user_ada")).await, [200, 200, 429]);
    assert_eq!(three(&server, home, &user("user_bob")).await, [200, 200, 429]);
    // Another address, another device: still Ada.
    let tablet = vec![("authorization", session().claim("sub", "user_ada").claim("sid", "sess_2").bearer())];
    assert_eq!(three(&server, "203.0.113.2", &tablet).await, [429, 429, 429]);
    assert_eq!(three(&server, home, &[("apikey", SECRET.to_owned())]).await, [200, 200, 429]);
    assert_eq!(three(&server, home, &[("apikey", OTHER_SECRET.to_owned())]).await, [200, 200, 429]);
    assert_eq!(three(&server, home, &[]).await, [200, 200, 429]);
    assert_eq!(three(&server, "203.0.113.2", &[]).await, [200, 200, 429]);
}

#[tokio::test]
async fn who_guesses_keys_and_tokens_counts_as_an_address_and_cannot_change_it() {
    let server = limited().await;
    let guess = |number: u8| vec![("authorization", format!("Bearer forged.forged.{number}"))];
    let statuses = three(&server, "203.0.113.1", &guess(1)).await;
    assert_eq!(statuses, [401, 401, 429]);
    assert_eq!(three(&server, "6.6.6.6, 203.0.113.1", &guess(2)).await, [429, 429, 429]);
    let key = vec![("apikey", "sb_secret_that-is-only-a-guess-at-one".to_owned())];
    assert_eq!(three(&server, "203.0.113.1", &key).await, [429, 429, 429]);
    // A key that is unknown beside a user's token makes nobody somebody else.
    let ada = |key: &str| vec![("authorization", session().bearer()), ("apikey", key.to_owned())];
    assert_eq!(three(&server, "203.0.113.1", &ada("one")).await, [200, 200, 429]);
    assert_eq!(three(&server, "203.0.113.1", &ada("two")).await, [429, 429, 429]);
}

#[tokio::test]
async fn too_many_is_said_in_postgrests_form_where_a_page_can_read_it() {
    let server = limited().await;
    three(&server, "203.0.113.1", &[]).await;
    let request = server.request(Method::GET, "/rest/v1/").header("x-forwarded-for", "203.0.113.1");
    let answer = Answer::to(request.header("origin", "https://app.example.com")).await;
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    let text = answer.text.replace(&format!("in {wait} s"), "in a while");
    assert_snapshot!(text, @r#"{"code":"PT429","details":"too-many-requests","hint":"the limits are in the section `limits` of the configuration","message":"too many requests; come back in a while"}"#);
    assert!((20..=30).contains(&wait), "{answer}");
    let exposed = answer.headers.get_all("access-control-expose-headers").iter();
    assert!(exposed.into_iter().any(|names| names == "retry-after"), "{:?}", answer.headers);
    assert_eq!(answer.headers["access-control-allow-origin"], "*");
    // A browser's question before a request is free.
    let preflight = server
        .request(Method::OPTIONS, "/rest/v1/")
        .header("x-forwarded-for", "203.0.113.1")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "GET");
    assert_eq!(preflight.send().await.unwrap().status(), 200);
}
