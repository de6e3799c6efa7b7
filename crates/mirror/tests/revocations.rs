//! What the mirror learns makes tokens void, whoever writes it; and policies and the server agree on which.

use std::time::Duration;

use clerk::{Claims, TokenHeader};
use mirror::revocations::{Notice, Reason};
use mirror::{Outcome, Retention, Revocations};
use postgres::{Heard, Listener};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::support::{DAY, Test, deleted, event, membership, organization, user};

/// Seconds of the day that deliveries take place on.
const NOON: i64 = DAY / 1000;

/// A session token of Ada, version 2, issued so many seconds into the day.
fn token(issued: i64) -> Value {
    json!({ "v": 2, "iss": "https://clerk.example.com", "sub": "user_ada", "sid": "sess_1", "iat": NOON + issued, "exp": NOON + 86_400 })
}

fn with_organization(issued: i64, organization: &str) -> Value {
    let mut token = token(issued);
    token["o"] = json!({ "id": organization, "rol": "admin" });
    token
}

fn claims(token: &Value) -> Claims {
    let header = TokenHeader::from_json(br#"{"alg":"RS256","cat":"cl_B7d4PD111AAA"}"#).unwrap();
    Claims::from_json(&header, token.to_string().as_bytes()).unwrap()
}

/// What the server says of a token, once policies were seen to say the same.
async fn verdict(test: &Test, token: &Value) -> Option<Reason> {
    let revocations = Revocations::new(test.database.owner.clone());
    let reason = revocations.check(&claims(token)).await.unwrap();
    assert_eq!(session_ok(test, token).await, reason.is_none(), "{token}: {reason:?}");
    reason
}

async fn session_ok(test: &Test, token: &Value) -> bool {
    let mut connection = test.database.owner.get().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&token.to_string()]).await.unwrap();
    transaction.batch_execute("set local role authenticated").await.unwrap();
    transaction.query_one("select clerk.session_ok()", &[]).await.unwrap().get(0)
}

/// Rows as they are by hand: what webhooks have no projection for yet.
async fn session(test: &Test, id: &str, status: &str) {
    test.execute(&format!(
        "insert into clerk.sessions (id, user_id, status, clerk_updated_at, event_at, delivery_id, synced_at, source)
         values ('{id}', 'user_ada', '{status}', 1, 1, 'msg', now(), 'webhook')
         on conflict (id) do update set status = excluded.status"
    ))
    .await;
}

async fn ada(test: &Test, at: i64, member: &str, value: Value) {
    let mut data = user("user_ada", at, "Ada");
    data[member] = value;
    assert_eq!(test.deliver(&event("user.updated", at, &data)).await, Outcome::Applied);
}

#[tokio::test]
async fn a_ban_holds_until_it_is_lifted() {
    let test = Test::start().await;
    assert_eq!(verdict(&test, &token(0)).await, None, "nothing is known of her");
    ada(&test, 1, "banned", json!(true)).await;
    ada(&test, 2, "banned", json!(true)).await;
    assert_eq!(verdict(&test, &token(3600)).await, Some(Reason::UserBanned), "whenever the token was issued");
    ada(&test, 3, "banned", json!(false)).await;
    assert_eq!(verdict(&test, &token(0)).await, None);
    ada(&test, 4, "banned", json!(true)).await;
    assert_eq!(verdict(&test, &token(0)).await, Some(Reason::UserBanned));
    let rows = test.value("select lifted_at is not null as lifted from rowlock.revocations order by revision").await;
    assert_eq!(rows, json!([{ "lifted": true }, { "lifted": false }]));
}

#[tokio::test]
async fn a_lock_ends_when_it_is_lifted_or_lapses() {
    let test = Test::start().await;
    ada(&test, 1, "locked", json!(true)).await;
    assert_eq!(verdict(&test, &token(0)).await, Some(Reason::UserLocked));
    ada(&test, 2, "locked", json!(false)).await;
    assert_eq!(verdict(&test, &token(0)).await, None);
    let mut locked = user("user_ada", 3, "Ada");
    (locked["locked"], locked["lockout_expires_in_seconds"]) = (json!(true), json!(3600));
    assert_eq!(test.deliver(&event("user.updated", 3, &locked)).await, Outcome::Applied);
    let lapses = test
        .value("select extract(epoch from lapses_at)::bigint as at from rowlock.revocations where lifted_at is null");
    assert_eq!(lapses.await, json!([{ "at": NOON + 3600 }]));
    test.execute("update rowlock.revocations set lapses_at = now() + interval '1 minute' where lifted_at is null")
        .await;
    assert_eq!(verdict(&test, &token(0)).await, Some(Reason::UserLocked));
    test.execute("update rowlock.revocations set lapses_at = now() where lifted_at is null").await;
    assert_eq!(verdict(&test, &token(0)).await, None);
}

#[tokio::test]
async fn a_deleted_user_is_out_for_ever() {
    let test = Test::start().await;
    ada(&test, 1, "banned", json!(true)).await;
    test.deliver(&event("user.deleted", 2, &deleted("user_ada", "user"))).await;
    assert_eq!(verdict(&test, &token(3600)).await, Some(Reason::UserDeleted));
    // Also one of whom nothing else was ever heard.
    test.deliver(&event("user.deleted", 2, &deleted("user_bob", "user"))).await;
    let mut bob = token(0);
    bob["sub"] = json!("user_bob");
    assert_eq!(verdict(&test, &bob).await, Some(Reason::UserDeleted));
}

#[tokio::test]
async fn a_session_that_is_over_stays_over() {
    let test = Test::start().await;
    for status in ["active", "pending", "reading_a_book"] {
        session(&test, "sess_1", status).await;
        assert_eq!(verdict(&test, &token(0)).await, None, "{status}");
    }
    for (number, status) in ["ended", "removed", "revoked", "expired", "abandoned", "replaced"].into_iter().enumerate()
    {
        let id = format!("sess_over{number}");
        session(&test, &id, status).await;
        session(&test, &id, "active").await;
        let mut token = token(3600);
        token["sid"] = json!(id);
        assert_eq!(verdict(&test, &token).await, Some(Reason::SessionEnded), "{status}");
    }
    assert_eq!(verdict(&test, &token(0)).await, None, "her other session goes on");
    test.execute("update clerk.sessions set status = null, deleted_at = now() where id = 'sess_1'").await;
    assert_eq!(verdict(&test, &token(0)).await, Some(Reason::SessionEnded));
}

#[tokio::test]
async fn a_lost_membership_voids_tokens_that_are_older_and_name_the_organization() {
    let test = Test::start().await;
    let member = membership("orgmem_1", "org_acme", "user_ada", 1000, "org:admin");
    test.deliver(&event("organizationMembership.created", 1000, &member)).await;
    assert_eq!(verdict(&test, &with_organization(1, "org_acme")).await, None);
    test.deliver(&event("organizationMembership.deleted", 60_500, &member)).await;
    assert_eq!(verdict(&test, &with_organization(59, "org_acme")).await, Some(Reason::MembershipLost));
    assert_eq!(
        verdict(&test, &with_organization(60, "org_acme")).await,
        Some(Reason::MembershipLost),
        "the very second"
    );
    assert_eq!(
        verdict(&test, &with_organization(61, "org_acme")).await,
        None,
        "she is a member again, or Clerk had not said so"
    );
    assert_eq!(verdict(&test, &with_organization(59, "org_globex")).await, None);
    assert_eq!(verdict(&test, &token(59)).await, None, "no organization is active");
    let mut version_1 = token(59);
    (version_1["v"], version_1["org_id"]) = (json!(1), json!("org_acme"));
    assert_eq!(verdict(&test, &version_1).await, Some(Reason::MembershipLost));
    let mut undated = with_organization(0, "org_acme");
    undated.as_object_mut().unwrap().remove("iat");
    assert_eq!(verdict(&test, &undated).await, Some(Reason::MembershipLost), "it may be as old as can be");
}

#[tokio::test]
async fn a_tombstone_that_learns_later_whose_it_was_voids_then() {
    let test = Test::start().await;
    test.deliver(&event("organizationMembership.deleted", 60_000, &deleted("orgmem_1", "organization_membership")))
        .await;
    assert_eq!(verdict(&test, &with_organization(59, "org_acme")).await, None);
    let member = membership("orgmem_1", "org_acme", "user_ada", 1000, "org:admin");
    test.deliver(&event("organizationMembership.created", 1000, &member)).await;
    assert_eq!(verdict(&test, &with_organization(59, "org_acme")).await, Some(Reason::MembershipLost));
}

#[tokio::test]
async fn a_deleted_organization_voids_tokens_of_members_nobody_heard_of() {
    let test = Test::start().await;
    test.deliver(&event("organization.created", 1, &organization("org_acme", 1, "Acme"))).await;
    test.deliver(&event("organization.deleted", 60_000, &deleted("org_acme", "organization"))).await;
    assert_eq!(verdict(&test, &with_organization(3600, "org_acme")).await, Some(Reason::MembershipLost));
    assert_eq!(verdict(&test, &with_organization(3600, "org_globex")).await, None);
}

#[tokio::test]
async fn another_role_voids_tokens_that_carry_the_old_one() {
    let test = Test::start().await;
    for (at, role) in [(0, "org:admin"), (30_000, "org:admin"), (60_000, "org:member"), (90_000, "org:admin")] {
        let member = membership("orgmem_1", "org_acme", "user_ada", at, role);
        test.deliver(&event("organizationMembership.updated", at + 900, &member)).await;
    }
    assert_eq!(verdict(&test, &with_organization(60, "org_acme")).await, Some(Reason::RoleChanged));
    assert_eq!(verdict(&test, &with_organization(90, "org_acme")).await, Some(Reason::RoleChanged));
    assert_eq!(verdict(&test, &with_organization(91, "org_acme")).await, None);
    // One row for one membership, however often it changes.
    assert_eq!(
        test.value("select subject, reason from rowlock.revocations").await,
        json!([{ "subject": "orgmem_1", "reason": "role_changed" }])
    );
}

#[tokio::test]
async fn policies_let_nobody_in_who_is_nobody() {
    let test = Test::start().await;
    for token in [
        json!({}),
        json!({ "role": "anon" }),
        json!({ "sub": "mch_1", "v": 2 }),
        json!({ "sub": null }),
        json!({ "sub": 7 }),
    ] {
        assert!(!session_ok(&test, &token).await, "{token}");
    }
    assert!(session_ok(&test, &json!({ "sub": "user_ada" })).await, "a template token is judged by its user");
    let connection = test.database.owner.get().await.unwrap();
    let none: bool = connection.query_one("select clerk.session_ok()", &[]).await.unwrap().get(0);
    assert!(!none, "never null");
}

/// Numbers that no date can hold must not keep a delivery from being applied.
#[tokio::test]
async fn no_content_of_a_row_makes_a_write_fail() {
    let test = Test::start().await;
    for number in [i64::MAX, i64::MIN, -1, 0] {
        for (lockout, state) in [("1e300", "true"), ("-1e300", "true"), ("\"soon\"", "true"), ("null", "false")] {
            test.execute(&format!(
                "insert into clerk.users (id, banned, locked, raw, clerk_updated_at, event_at, delivery_id, synced_at, source)
                 values ('user_ada', {state}, {state}, '{{\"lockout_expires_in_seconds\": {lockout}}}', {number}, {number}, 'm', now(), 'webhook')
                 on conflict (id) do update set banned = excluded.banned, locked = excluded.locked, raw = excluded.raw,
                   clerk_updated_at = excluded.clerk_updated_at, event_at = excluded.event_at"
            ))
            .await;
        }
        test.execute(&format!(
            "insert into clerk.organization_memberships (id, user_id, organization_id, role, clerk_updated_at, event_at, delivery_id, synced_at, source)
             values ('orgmem_1', 'user_ada', 'org_acme', 'a', {number}, {number}, 'm', now(), 'webhook')
             on conflict (id) do update set role = random()::text, clerk_updated_at = excluded.clerk_updated_at, deleted_at = null;
             update clerk.organization_memberships set deleted_at = 'infinity', role = null;"
        ))
        .await;
    }
}

#[tokio::test]
async fn forgetting_never_revives_a_token() {
    let test = Test::start().await;
    let forget = async || {
        let retention = Retention { revocations: Duration::from_secs(86_400), changes: None };
        test.mirror.forget(retention).await.unwrap().revocations
    };
    session(&test, "sess_1", "revoked").await;
    ada(&test, 1, "banned", json!(true)).await;
    assert_eq!(forget().await, 0, "all of it is new");
    test.execute(
        "update rowlock.revocations set noticed_at = now() - interval '40 days', since = now() - interval '40 days'",
    )
    .await;
    assert_eq!(forget().await, 1);
    assert_eq!(test.value("select reason from rowlock.revocations").await, json!([{ "reason": "user_banned" }]));
    ada(&test, 2, "banned", json!(false)).await;
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap() - NOON;
    assert_eq!(
        verdict(&test, &token(now - 41 * 86_400)).await,
        Some(Reason::Forgotten),
        "it was issued before the session ended"
    );
    assert_eq!(verdict(&test, &token(now - 86_400)).await, Some(Reason::Forgotten));
    assert_eq!(verdict(&test, &token(now - 86_000)).await, None, "the session ended long before: this token cannot be");
    test.execute(
        "update rowlock.revocations set noticed_at = now() - interval '3 days', lifted_at = now() - interval '2 days'",
    )
    .await;
    assert_eq!(forget().await, 1, "a ban that was lifted may go");
}

#[tokio::test]
async fn what_was_there_before_the_table_is_known_too() {
    let test = Test::start().await;
    ada(&test, 1, "banned", json!(true)).await;
    session(&test, "sess_1", "revoked").await;
    test.execute("drop table rowlock.revocations").await;
    test.execute(include_str!("../../../sql/migrations/0008_revocations.sql")).await;
    test.execute(include_str!("../../../sql/migrations/0008_revocations.sql")).await;
    let rows = test.value("select reason from rowlock.revocations order by reason").await;
    assert_eq!(rows, json!([{ "reason": "session_ended" }, { "reason": "user_banned" }]));
}

/// Hears everything, in the background.
struct Watched {
    revocations: Revocations,
    stop: CancellationToken,
}

impl Watched {
    async fn start(test: &Test) -> Self {
        let (revocations, stop) = (Revocations::new(test.database.owner.clone()), CancellationToken::new());
        let mut notices = revocations.notices();
        let (watching, until) = (revocations.clone(), stop.clone());
        tokio::spawn(async move { watching.watch(until).await });
        assert!(matches!(notices.recv().await.unwrap(), Notice::Gap), "it hears from here on");
        Self { revocations, stop }
    }

    async fn check(&self, token: &Value) -> Option<Reason> {
        self.revocations.check(&claims(token)).await.unwrap()
    }

    /// Waits until a token has this verdict; how long that took.
    async fn becomes(&self, token: &Value, expected: Option<Reason>) -> Duration {
        let began = std::time::Instant::now();
        while self.check(token).await != expected {
            assert!(began.elapsed() < Duration::from_secs(10), "still not {expected:?}");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        began.elapsed()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test]
async fn a_remembered_caller_is_out_at_once() {
    let test = Test::start().await;
    let watched = Watched::start(&test).await;
    assert_eq!(watched.check(&token(0)).await, None);
    ada(&test, 1, "banned", json!(true)).await;
    let took = watched.becomes(&token(0), Some(Reason::UserBanned)).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    ada(&test, 2, "banned", json!(false)).await;
    watched.becomes(&token(0), None).await;
}

/// Memory answers while it may: the table is out of reach, and nobody notices until something changes.
#[tokio::test]
async fn memory_answers_and_what_it_does_not_know_fails() {
    let test = Test::start().await;
    let watched = Watched::start(&test).await;
    assert_eq!(watched.check(&token(0)).await, None);
    test.execute("alter table rowlock.revocations rename to elsewhere").await;
    assert_eq!(watched.check(&token(0)).await, None, "from memory");
    let mut other = token(0);
    other["sub"] = json!("user_bob");
    assert!(watched.revocations.check(&claims(&other)).await.is_err(), "nobody knows");
    test.execute("notify rowlock_revocations, 'something'").await;
    let began = std::time::Instant::now();
    while watched.revocations.check(&claims(&token(0))).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(10), "an unreadable notification empties the memory");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn thousands_at_once_are_one_small_notification() {
    let test = Test::start().await;
    let watched = Watched::start(&test).await;
    let mut listener = Listener::connect(&test.database.owner, "rowlock_revocations").await.unwrap();
    let mut notices = watched.revocations.notices();
    let hearing = tokio::spawn(async move {
        let mut heard = 0;
        while heard < 3000 {
            match notices.recv().await {
                Ok(Notice::Changed(revocation)) => {
                    assert_eq!(revocation.reason, Reason::SessionEnded);
                    heard += 1;
                }
                Ok(Notice::Gap) => panic!("nothing was missed"),
                // Whoever is slow is told how much it missed.
                Err(RecvError::Lagged(missed)) => heard += missed,
                Err(RecvError::Closed) => panic!("it goes on"),
            }
        }
    });
    test.execute(
        "insert into clerk.sessions (id, user_id, status, clerk_updated_at, event_at, delivery_id, synced_at, source)
         select 'sess_' || n, 'user_' || n, 'removed', 1, 1, 'msg', now(), 'webhook' from generate_series(1, 3000) as n",
    )
    .await;
    tokio::time::timeout(Duration::from_secs(20), hearing).await.expect("all are heard").unwrap();
    let Heard::Notification(payload) = listener.next().await.unwrap() else { panic!("nothing was notified") };
    assert!(payload.len() < 100, "{payload}");
    assert_eq!(listener.next().await.unwrap(), Heard::Silence, "one for all");
}

#[tokio::test]
async fn a_listener_that_is_cut_off_is_not_believed() {
    let test = Test::start().await;
    let watched = Watched::start(&test).await;
    let mut notices = watched.revocations.notices();
    assert_eq!(watched.check(&token(0)).await, None);
    // A change that nobody is told of stands for one that happened while nobody listened.
    test.execute(
        "alter table rowlock.revocations disable trigger all;
         insert into rowlock.revocations (reason, subject, user_id, since) values ('user_banned', 'user_ada', 'user_ada', now());
         select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'rowlock listener' and datname = current_database()",
    )
    .await;
    let took = watched.becomes(&token(0), Some(Reason::UserBanned)).await;
    assert!(took < Duration::from_secs(2), "the table is asked as soon as the connection is gone: {took:?}");
    let again = tokio::time::timeout(Duration::from_secs(10), notices.recv()).await.expect("it listens again").unwrap();
    assert!(matches!(again, Notice::Gap));
}

/// A plan is made while the table is empty and used when it is not: it must be a good one.
#[tokio::test]
async fn a_token_is_judged_by_index_among_very_many() {
    let test = Test::start().await;
    test.execute(
        "insert into rowlock.revocations (reason, subject, session_id, user_id, since)
           select 'session_ended', 'sess_' || n, 'sess_' || n, 'user_' || n % 1000, now() from generate_series(1, 50000) as n;
         insert into rowlock.revocations (reason, subject, organization_id, user_id, issued_until, since)
           select 'membership_lost', 'orgmem_' || n, 'org_' || n % 100, 'user_' || n, 1, now() from generate_series(1, 50000) as n;
         insert into rowlock.revocations (reason, subject, user_id, since)
           select 'user_banned', 'user_b' || n, 'user_b' || n, now() from generate_series(1, 20000) as n",
    )
    .await;
    let connection = test.database.owner.get().await.unwrap();
    for statistics in ["select 1", "analyze rowlock.revocations"] {
        connection.batch_execute(statistics).await.unwrap();
        connection
            .batch_execute(&format!(
                "set plan_cache_mode = force_generic_plan; prepare ask as {}",
                include_str!("../../../sql/revocations/standing.sql")
            ))
            .await
            .unwrap();
        let plan = connection.query("explain execute ask('user_ada', 'sess_x', 'org_1')", &[]).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        let plan = plan.join("\n");
        assert!(!plan.contains("Seq Scan on revocations"), "{plan}");
        for index in ["revocations_user", "revocations_session", "revocations_organization"] {
            assert!(plan.contains(index), "{plan}");
        }
        connection.batch_execute("deallocate ask").await.unwrap();
    }
}
