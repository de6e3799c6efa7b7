//! What holds for every request of a page: whose it is, from where, and what may be told to whom.

use emulator::Emulator;
use reqwest::{Method, StatusCode, header};
use serde_json::json;

use super::ada;
use crate::support::{APP, Browser, read, start};

#[tokio::test]
async fn both_halves_share_an_address() {
    let (emulator, client, _) = start().await;
    ada(&emulator);
    let browser = Browser::of(&emulator);
    browser.sign_in("ada+clerk_test@example.com", "correct horse").await;
    // The same path: a page creates an organization of its own, a server any.
    let page = browser.post("/v1/organizations", &[("name", "Of a page")]).await.ok();
    assert_eq!(page["response"]["members_count"], 1);
    let server = client.post("/v1/organizations", json!({ "name": "Of a server" })).await.ok();
    assert_eq!(server["name"], "Of a server");
    let neither = read(client.anonymous(Method::POST, "/v1/organizations")).await;
    assert_eq!(neither.refused(), "401 authentication_invalid");
    assert_eq!(browser.get("/v1/client/unheard_of").await.refused(), "501 not_emulated");
    assert_eq!(browser.get("/v1/client").await.content_type, "application/json");
}

#[tokio::test]
async fn answers_are_told_to_pages_of_this_machine_only() {
    let (emulator, _, _) = start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |method: Method, origin: &str| {
        let request = http.request(method, format!("{}/v1/client", emulator.base_url()));
        let request = request.header(header::ORIGIN, origin).header("access-control-request-method", "POST");
        request.send().await.unwrap()
    };
    let allowed = ask(Method::OPTIONS, APP).await;
    assert_eq!(allowed.headers()["access-control-allow-origin"], APP);
    assert_eq!(allowed.headers()["access-control-allow-credentials"], "true");
    assert_eq!(ask(Method::GET, APP).await.headers()["access-control-allow-origin"], APP);
    for elsewhere in ["https://evil.example", "null", "http://localhost.evil.example"] {
        for method in [Method::OPTIONS, Method::GET] {
            let answer = ask(method, elsewhere).await;
            assert!(answer.headers().get("access-control-allow-origin").is_none(), "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_refused() {
    let (emulator, _, _) = start().await;
    let browser = Browser::of(&emulator);
    let named = |host: &str| browser.request(Method::GET, "/v1/client").header(header::HOST, host);
    assert_eq!(read(named("evil.example")).await.refused(), "400 host_invalid");
    for own in ["localhost:4455", "127.0.0.1:4455", "[::1]:4455"] {
        assert_eq!(read(named(own)).await.status, StatusCode::OK, "{own}");
    }
    // In a container network the app's server knows the emulator by a name, and proves itself.
    let proxied = named("clerk:4455").header("clerk-proxy-url", "http://localhost:3000/__clerk");
    let proxied = proxied.header("clerk-secret-key", emulator.secret_key());
    assert_eq!(read(proxied).await.status, StatusCode::OK);
}

#[tokio::test]
async fn account_pages_are_where_the_app_serves_them() {
    let (emulator, _, _) = start().await;
    let browser = Browser::of(&emulator);
    let direct = browser.get("/v1/environment").await.ok();
    assert_eq!(direct["display_config"]["sign_in_url"], format!("{}/sign-in", emulator.base_url()));
    let request = browser.request(Method::GET, "/v1/environment");
    let request = request.header("clerk-proxy-url", "http://localhost:3000/__clerk");
    let proxied = read(request.header("clerk-secret-key", emulator.secret_key())).await.ok();
    assert_eq!(proxied["display_config"]["sign_in_url"], "http://localhost:3000/__clerk/sign-in");
    assert_eq!(proxied["auth_config"]["single_session_mode"], true);
}

#[tokio::test]
async fn whoever_is_not_signed_in_gets_no_further() {
    let (emulator, _, _) = start().await;
    let browser = Browser::of(&emulator);
    let asked = [
        "/v1/me",
        "/v1/me/organization_memberships",
        "/v1/me/organization_invitations",
        "/v1/me/sessions/active",
        "/v1/organizations/org_1",
        "/v1/organizations/org_1/memberships",
        "/v1/organizations/org_1/invitations",
        "/v1/organizations/org_1/roles",
        "/v1/organizations/org_1/domains",
        "/v1/client/sessions/sess_1",
    ];
    for path in asked {
        assert_eq!(browser.get(path).await.refused(), "401 authentication_invalid", "{path}");
    }
    let changed = [
        "/v1/organizations",
        "/v1/organizations/org_1/invitations",
        "/v1/me/email_addresses",
        "/v1/me/change_password",
        "/v1/client/sessions/sess_1/tokens",
        "/v1/client/sessions/sess_1/touch",
        "/v1/client/sign_ins/sia_1/attempt_first_factor",
    ];
    let form = [
        ("name", "x"),
        ("email_address", "x@example.com"),
        ("role", "org:member"),
        ("new_password", "correct horse"),
        ("strategy", "password"),
        ("password", "correct horse"),
    ];
    for path in changed {
        assert_eq!(browser.post(path, &form).await.refused(), "401 authentication_invalid", "{path}");
    }
    let forged: Emulator = emulator;
    let request = browser.request(Method::GET, "/v1/me?_clerk_js_version=6");
    let forged_cookie = format!("__client_{}=client_x.secret", "suffix");
    let answer = read(request.header(header::COOKIE, forged_cookie)).await;
    assert_eq!(answer.refused(), "401 authentication_invalid", "{}", forged.base_url());
}

#[tokio::test]
async fn what_pages_have_at_clerk_and_not_here_is_not_taken_for_a_server_without_a_key() {
    let (emulator, _, _) = start().await;
    let browser = Browser::of(&emulator);
    for path in ["/v1/billing/plans", "/v1/me/billing/subscription", "/api_keys", "/v1/me/web3_wallets"] {
        assert_eq!(browser.get(path).await.refused(), "501 not_emulated", "{path}");
        // clerk-js asks for API keys with the session's token.
        let request = browser.request(Method::GET, &format!("{path}?_clerk_js_version=6.40.0"));
        assert_eq!(read(request.bearer_auth("a.session.token")).await.refused(), "501 not_emulated", "{path}");
    }
}

#[tokio::test]
async fn scripts_that_are_not_there_name_the_command() {
    let (emulator, _, _) = start().await;
    let browser = Browser::of(&emulator);
    let script = async |path: &str| browser.send(browser.request(Method::GET, path)).await;
    let main = script("/npm/@clerk/clerk-js@6/dist/clerk.browser.js").await;
    if emulator::scripts_installed() {
        assert_eq!(main.status(), 200);
        assert_eq!(main.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert!(main.text().await.unwrap().contains("6.40.0"));
        let exact = script("/npm/@clerk/ui@1.36.0/dist/ui.browser.js").await;
        assert!(exact.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    } else {
        assert_eq!(main.status(), 503);
        assert!(main.text().await.unwrap().contains("rowlock clerk install"));
    }
    assert_eq!(script("/npm/@clerk/clerk-js@5/dist/clerk.browser.js").await.status(), 501);
    assert_eq!(script("/npm/@clerk/clerk-js@6/dist/%2e%2e/package.json").await.status(), 404);
}
