//! `/v1/users`: one user at a time.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{acme, ada, id, read, shape, start};

#[tokio::test]
async fn a_user_has_every_property_of_clerks_schema() {
    let (_emulator, client, _) = start().await;
    let user = client
        .post(
            "/v1/users",
            json!({
                "email_address": ["ada@example.com", "countess@example.com"],
                "email_address_identification_status": ["verified", "reserved"],
                "phone_number": ["+15555550100"],
                "username": "ada.lovelace",
                "first_name": "Ada",
                "last_name": "Lovelace",
                "external_id": "legacy-7",
                "password": "correct horse",
                "public_metadata": { "plan": "pro" },
                "private_metadata": { "note": "kept" },
                "unsafe_metadata": { "theme": "dark" },
                "created_at": "2012-10-20T07:15:20.902Z",
                "legal_accepted_at": "2012-10-20T07:15:20.902Z",
            }),
        )
        .await
        .ok();
    assert_snapshot!(shape(&user), @r#"
    {
      "backup_code_enabled": false,
      "banned": false,
      "bypass_client_trust": false,
      "create_organization_enabled": true,
      "create_organizations_limit": null,
      "created_at": 1350717320902,
      "delete_self_enabled": true,
      "deprovisioned": false,
      "email_addresses": [
        {
          "created_at": 1767225600000,
          "email_address": "ada@example.com",
          "id": "idn_37dGbt8SNrRsNkJbG3UNz5ucopE",
          "linked_to": [],
          "matches_sso_connection": false,
          "object": "email_address",
          "reserved": false,
          "updated_at": 1767225600000,
          "verification": {
            "attempts": null,
            "expire_at": null,
            "object": "verification_admin",
            "status": "verified",
            "strategy": "admin"
          }
        },
        {
          "created_at": 1767225600000,
          "email_address": "countess@example.com",
          "id": "idn_37dGbvgrL4G0pYDpMUjJTWIGDiL",
          "linked_to": [],
          "matches_sso_connection": false,
          "object": "email_address",
          "reserved": true,
          "updated_at": 1767225600000,
          "verification": null
        }
      ],
      "enterprise_accounts": [],
      "external_accounts": [],
      "external_id": "legacy-7",
      "first_name": "Ada",
      "has_image": false,
      "id": "user_37dGbfNeCHtDzZNiFTyg8huKmq5",
      "image_url": "[image]",
      "last_active_at": null,
      "last_name": "Lovelace",
      "last_sign_in_at": null,
      "legal_accepted_at": 1350717320902,
      "locale": null,
      "locked": false,
      "lockout_expires_in_seconds": null,
      "mfa_disabled_at": null,
      "mfa_enabled_at": null,
      "object": "user",
      "passkeys": [],
      "password_enabled": true,
      "password_last_updated_at": 1767225600000,
      "phone_numbers": [
        {
          "backup_codes": null,
          "created_at": 1767225600000,
          "default_second_factor": false,
          "id": "idn_37dGc4XknepN5iYRGCbCabnjpwR",
          "linked_to": [],
          "object": "phone_number",
          "phone_number": "+15555550100",
          "reserved": false,
          "reserved_for_second_factor": false,
          "updated_at": 1767225600000,
          "verification": {
            "attempts": null,
            "expire_at": null,
            "object": "verification_admin",
            "status": "verified",
            "strategy": "admin"
          }
        }
      ],
      "primary_email_address_id": "idn_37dGbt8SNrRsNkJbG3UNz5ucopE",
      "primary_phone_number_id": "idn_37dGc4XknepN5iYRGCbCabnjpwR",
      "primary_web3_wallet_id": null,
      "private_metadata": {
        "note": "kept"
      },
      "profile_image_url": "[image]",
      "public_metadata": {
        "plan": "pro"
      },
      "saml_accounts": [],
      "totp_enabled": false,
      "two_factor_enabled": false,
      "unsafe_metadata": {
        "theme": "dark"
      },
      "updated_at": 1767225600000,
      "username": "ada.lovelace",
      "verification_attempts_remaining": 100,
      "web3_wallets": []
    }
    "#);
    let again = client.get(&format!("/v1/users/{}", id(&user))).await;
    // With `; charset=utf-8` behind it Clerk's SDK takes the body for text.
    assert_eq!(again.content_type, "application/json");
    assert_eq!(again.ok(), user);
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    let path = format!("/v1/users/{}", id(&user));
    clock.advance(Duration::from_secs(5));
    let updated =
        client.patch(&path, json!({ "last_name": "Lovelace", "first_name": null, "username": "lovelace" })).await.ok();
    let mut expected = user.clone();
    expected["first_name"] = Value::Null;
    expected["last_name"] = json!("Lovelace");
    expected["username"] = json!("lovelace");
    expected["updated_at"] = json!(user["updated_at"].as_i64().unwrap() + 5000);
    let (image_before, image_after) = (&user["image_url"], &updated["image_url"]);
    assert_ne!(image_before, image_after, "the avatar shows the initials");
    expected["image_url"] = image_after.clone();
    expected["profile_image_url"] = updated["profile_image_url"].clone();
    assert_eq!(updated, expected);
    assert_eq!(client.get(&path).await.ok(), updated);
}

#[tokio::test]
async fn metadata_merges_or_is_replaced() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let path = format!("/v1/users/{}/metadata", id(&user));
    client.patch(&path, json!({ "public_metadata": { "a": 1, "b": { "c": 2 } } })).await.ok();
    let merged = client
        .patch(&path, json!({ "public_metadata": { "a": null, "b": { "d": 3 } }, "private_metadata": { "x": 1 } }))
        .await
        .ok();
    assert_eq!(merged["public_metadata"], json!({ "b": { "c": 2, "d": 3 } }));
    assert_eq!(merged["private_metadata"], json!({ "x": 1 }));
    let replaced = client.put(&path, json!({ "public_metadata": { "e": 4 } })).await.ok();
    assert_eq!(replaced["public_metadata"], json!({ "e": 4 }));
    assert_eq!(replaced["private_metadata"], json!({ "x": 1 }), "what is not named stays");
}

#[tokio::test]
async fn the_plain_update_takes_metadata_in_older_versions_only() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let path = format!("/v1/users/{}", id(&user));
    let body = json!({ "public_metadata": { "a": 1 } });
    assert_eq!(client.patch(&path, body.clone()).await.refused(), "422 form_param_unknown");
    let older = client.request(reqwest::Method::PATCH, &path).header("Clerk-API-Version", "2025-11-10").json(&body);
    assert_eq!(read(older).await.ok()["public_metadata"], json!({ "a": 1 }));
}

#[tokio::test]
async fn forms_are_read_strictly() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    emulator
        .users()
        .create(&json!({ "username": "lovelace", "external_id": "x", "phone_number": ["+15555550100"] }))
        .unwrap();
    let cases = [
        (json!({}), "422 form_data_missing"),
        (json!({ "email_address": "ada@example.com" }), "422 form_param_type_invalid email_address"),
        (json!({ "email_address": ["ada"] }), "422 form_param_format_invalid email_address"),
        (json!({ "email_address": ["ADA@example.com"] }), "422 form_identifier_exists email_address"),
        (json!({ "email_address": ["a@b.example", "A@b.example"] }), "422 form_identifier_exists email_address"),
        (json!({ "phone_number": ["555"] }), "422 form_param_format_invalid phone_number"),
        (json!({ "phone_number": ["+15555550100"] }), "422 form_identifier_exists phone_number"),
        (json!({ "username": "LOVELACE" }), "422 form_identifier_exists username"),
        (json!({ "username": "a" }), "422 form_username_invalid_length username"),
        (json!({ "username": "ada lovelace" }), "422 form_username_invalid_character username"),
        (json!({ "username": "person", "external_id": "x" }), "422 form_identifier_exists external_id"),
        (json!({ "username": "person", "password": "short" }), "422 form_password_length_too_short password"),
        (json!({ "username": "person", "password_digest": "$2a$" }), "422 form_param_missing password_hasher"),
        (json!({ "username": "person", "emailAddress": [] }), "422 form_param_unknown emailAddress"),
        (json!({ "username": "person", "created_at": "today" }), "422 form_param_invalid_time created_at"),
        (json!({ "username": "person", "public_metadata": [] }), "422 form_param_type_invalid public_metadata"),
        (
            json!({ "username": "person", "public_metadata": { "a": "x".repeat(8192) } }),
            "422 form_param_exceeds_allowed_size public_metadata",
        ),
        (json!({ "web3_wallet": ["0x1"] }), "501 not_emulated"),
    ];
    let before = client.get("/v1/users/count").await.ok();
    for (body, expected) in cases {
        let answer = client.post("/v1/users", body.clone()).await;
        let parameter = answer.body["errors"][0]["meta"]["param_name"].as_str().unwrap_or_default();
        assert_eq!(format!("{} {parameter}", answer.refused()).trim_end(), expected, "{body}");
    }
    assert_eq!(client.get("/v1/users/count").await.ok(), before, "a refusal makes no user");
    let path = format!("/v1/users/{}", id(&user));
    let foreign = client.patch(&path, json!({ "primary_email_address_id": "idn_x" })).await;
    assert_eq!(foreign.refused(), "422 form_resource_not_found");
    assert_eq!(client.patch(&path, json!({ "username": "lovelace" })).await.refused(), "422 form_identifier_exists");
}

#[tokio::test]
async fn a_refusal_has_clerks_form() {
    let (_emulator, client, _) = start().await;
    let answer = client.get("/v1/users/user_nobody").await;
    assert_eq!((answer.status.as_u16(), answer.content_type.as_str()), (404, "application/json"));
    assert_snapshot!(shape(&answer.body), @r#"
    {
      "clerk_trace_id": "[random]",
      "errors": [
        {
          "code": "resource_not_found",
          "long_message": "No user was found with id user_nobody.",
          "message": "not found"
        }
      ]
    }
    "#);
    let answer = client.post("/v1/users", json!({ "first": "Ada", "last": "Lovelace" })).await;
    assert_snapshot!(shape(&answer.body), @r#"
    {
      "clerk_trace_id": "[random]",
      "errors": [
        {
          "code": "form_param_unknown",
          "long_message": "first is not a valid parameter for this request.",
          "message": "is unknown",
          "meta": {
            "param_name": "first"
          }
        },
        {
          "code": "form_param_unknown",
          "long_message": "last is not a valid parameter for this request.",
          "message": "is unknown",
          "meta": {
            "param_name": "last"
          }
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_ban_revokes_every_session_and_keeps_the_user_out() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    assert_eq!(client.post(&format!("/v1/users/{}/ban", id(&user)), json!({})).await.ok()["banned"], true);
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["status"], "revoked");
    assert_eq!(emulator.sessions().create(id(&user), None).unwrap_err().code(), "user_banned");
    assert_eq!(client.post(&format!("/v1/users/{}/unban", id(&user)), json!({})).await.ok()["banned"], false);
    emulator.sessions().create(id(&user), None).unwrap();
}

#[tokio::test]
async fn a_lock_ends_by_itself() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    let locked = client.post(&format!("/v1/users/{}/lock", id(&user)), json!({})).await.ok();
    assert_eq!(
        (&locked["locked"], &locked["lockout_expires_in_seconds"], &locked["verification_attempts_remaining"]),
        (&json!(true), &json!(3600), &json!(0))
    );
    assert_eq!(emulator.sessions().create(id(&user), None).unwrap_err().code(), "user_locked");
    clock.advance(Duration::from_secs(3599));
    assert_eq!(emulator.users().get(id(&user)).unwrap()["lockout_expires_in_seconds"], 1);
    clock.advance(Duration::from_secs(1));
    let free = emulator.users().get(id(&user)).unwrap();
    assert_eq!((&free["locked"], &free["lockout_expires_in_seconds"]), (&json!(false), &Value::Null));
    emulator.users().lock(id(&user)).unwrap();
    assert_eq!(emulator.users().unlock(id(&user)).unwrap()["locked"], false);
}

#[tokio::test]
async fn a_deleted_user_takes_memberships_and_sessions_along() {
    let (emulator, client, _) = start().await;
    let user = emulator.users().create(&json!({ "email_address": ["ada@example.com"], "external_id": "x" })).unwrap();
    let organization = acme(&emulator, &user);
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let deleted = client.delete(&format!("/v1/users/{}", id(&user))).await.ok();
    assert_eq!(deleted, json!({ "object": "user", "id": user["id"], "deleted": true, "external_id": "x" }));
    assert_eq!(client.get(&format!("/v1/users/{}", id(&user))).await.refused(), "404 resource_not_found");
    assert_eq!(client.delete(&format!("/v1/users/{}", id(&user))).await.refused(), "404 resource_not_found");
    assert_eq!(emulator.sessions().get(id(&session)).unwrap_err().status(), 404);
    assert_eq!(emulator.memberships().list_of_organization(id(&organization), &[]).unwrap()["total_count"], 0);
    // Everything that was taken is free again.
    emulator.users().create(&json!({ "email_address": ["ada@example.com"], "external_id": "x" })).unwrap();
}

#[tokio::test]
async fn addresses_come_and_go_one_by_one() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let body = json!({ "user_id": user["id"], "email_address": "countess@example.com" });
    let added = client.post("/v1/email_addresses", body).await.ok();
    assert_eq!(added["verification"], Value::Null);
    let path = format!("/v1/email_addresses/{}", id(&added));
    assert_eq!(client.get(&path).await.ok(), added);
    assert_eq!(client.patch(&path, json!({ "primary": true })).await.refused(), "422 form_param_value_invalid");
    let verified = client.patch(&path, json!({ "verified": true, "primary": true })).await.ok();
    assert_eq!(verified["verification"]["status"], "verified");
    assert_eq!(emulator.users().get(id(&user)).unwrap()["primary_email_address_id"], added["id"]);

    client.delete(&path).await.ok();
    let user = emulator.users().get(id(&user)).unwrap();
    assert_eq!(user["primary_email_address_id"], user["email_addresses"][0]["id"], "the next verified one is primary");
    let last = format!("/v1/email_addresses/{}", id(&user["email_addresses"][0]));
    assert_eq!(client.delete(&last).await.refused(), "409 last_identification_deletion_failed");

    let body = json!({ "user_id": user["id"], "phone_number": "+15555550100", "verified": true });
    let phone = client.post("/v1/phone_numbers", body).await.ok();
    assert_eq!(emulator.users().get(id(&user)).unwrap()["primary_phone_number_id"], phone["id"]);
    let path = format!("/v1/phone_numbers/{}", id(&phone));
    assert_eq!(
        client.patch(&path, json!({ "reserved_for_second_factor": true })).await.ok()["reserved_for_second_factor"],
        true
    );
    assert_eq!(client.get(&format!("/v1/email_addresses/{}", id(&phone))).await.refused(), "404 resource_not_found");
    client.delete(&last).await.ok();
}

#[tokio::test]
async fn one_address_takes_the_place_of_all() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let path = format!("/v1/users/{}", id(&user));
    let body = json!({ "email_address": "lovelace@example.com", "identification_status": "reserved" });
    let email = client.put(&format!("{path}/email_address"), body).await.ok();
    assert_eq!((&email["reserved"], &email["verification"]), (&json!(true), &Value::Null));
    let user = client.get(&path).await.ok();
    assert_eq!(user["email_addresses"], json!([email]));
    assert_eq!(user["primary_email_address_id"], email["id"]);
    let phone = client.put(&format!("{path}/phone_number"), json!({ "phone_number": "+15005550006" })).await.ok();
    assert_eq!(client.get(&path).await.ok()["primary_phone_number_id"], phone["id"]);
    let taken = emulator.users().create(&json!({ "email_address": ["bob@example.com"] })).unwrap();
    let body = json!({ "email_address": taken["email_addresses"][0]["email_address"] });
    assert_eq!(client.put(&format!("{path}/email_address"), body).await.refused(), "422 form_identifier_exists");
}

#[tokio::test]
async fn a_password_can_be_taken_away_once() {
    let (emulator, client, _) = start().await;
    let user = emulator.users().create(&json!({ "username": "lovelace", "password": "enchantress" })).unwrap();
    let session = emulator.sessions().create(id(&user), None).unwrap();
    let path = format!("/v1/users/{}/remove_password", id(&user));
    let user = client.post(&path, json!({ "sign_out_of_other_sessions": true })).await.ok();
    assert_eq!(user["password_enabled"], false);
    assert_eq!(emulator.sessions().get(id(&session)).unwrap()["status"], "revoked");
    assert_eq!(client.post(&path, json!({})).await.refused(), "400 no_password_set");
}
