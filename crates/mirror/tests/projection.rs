//! What rows look like.

use mirror::Outcome;
use serde_json::json;

use crate::support::{DAY, Test, deleted, delivery_of, event, membership, organization, user};

#[tokio::test]
async fn a_user_is_a_row_that_people_can_filter_on() {
    let test = Test::start().await;
    assert_eq!(test.deliver(&event("user.created", 1, &user("user_ada", 1, "Ada"))).await, Outcome::Applied);
    let row = test
        .value(
            "select primary_email_address, primary_email_address_verified, first_name, username, public_metadata, banned,
             clerk_updated_at, source, raw -> 'private_metadata' as private from clerk.users",
        )
        .await;
    assert_eq!(
        row,
        json!([{
            "primary_email_address": "o'brien@example.com", "primary_email_address_verified": true, "first_name": "Ada",
            "username": null, "public_metadata": { "plan": "pro" }, "banned": false, "clerk_updated_at": DAY + 1,
            "source": "webhook", "private": { "note": "secret" },
        }])
    );
}

#[tokio::test]
async fn a_tombstone_keeps_nothing_about_the_person() {
    let test = Test::start().await;
    test.deliver(&event("user.created", 1, &user("user_ada", 1, "Ada"))).await;
    test.deliver(&event("user.deleted", 2, &deleted("user_ada", "user"))).await;
    // 28 hours late, as the last of Svix's retries may be.
    assert_eq!(test.deliver(&event("user.updated", 1, &user("user_ada", 9, "Ada"))).await, Outcome::Stale);
    let row = test.value("select jsonb_strip_nulls(to_jsonb(u)) - 'synced_at' as row from clerk.users u").await;
    let keys: Vec<&String> = row[0]["row"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["clerk_updated_at", "deleted_at", "delivery_id", "event_at", "id", "source", "stub"]);
    assert_eq!(test.value("select * from clerk.active_users").await, json!([]));
}

#[tokio::test]
async fn odd_users_are_rows_too() {
    let test = Test::start().await;
    let bare = json!({ "id": "user_bare", "updated_at": DAY });
    let phone_only = json!({
        "id": "user_phone", "updated_at": DAY, "primary_phone_number_id": "idn_9", "email_addresses": [],
        "phone_numbers": [{ "id": "idn_9", "phone_number": "+15555550100" }],
    });
    let nul =
        json!({ "id": "user_nul", "updated_at": DAY, "first_name": "A\u{0}da", "public_metadata": { "k": "\u{0}" } });
    for (data, kind) in [(bare, "user.created"), (phone_only, "user.updated"), (nul, "user.created")] {
        assert_eq!(test.deliver(&event(kind, 1, &data)).await, Outcome::Applied, "{data}");
    }
    let half_a_surrogate = format!(
        r#"{{"type":"user.created","timestamp":{DAY},"data":{{"id":"user_half","first_name":"\ud800","score":123456789012345678901234567890}}}}"#
    );
    assert_eq!(test.deliver(&delivery_of("msg_half", half_a_surrogate)).await, Outcome::Applied);
    let rows = test
        .value(
            "select id, first_name, primary_phone_number, (raw -> 'score')::text as score from clerk.users order by id",
        )
        .await;
    assert_eq!(
        rows,
        json!([
            { "id": "user_bare", "first_name": null, "primary_phone_number": null, "score": null },
            { "id": "user_half", "first_name": "\u{fffd}", "primary_phone_number": null, "score": "123456789012345678901234567890" },
            { "id": "user_nul", "first_name": "A\u{fffd}da", "primary_phone_number": null, "score": null },
            { "id": "user_phone", "first_name": null, "primary_phone_number": "+15555550100", "score": null },
        ])
    );
}

#[tokio::test]
async fn an_address_is_the_one_that_is_pointed_to_and_may_have_any_letters() {
    let test = Test::start().await;
    let addresses = json!([
        { "id": "idn_1", "email_address": "first@example.com", "verification": { "status": "verified" } },
        { "id": "idn_2", "email_address": "o'brien@example.com", "verification": { "status": "verified" } },
        { "id": "idn_3", "email_address": "jürgen@bücher.example", "verification": null },
    ]);
    for (id, primary) in [("user_idn", "idn_3"), ("user_none", "idn_4"), ("user_obrien", "idn_2")] {
        let mut data = user(id, 1, "Ada");
        data["email_addresses"] = addresses.clone();
        data["primary_email_address_id"] = json!(primary);
        assert_eq!(test.deliver(&event("user.created", 1, &data)).await, Outcome::Applied);
    }
    let columns = "id, primary_email_address as address, primary_email_address_verified as verified";
    let rows = test.value(&format!("select {columns} from clerk.active_users order by id")).await;
    assert_eq!(
        rows,
        json!([
            { "id": "user_idn", "address": "jürgen@bücher.example", "verified": false },
            { "id": "user_none", "address": null, "verified": null },
            { "id": "user_obrien", "address": "o'brien@example.com", "verified": true },
        ])
    );
}

#[tokio::test]
async fn people_may_share_an_address_and_swap_user_names() {
    let test = Test::start().await;
    for (id, name, at) in [("user_a", "left", 1), ("user_b", "right", 2), ("user_a", "right", 3), ("user_b", "left", 4)]
    {
        let mut data = user(id, at, "Ada");
        data["username"] = json!(name);
        assert_eq!(test.deliver(&event("user.updated", at, &data)).await, Outcome::Applied);
    }
    let rows = test.value("select id, username from clerk.active_users order by id").await;
    assert_eq!(rows, json!([{ "id": "user_a", "username": "right" }, { "id": "user_b", "username": "left" }]));
}

#[tokio::test]
async fn a_membership_comes_before_its_user_and_organization() {
    let test = Test::start().await;
    let member = membership("orgmem_1", "org_acme", "user_ada", 1, "org:admin");
    assert_eq!(test.deliver(&event("organizationMembership.created", 1, &member)).await, Outcome::Applied);
    assert_eq!(
        test.deliver(&event("organization.created", 2, &organization("org_acme", 1, "Acme"))).await,
        Outcome::Applied
    );
    let rows = test
        .value("select organization_id, user_id, role, permissions from clerk.active_organization_memberships")
        .await;
    let expected = json!([{
        "organization_id": "org_acme", "user_id": "user_ada", "role": "org:admin", "permissions": ["org:sys_profile:manage"],
    }]);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_late_end_of_the_old_membership_leaves_the_new_one() {
    let test = Test::start().await;
    let old = membership("orgmem_old", "org_acme", "user_ada", 1, "org:admin");
    let new = membership("orgmem_new", "org_acme", "user_ada", 2, "org:member");
    for (kind, at, data) in [
        ("organizationMembership.created", 1, &old),
        ("organizationMembership.created", 3, &new),
        ("organizationMembership.deleted", 2, &old),
    ] {
        assert_eq!(test.deliver(&event(kind, at, data)).await, Outcome::Applied);
    }
    let rows = test.value("select id, role from clerk.active_organization_memberships").await;
    assert_eq!(rows, json!([{ "id": "orgmem_new", "role": "org:member" }]));
}

/// Events name the other kind of payer, too, by an empty id.
#[tokio::test]
async fn an_organization_that_pays_is_no_user_without_a_name() {
    let test = Test::start().await;
    let subscription = json!({
        "id": "csub_acme", "object": "commerce_subscription", "status": "active", "created_at": 1, "updated_at": 1,
        "payer_id": "cpayer_acme", "payer": { "id": "cpayer_acme", "user_id": "", "organization_id": "org_acme" },
    });
    assert_eq!(test.deliver(&event("subscription.created", 1, &subscription)).await, Outcome::Applied);
    let payers = test.value("select payer_user_id, payer_organization_id from clerk.subscriptions").await;
    assert_eq!(payers, json!([{ "payer_user_id": null, "payer_organization_id": "org_acme" }]));
    assert_eq!(test.value("select user_id from rowlock.inbox").await, json!([{ "user_id": null }]));
}
