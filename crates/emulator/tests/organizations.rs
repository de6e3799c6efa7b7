//! `/v1/organizations`.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{acme, ada, id, shape, start};

#[tokio::test]
async fn an_organization_as_clerk_shows_it() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let body = json!({
        "name": "Acme Corp.",
        "created_by": user["id"],
        "max_allowed_memberships": 5,
        "public_metadata": { "tier": "gold" },
        "private_metadata": { "note": "kept" },
    });
    let organization = client.post("/v1/organizations", body).await.ok();
    assert_snapshot!(shape(&organization), @r#"
    {
      "admin_delete_enabled": true,
      "created_at": 1767225600000,
      "created_by": "user_37dGbfNeCHtDzZNiFTyg8huKmq5",
      "has_image": false,
      "id": "org_37dGc4XknepN5iYRGCbCabnjpwR",
      "image_url": "[image]",
      "max_allowed_memberships": 5,
      "name": "Acme Corp.",
      "object": "organization",
      "private_metadata": {
        "note": "kept"
      },
      "public_metadata": {
        "tier": "gold"
      },
      "role_set_key": null,
      "slug": "acme-corp",
      "updated_at": 1767225600000
    }
    "#);
    assert_eq!(client.get(&format!("/v1/organizations/{}", id(&organization))).await.ok(), organization);
    assert_eq!(client.get("/v1/organizations/acme-corp").await.ok(), organization, "a slug does as well");
    let counted = client.get("/v1/organizations/acme-corp?include_members_count=true").await.ok();
    assert_eq!(counted["members_count"], 1);
    assert_eq!(counted["missing_member_with_elevated_permissions"], false);
}

#[tokio::test]
async fn slugs_are_made_from_names_and_belong_to_one() {
    let (_emulator, client, _) = start().await;
    let slug = |organization: &Value| organization["slug"].as_str().unwrap().to_owned();
    let first = client.post("/v1/organizations", json!({ "name": "Acme" })).await.ok();
    let second = client.post("/v1/organizations", json!({ "name": "ACME!" })).await.ok();
    let third = client.post("/v1/organizations", json!({ "name": "Acme" })).await.ok();
    assert_eq!([slug(&first), slug(&second), slug(&third)], ["acme", "acme-1767225600", "acme-1767225601"]);
    let taken = client.post("/v1/organizations", json!({ "name": "Other", "slug": "acme" })).await;
    assert_eq!(taken.refused(), "422 form_identifier_exists");
    let moved = client.patch(&format!("/v1/organizations/{}", id(&second)), json!({ "slug": "acme" })).await;
    assert_eq!(moved.refused(), "422 form_identifier_exists");
    client.delete(&format!("/v1/organizations/{}", id(&first))).await.ok();
    client.patch(&format!("/v1/organizations/{}", id(&second)), json!({ "slug": "acme" })).await.ok();
}

#[tokio::test]
async fn forms_are_read_strictly() {
    let (_emulator, client, _) = start().await;
    for (body, expected) in [
        (json!({}), "422 form_param_missing"),
        (json!({ "name": null }), "422 form_param_nil"),
        (json!({ "name": " " }), "422 form_param_value_invalid"),
        (json!({ "name": "x".repeat(257) }), "422 form_param_max_length_exceeded"),
        (json!({ "name": "Acme", "slug": "Acme Corp" }), "422 form_param_format_invalid"),
        (json!({ "name": "Acme", "max_allowed_memberships": -1 }), "422 form_param_value_invalid"),
        (json!({ "name": "Acme", "created_by": "user_nobody" }), "400 organization_creator_not_found"),
        (json!({ "name": "Acme", "createdBy": "user_nobody" }), "422 form_param_unknown"),
    ] {
        assert_eq!(client.post("/v1/organizations", body.clone()).await.refused(), expected, "{body}");
    }
    assert_eq!(client.get("/v1/organizations").await.ok(), json!({ "data": [], "total_count": 0 }));
}

#[tokio::test]
async fn an_organization_is_updated_and_its_metadata_merged() {
    let (emulator, client, clock) = start().await;
    let organization = acme(&emulator, &ada(&emulator));
    let path = format!("/v1/organizations/{}", id(&organization));
    clock.advance(Duration::from_secs(1));
    let body = json!({ "name": "Acme Ltd", "max_allowed_memberships": 3, "admin_delete_enabled": false });
    let updated = client.patch(&path, body).await.ok();
    assert_eq!((&updated["name"], &updated["slug"]), (&json!("Acme Ltd"), &json!("acme")));
    assert_eq!(updated["updated_at"].as_i64().unwrap() - organization["updated_at"].as_i64().unwrap(), 1000);
    let merged = client.patch(&format!("{path}/metadata"), json!({ "public_metadata": { "a": 1 } })).await.ok();
    assert_eq!(merged["public_metadata"], json!({ "a": 1 }));
    let replaced = client.put(&format!("{path}/metadata"), json!({ "public_metadata": { "b": 2 } })).await.ok();
    assert_eq!(replaced["public_metadata"], json!({ "b": 2 }));
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_counted() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    for (name, creator) in [("Zebra", None), ("Acme", Some(&user["id"])), ("Middle Earth", None)] {
        clock.advance(Duration::from_secs(1));
        emulator.organizations().create(&json!({ "name": name, "created_by": creator })).unwrap();
    }
    let acme = emulator.organizations().get("acme").unwrap();
    let mut table = String::new();
    for query in [
        "",
        "order_by=created_at",
        "order_by=name",
        "order_by=-name",
        "order_by=-members_count",
        "query=EARTH",
        "query=zeb",
        "limit=1&offset=1",
        "include_members_count=true&query=acme",
        &format!("user_id={}", id(&user)),
        &format!("user_id=-{}", id(&user)),
        &format!("organization_id={}", id(&acme)),
        &format!("organization_id=-{}", id(&acme)),
        &format!("query={}", id(&acme)),
    ] {
        let list = client.get(&format!("/v1/organizations?{query}")).await.ok();
        let names = list["data"].as_array().unwrap().iter().map(|one| match one.get("members_count") {
            Some(count) => format!("{}({count})", one["name"].as_str().unwrap()),
            None => one["name"].as_str().unwrap().to_owned(),
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let readable = query.replace(id(&acme), "acme").replace(id(&user), "ada");
        let readable = if readable.is_empty() { "(all)" } else { &readable };
        table.push_str(&format!("{readable:40} {names} of {}\n", list["total_count"]));
    }
    assert_snapshot!(table, @r#"
    (all)                                    Middle Earth, Acme, Zebra of 3
    order_by=created_at                      Zebra, Acme, Middle Earth of 3
    order_by=name                            Acme, Middle Earth, Zebra of 3
    order_by=-name                           Zebra, Middle Earth, Acme of 3
    order_by=-members_count                  Acme, Middle Earth, Zebra of 3
    query=EARTH                              Middle Earth of 1
    query=zeb                                Zebra of 1
    limit=1&offset=1                         Acme of 3
    include_members_count=true&query=acme    Acme(1) of 1
    user_id=ada                              Acme of 1
    user_id=-ada                             Middle Earth, Zebra of 2
    organization_id=acme                     Acme of 1
    organization_id=-acme                    Middle Earth, Zebra of 2
    query=acme                               Acme of 1
    "#);
    assert_eq!(client.get("/v1/organizations?order_by=slug").await.refused(), "422 form_param_value_invalid");
}

#[tokio::test]
async fn a_deleted_organization_leaves_its_members_and_their_sessions() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let session = emulator.sessions().create(id(&user), Some(id(&organization))).unwrap();
    assert_eq!(session["last_active_organization_id"], organization["id"]);
    let deleted = client.delete(&format!("/v1/organizations/{}", id(&organization))).await.ok();
    assert_eq!(deleted, json!({ "object": "organization", "id": organization["id"], "slug": "acme", "deleted": true }));
    assert_eq!(client.get("/v1/organizations/acme").await.refused(), "404 resource_not_found");
    assert_eq!(emulator.memberships().list_of_user(id(&user), &[]).unwrap()["total_count"], 0);
    let session = emulator.sessions().get(id(&session)).unwrap();
    assert_eq!((&session["last_active_organization_id"], &session["status"]), (&Value::Null, &json!("active")));
}
