//! The functions over the mirror: who is a member now, whatever the token still says.

use postgres::testing::TestDatabase;
use serde_json::{Value, json};

use crate::support::ask;

const MEMBERSHIPS: &str = "
    insert into clerk.users (id, banned, deleted_at, clerk_updated_at, event_at, delivery_id, synced_at, source) values
      ('user_ada', false, null, 1, 1, 'msg', now(), 'webhook'),
      ('user_banned', true, null, 1, 1, 'msg', now(), 'webhook'),
      ('user_gone', null, now(), 1, 1, 'msg', now(), 'webhook');
    insert into clerk.organizations (id, deleted_at, clerk_updated_at, event_at, delivery_id, synced_at, source) values
      ('org_acme', null, 1, 1, 'msg', now(), 'webhook'),
      ('org_closed', now(), 1, 1, 'msg', now(), 'webhook');
    insert into clerk.organization_memberships
      (id, organization_id, user_id, role, permissions, created_at, deleted_at, clerk_updated_at, event_at, delivery_id, synced_at, source) values
      ('orgmem_1', 'org_acme', 'user_ada', 'org:admin', '{org:sys_memberships:manage,org:invoices:read}', '2026-01-01', null, 1, 1, 'msg', now(), 'webhook'),
      ('orgmem_2', 'org_early', 'user_ada', 'org:member', '{org:invoices:read}', null, null, 1, 1, 'msg', now(), 'webhook'),
      ('orgmem_3', 'org_left', 'user_ada', 'org:admin', '{org:invoices:read}', null, now(), 1, 1, 'msg', now(), 'webhook'),
      ('orgmem_4', 'org_closed', 'user_ada', 'org:admin', '{org:invoices:read}', null, null, 1, 1, 'msg', now(), 'webhook'),
      ('orgmem_5', 'org_back', 'user_ada', 'org:admin', '{org:invoices:manage}', '2026-01-01', null, 1, 1, 'msg', now(), 'webhook'),
      ('orgmem_6', 'org_back', 'user_ada', 'org:member', '{org:invoices:read}', '2026-02-01', null, 1, 1, 'msg', now(), 'webhook'),
      ('orgmem_7', 'org_acme', 'user_banned', 'org:admin', '{org:invoices:read}', null, null, 1, 1, 'msg', now(), 'webhook'),
      ('orgmem_8', 'org_acme', 'user_gone', 'org:admin', '{org:invoices:read}', null, null, 1, 1, 'msg', now(), 'webhook');";

#[tokio::test]
async fn memberships_are_those_that_hold_now() {
    let database = TestDatabase::create().await;
    let mut client = database.owner.get().await.unwrap();
    client.batch_execute(MEMBERSHIPS).await.unwrap();
    let mut asked = async |user: &str, organization: &str, question: &str| -> Value {
        let claims = json!({"sub": user, "v": 2, "o": {"id": organization, "rol": "admin"}}).to_string();
        ask(&mut client, &[("request.jwt.claims", &claims)], &format!("select to_jsonb({question})")).await
    };
    let mine = "array(select clerk.my_org_ids() order by 1)";
    // The organization that the mirror has not heard of yet counts; the one that was closed does not.
    assert_eq!(asked("user_ada", "org_left", mine).await, json!(["org_acme", "org_back", "org_early"]));
    for nobody in ["user_banned", "user_gone", "user_stranger", "mch_1"] {
        assert_eq!(asked(nobody, "org_acme", mine).await, json!([]), "{nobody}");
    }
    for (organization, member) in
        [("org_acme", true), ("org_early", true), ("org_left", false), ("org_closed", false), ("org_x", false)]
    {
        assert_eq!(
            asked("user_ada", "org_acme", &format!("clerk.is_member('{organization}')")).await,
            json!(member),
            "{organization}"
        );
    }
    // System permissions are known here alone.
    assert_eq!(
        asked("user_ada", "org_acme", "clerk.has_live_permission('org:sys_memberships:manage')").await,
        json!(true)
    );
    assert_eq!(asked("user_ada", "org_acme", "clerk.has_permission('org:sys_memberships:manage')").await, json!(false));
    // The token says admin of an organization that was left.
    assert_eq!(asked("user_ada", "org_left", "clerk.has_role('admin')").await, json!(true));
    assert_eq!(asked("user_ada", "org_left", "clerk.has_live_permission('org:invoices:read')").await, json!(false));
    // Of two memberships the younger counts.
    assert_eq!(asked("user_ada", "org_back", "clerk.has_live_permission('org:invoices:manage')").await, json!(false));
    assert_eq!(asked("user_ada", "org_back", "clerk.has_live_permission('org:invoices:read')").await, json!(true));
    let with = "array(select clerk.my_org_ids_with('org:invoices:read') order by 1)";
    assert_eq!(asked("user_ada", "org_acme", with).await, json!(["org_acme", "org_back", "org_early"]));
}

/// Beside their answers, the functions give nothing away: a caller cannot read other people's memberships.
#[tokio::test]
async fn one_caller_learns_nothing_about_another() {
    let database = TestDatabase::create().await;
    let mut client = database.owner.get().await.unwrap();
    client.batch_execute(MEMBERSHIPS).await.unwrap();
    let claims = json!({"sub": "user_stranger"}).to_string();
    let seen = ask(
        &mut client,
        &[("request.jwt.claims", &claims)],
        "select to_jsonb((select count(id) from clerk.organization_memberships))",
    )
    .await;
    assert_eq!(seen, json!(0));
}
