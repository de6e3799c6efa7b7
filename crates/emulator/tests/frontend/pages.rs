//! The emulator's own pages: who is there, and one click to be anybody.

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use super::{ada, claims};
use crate::support::{Browser, acme, id, start};

const PROXY: &str = "http://localhost:3000/__clerk";

async fn text(browser: &Browser, request: RequestBuilder) -> String {
    let response = browser.send(request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(response.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    response.text().await.unwrap()
}

fn through_app(request: RequestBuilder, secret_key: &str) -> RequestBuilder {
    request.header("clerk-proxy-url", PROXY).header("clerk-secret-key", secret_key)
}

fn location(response: &reqwest::Response) -> Url {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    Url::parse(response.headers()[header::LOCATION].to_str().unwrap()).unwrap()
}

fn form(request: RequestBuilder, members: &[(&str, &str)]) -> RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
    request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
}

#[tokio::test]
async fn the_overview_shows_what_there_is_and_escapes_it() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let invitation = json!({ "email_address": "bob@example.com", "role": "org:member" });
    emulator.backend().post(&format!("/v1/organizations/{}/invitations", id(&organization)), &invitation).unwrap();
    emulator
        .users()
        .create(&json!({ "email_address": ["eve@example.com"], "first_name": "<script>alert(1)" }))
        .unwrap();
    emulator.sessions().create(id(&user), None).unwrap();
    let browser = Browser::of(&emulator);
    let form = [("identifier", "eve@example.com"), ("strategy", "email_code")];
    browser.post("/v1/client/sign_ins", &form).await.ok();
    let page = text(&browser, browser.request(Method::GET, "/")).await;
    for shown in ["Ada", "Acme", "organization.created", "nobody listens", "Your verification code is "] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("<script>"), "{page}");
    let link = format!("<a href=\"{}/v1/tickets/accept?ticket=", emulator.base_url());
    assert!(page.contains(&link), "a mail's link can be followed: {page}");
    // What is out of the ordinary is said.
    assert!(!page.contains("ahead of the world") && !page.contains("503"), "{page}");
    emulator.advance(std::time::Duration::from_secs(61));
    emulator.set_outage(emulator::Outage { api: false, jwks: true });
    let page = text(&browser, browser.request(Method::GET, "/")).await;
    for shown in ["The time here is 61 s ahead of the world.", "The key set answers 503"] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains(emulator.secret_key()), "no secret is on a page");
}

#[tokio::test]
async fn in_an_app_a_click_signs_in_whoever_was_there_before() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let bob = emulator.users().create(&json!({ "email_address": ["bob@example.com"] })).unwrap();
    let browser = Browser::of(&emulator);
    let click = async |user: &Value, organization: &str| {
        let members = [("user_id", id(user)), ("organization_id", organization), ("redirect_url", "/dashboard")];
        let request = form(browser.request(Method::POST, "/sign-in"), &members);
        let request = request.header("sec-fetch-site", "same-origin");
        location(&browser.send(through_app(request, emulator.secret_key())).await)
    };
    let to = click(&bob, "").await;
    assert_eq!((to.origin().ascii_serialization().as_str(), to.path()), ("http://localhost:3000", "/dashboard"));
    assert!(to.query().unwrap().starts_with("__clerk_db_jwt=dvb_"), "{to}");
    assert_eq!(browser.client().await["sessions"][0]["user"]["id"], bob["id"]);
    click(&user, id(&organization)).await;
    let client = browser.client().await;
    assert_eq!(client["sessions"].as_array().unwrap().len(), 1, "a browser takes one person");
    let token = claims(client["sessions"][0]["last_active_token"]["jwt"].as_str().unwrap());
    assert_eq!((&token["sub"], &token["o"]["id"]), (&user["id"], &organization["id"]));
}

#[tokio::test]
async fn at_its_own_address_a_click_leads_to_the_app() {
    let (emulator, _, _) = start().await;
    let user = ada(&emulator);
    let browser = Browser::of(&emulator);
    let page = text(&browser, browser.request(Method::GET, "/sign-in?q=ADA")).await;
    assert!(page.contains("Ada") && page.contains("no app has asked"), "{page}");
    let nobody = text(&browser, browser.request(Method::GET, "/sign-in?q=nobody")).await;
    assert!(nobody.contains("Nobody's name"), "{nobody}");

    let click = |app: &str| form(browser.request(Method::POST, "/sign-in"), &[("user_id", id(&user)), ("app", app)]);
    let to = location(&browser.send(click(PROXY)).await);
    assert_eq!(to.path(), "/__clerk/sign-in/arrive");
    let path = format!("/sign-in/arrive?{}", to.query().unwrap());
    let arrive = async || browser.send(through_app(browser.request(Method::GET, &path), emulator.secret_key())).await;
    assert_eq!(location(&arrive().await).path(), "/");
    assert_eq!(browser.client().await["sessions"][0]["user"]["id"], user["id"]);
    assert_eq!(arrive().await.status(), StatusCode::BAD_REQUEST, "a ticket works once");

    let elsewhere = browser.send(click("https://evil.example/__clerk")).await;
    assert_eq!(elsewhere.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let foreign = click(PROXY).header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(foreign).await.status(), StatusCode::FORBIDDEN);
}
