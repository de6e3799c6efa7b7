//! Every route, and what it gives to whom. A route that is added adds a line to this table, and somebody reads it.

use std::fmt::Write as _;

use insta::assert_snapshot;
use reqwest::Method;
use server::ROUTES;

use crate::support::{Answer, Delivery, NOW, OTHER_SECRET, TestServer, session};

#[tokio::test]
async fn who_gets_what() {
    let server = TestServer::start().await;
    let good = session().bearer();
    let expired = session().claim("exp", NOW - 60).bearer();
    let forged = format!("Bearer {}", session().signed().split('.').take(2).collect::<Vec<_>>().join(".") + ".AAAA");
    let stranger = Delivery::signed_at(OTHER_SECRET, "msg_ada", NOW, "{}");
    let signed = Delivery::user_created("ada");
    let mut table = String::new();
    for route in ROUTES {
        let path = route.path.replace("{*path}", "tasks");
        let request = || server.request(route.method.clone(), &path);
        let callers = [
            ("nobody", request()),
            ("forged token", request().header("authorization", &forged)),
            ("expired token", request().header("authorization", &expired)),
            ("session", request().header("authorization", &good)),
            ("foreign delivery", stranger.on(request())),
            ("signed delivery", signed.on(request())),
        ];
        for (caller, request) in callers {
            let verdict = Answer::to(request).await;
            let verdict = if verdict.status.is_success() { "200".to_owned() } else { verdict.verdict() };
            writeln!(table, "{:<7} {:<16} {caller:<16} {verdict}", route.method.as_str(), route.path).unwrap();
        }
    }
    assert_snapshot!(table, @"
    POST    /webhooks/clerk  nobody           401 missing-header
    POST    /webhooks/clerk  forged token     401 missing-header
    POST    /webhooks/clerk  expired token    401 missing-header
    POST    /webhooks/clerk  session          401 missing-header
    POST    /webhooks/clerk  foreign delivery 401 signature-mismatch
    POST    /webhooks/clerk  signed delivery  200
    GET     /whoami          nobody           200
    GET     /whoami          forged token     401 token-invalid-signature
    GET     /whoami          expired token    401 token-expired
    GET     /whoami          session          200
    GET     /whoami          foreign delivery 200
    GET     /whoami          signed delivery  200
    GET     /healthz         nobody           200
    GET     /healthz         forged token     200
    GET     /healthz         expired token    200
    GET     /healthz         session          200
    GET     /healthz         foreign delivery 200
    GET     /healthz         signed delivery  200
    GET     /readyz          nobody           200
    GET     /readyz          forged token     200
    GET     /readyz          expired token    200
    GET     /readyz          session          200
    GET     /readyz          foreign delivery 200
    GET     /readyz          signed delivery  200
    GET     /metrics         nobody           200
    GET     /metrics         forged token     200
    GET     /metrics         expired token    200
    GET     /metrics         session          200
    GET     /metrics         foreign delivery 200
    GET     /metrics         signed delivery  200
    GET     /rest/v1/        nobody           200
    GET     /rest/v1/        forged token     401 PGRST301
    GET     /rest/v1/        expired token    401 PGRST303
    GET     /rest/v1/        session          200
    GET     /rest/v1/        foreign delivery 200
    GET     /rest/v1/        signed delivery  200
    OPTIONS /rest/v1/        nobody           200
    OPTIONS /rest/v1/        forged token     401 PGRST301
    OPTIONS /rest/v1/        expired token    401 PGRST303
    OPTIONS /rest/v1/        session          200
    OPTIONS /rest/v1/        foreign delivery 200
    OPTIONS /rest/v1/        signed delivery  200
    GET     /rest/v1/{*path} nobody           404 PGRST205
    GET     /rest/v1/{*path} forged token     401 PGRST301
    GET     /rest/v1/{*path} expired token    401 PGRST303
    GET     /rest/v1/{*path} session          404 PGRST205
    GET     /rest/v1/{*path} foreign delivery 404 PGRST205
    GET     /rest/v1/{*path} signed delivery  404 PGRST205
    HEAD    /rest/v1/{*path} nobody           404
    HEAD    /rest/v1/{*path} forged token     401
    HEAD    /rest/v1/{*path} expired token    401
    HEAD    /rest/v1/{*path} session          404
    HEAD    /rest/v1/{*path} foreign delivery 404
    HEAD    /rest/v1/{*path} signed delivery  404
    POST    /rest/v1/{*path} nobody           400 PGRST102
    POST    /rest/v1/{*path} forged token     401 PGRST301
    POST    /rest/v1/{*path} expired token    401 PGRST303
    POST    /rest/v1/{*path} session          400 PGRST102
    POST    /rest/v1/{*path} foreign delivery 404 PGRST205
    POST    /rest/v1/{*path} signed delivery  404 PGRST205
    PATCH   /rest/v1/{*path} nobody           400 PGRST102
    PATCH   /rest/v1/{*path} forged token     401 PGRST301
    PATCH   /rest/v1/{*path} expired token    401 PGRST303
    PATCH   /rest/v1/{*path} session          400 PGRST102
    PATCH   /rest/v1/{*path} foreign delivery 404 PGRST205
    PATCH   /rest/v1/{*path} signed delivery  404 PGRST205
    PUT     /rest/v1/{*path} nobody           400 PGRST102
    PUT     /rest/v1/{*path} forged token     401 PGRST301
    PUT     /rest/v1/{*path} expired token    401 PGRST303
    PUT     /rest/v1/{*path} session          400 PGRST102
    PUT     /rest/v1/{*path} foreign delivery 404 PGRST205
    PUT     /rest/v1/{*path} signed delivery  404 PGRST205
    DELETE  /rest/v1/{*path} nobody           404 PGRST205
    DELETE  /rest/v1/{*path} forged token     401 PGRST301
    DELETE  /rest/v1/{*path} expired token    401 PGRST303
    DELETE  /rest/v1/{*path} session          404 PGRST205
    DELETE  /rest/v1/{*path} foreign delivery 404 PGRST205
    DELETE  /rest/v1/{*path} signed delivery  404 PGRST205
    OPTIONS /rest/v1/{*path} nobody           404 PGRST205
    OPTIONS /rest/v1/{*path} forged token     401 PGRST301
    OPTIONS /rest/v1/{*path} expired token    401 PGRST303
    OPTIONS /rest/v1/{*path} session          404 PGRST205
    OPTIONS /rest/v1/{*path} foreign delivery 404 PGRST205
    OPTIONS /rest/v1/{*path} signed delivery  404 PGRST205
    ");
}

#[tokio::test]
async fn a_route_takes_its_method_and_no_other() {
    let server = TestServer::start().await;
    let methods =
        [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];
    for route in ROUTES {
        let path = route.path.replace("{*path}", "tasks");
        let taken = |method: &Method| ROUTES.iter().any(|other| other.path == route.path && other.method == *method);
        for method in methods.iter().filter(|method| !taken(method)) {
            let answer = Answer::to(server.request(method.clone(), &path)).await;
            let verdict = if route.path.starts_with("/rest/v1/") { "405 PGRST117" } else { "405 method-not-allowed" };
            assert_eq!(answer.verdict(), verdict, "{method} {}", route.path);
            let allowed = answer.headers["allow"].to_str().unwrap();
            assert!(allowed.split(',').any(|allowed| allowed == route.method.as_str()), "{allowed}");
        }
    }
}
