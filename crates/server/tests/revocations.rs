//! A genuine token is refused as soon as the mirror knows better.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Delivery, NOW, TestServer, event, eventually, session, user};

/// Ada, with one more thing known of her than before.
fn ada(number: i64, member: &str, value: bool) -> Delivery {
    let mut ada = user("user_ada");
    ada["updated_at"] = json!(NOW * 1000 + number);
    ada[member] = json!(value);
    Delivery::of(&format!("msg_{number}"), event("user.updated", &ada))
}

#[tokio::test]
async fn a_banned_user_is_refused_by_the_next_request() {
    let server = TestServer::start().await;
    let bearer = session().bearer();
    server.whoami(&bearer).await.ok();
    server.deliver(&ada(1, "banned", true)).await.ok();
    eventually("she is refused", async || server.whoami(&bearer).await.status == 401).await;
    assert_snapshot!(server.whoami(&bearer).await, @r#"
    401
    www-authenticate: Bearer error="invalid_token"
    {"error":{"code":"user-banned","hint":"unban the user in the Clerk dashboard","message":"token is revoked: the user is banned"}}
    "#);
    server.deliver(&ada(2, "banned", false)).await.ok();
    eventually("she is let in", async || server.whoami(&bearer).await.status == 200).await;
}

#[tokio::test]
async fn each_reason_has_its_own_answer() {
    let server = TestServer::start().await;
    let in_acme = session().claim("o", json!({ "id": "org_acme", "slg": "acme", "rol": "admin" })).bearer();
    let revoked = |reason: &str, columns: &str, values: &str| {
        format!(
            "truncate rowlock.revocations, rowlock.revocation_horizon;
             insert into rowlock.revocations (reason, subject, {columns}, since) values ('{reason}', 'x', {values}, now())"
        )
    };
    let acme = format!("'user_ada', 'org_acme', {NOW}");
    let reasons = [
        ("user-deleted", revoked("user_deleted", "user_id", "'user_ada'")),
        ("user-banned", revoked("user_banned", "user_id", "'user_ada'")),
        ("user-locked", revoked("user_locked", "user_id", "'user_ada'")),
        ("session-ended", revoked("session_ended", "session_id", "'sess_1'")),
        ("membership-lost", revoked("membership_lost", "user_id, organization_id, issued_until", &acme)),
        ("role-changed", revoked("role_changed", "user_id, organization_id, issued_until", &acme)),
        (
            "token-forgotten",
            format!(
                "truncate rowlock.revocations; insert into rowlock.revocation_horizon (issued_until) values ({NOW})"
            ),
        ),
    ];
    for (code, statement) in reasons {
        server.execute(&statement).await;
        // Neither `truncate` nor the horizon tells anybody; what cannot be read makes the server look again.
        server.execute("notify rowlock_revocations, 'look again'").await;
        let expected = format!("401 {code}");
        eventually(&expected, async || server.whoami(&in_acme).await.verdict() == expected).await;
    }
}

#[tokio::test]
async fn a_caller_of_whom_nobody_can_say_anything_is_not_let_in() {
    let server = TestServer::start().await;
    server.execute("alter table rowlock.revocations rename to elsewhere").await;
    assert_eq!(server.whoami(session().bearer()).await.verdict(), "500 database-refused");
    server.execute("alter table rowlock.elsewhere rename to revocations").await;
    server.whoami(session().bearer()).await.ok();
}

#[tokio::test]
async fn strangers_are_not_asked_about() {
    let server = TestServer::start().await;
    server.execute("alter table rowlock.revocations rename to elsewhere").await;
    server.get("/whoami").await.ok();
    assert_eq!(server.whoami("Bearer hush").await.verdict(), "401 token-invalid", "the signature is checked first");
}
