//! Memberships: of an organization, of a user, of the instance.

use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{acme, ada, id, shape, start};

#[tokio::test]
async fn whoever_creates_an_organization_is_its_administrator() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let organization = acme(&emulator, &user);
    let list = client.get(&format!("/v1/organizations/{}/memberships", id(&organization))).await.ok();
    assert_snapshot!(shape(&list), @r#"
    {
      "data": [
        {
          "created_at": 1767225600000,
          "id": "orgmem_37dGcAjPnExHTvISbSsU1eQx6Cb",
          "object": "organization_membership",
          "organization": {
            "admin_delete_enabled": true,
            "created_at": 1767225600000,
            "created_by": "user_37dGbfNeCHtDzZNiFTyg8huKmq5",
            "has_image": false,
            "id": "org_37dGc4XknepN5iYRGCbCabnjpwR",
            "image_url": "[image]",
            "max_allowed_memberships": 0,
            "name": "Acme",
            "object": "organization",
            "private_metadata": {},
            "public_metadata": {},
            "role_set_key": null,
            "slug": "acme",
            "updated_at": 1767225600000
          },
          "permissions": [
            "org:sys_billing:manage",
            "org:sys_billing:read",
            "org:sys_domains:manage",
            "org:sys_domains:read",
            "org:sys_entconns:manage",
            "org:sys_memberships:manage",
            "org:sys_memberships:read",
            "org:sys_profile:delete",
            "org:sys_profile:manage"
          ],
          "private_metadata": {},
          "public_metadata": {},
          "public_user_data": {
            "banned": false,
            "deprovisioned": false,
            "first_name": "Ada",
            "has_image": false,
            "identifier": "ada@example.com",
            "image_url": "[image]",
            "last_name": null,
            "profile_image_url": "[image]",
            "user_id": "user_37dGbfNeCHtDzZNiFTyg8huKmq5",
            "username": null
          },
          "role": "org:admin",
          "role_name": "Admin",
          "updated_at": 1767225600000
        }
      ],
      "total_count": 1
    }
    "#);
}

#[tokio::test]
async fn members_come_change_and_go() {
    let (emulator, client, clock) = start().await;
    let organization = acme(&emulator, &ada(&emulator));
    let bob = emulator.users().create(&json!({ "username": "bobby" })).unwrap();
    let path = format!("/v1/organizations/{}/memberships", id(&organization));
    let body = json!({ "user_id": bob["id"], "role": "org:editor", "public_metadata": { "desk": 4 } });
    let joined = client.post(&path, body.clone()).await.ok();
    assert_eq!(joined["role_name"], "Editor");
    assert_eq!(
        joined["permissions"],
        json!(["org:drafts:read", "org:posts:create", "org:posts:read", "org:sys_memberships:read"])
    );
    assert_eq!(joined["public_user_data"]["identifier"], "bobby");
    assert_eq!(client.post(&path, body).await.refused(), "400 already_a_member_in_organization");

    clock.advance(Duration::from_secs(1));
    let promoted = client.patch(&format!("{path}/{}", id(&bob)), json!({ "role": "org:admin" })).await.ok();
    assert_eq!((&promoted["id"], &promoted["role"]), (&joined["id"], &json!("org:admin")));
    assert_ne!(promoted["updated_at"], joined["updated_at"]);
    let merged =
        client.patch(&format!("{path}/{}/metadata", id(&bob)), json!({ "public_metadata": { "floor": 2 } })).await.ok();
    assert_eq!(merged["public_metadata"], json!({ "desk": 4, "floor": 2 }));

    assert_eq!(client.delete(&format!("{path}/{}", id(&bob))).await.ok()["id"], joined["id"]);
    assert_eq!(client.delete(&format!("{path}/{}", id(&bob))).await.refused(), "404 resource_not_found");
    let again = emulator.memberships().create(id(&organization), id(&bob), "org:member").unwrap();
    assert_ne!(again["id"], joined["id"], "who comes back comes as a new member");
}

#[tokio::test]
async fn what_cannot_be_a_membership_is_refused() {
    let (emulator, client, _) = start().await;
    let user = ada(&emulator);
    let organization = emulator
        .organizations()
        .create(&json!({ "name": "Tiny", "max_allowed_memberships": 1, "created_by": user["id"] }))
        .unwrap();
    let bob = emulator.users().create(&json!({ "username": "bobby" })).unwrap();
    let path = format!("/v1/organizations/{}/memberships", id(&organization));
    for (path, body, expected) in [
        (path.as_str(), json!({ "role": "org:member" }), "422 form_param_missing"),
        (&path, json!({ "user_id": bob["id"] }), "422 form_param_missing"),
        (&path, json!({ "user_id": "user_nobody", "role": "org:member" }), "404 resource_not_found"),
        (&path, json!({ "user_id": bob["id"], "role": "member" }), "404 resource_not_found"),
        (&path, json!({ "user_id": bob["id"], "role": "org:member" }), "403 organization_membership_quota_exceeded"),
        (
            "/v1/organizations/org_x/memberships",
            json!({ "user_id": bob["id"], "role": "org:member" }),
            "404 resource_not_found",
        ),
    ] {
        assert_eq!(client.post(path, body.clone()).await.refused(), expected, "{path} {body}");
    }
}

#[tokio::test]
async fn the_three_lists_agree() {
    let (emulator, client, clock) = start().await;
    let user = ada(&emulator);
    let first = acme(&emulator, &user);
    let second = emulator.organizations().create(&json!({ "name": "Bumps" })).unwrap();
    for (number, name) in ["zoe", "mia", "tom"].iter().enumerate() {
        clock.advance(Duration::from_secs(1));
        let body = json!({ "username": format!("{name}123"), "first_name": name, "email_address": [format!("{name}@example.com")] });
        let member = emulator.users().create(&body).unwrap();
        emulator
            .memberships()
            .create(id(&first), id(&member), if number == 0 { "org:editor" } else { "org:member" })
            .unwrap();
        if number == 1 {
            emulator.memberships().create(id(&second), id(&member), "org:member").unwrap();
        }
    }
    let mut table = String::new();
    let below = format!("/v1/organizations/{}/memberships", id(&first));
    for query in [
        "/v1/organization_memberships",
        "/v1/organization_memberships?order_by=created_at&limit=2&offset=1",
        "/v1/organization_memberships?order_by=first_name",
        &format!("/v1/organizations/{}/memberships", id(&second)),
        "/v1/organizations/bumps/memberships",
        &below,
        &format!("{below}?order_by=created_at"),
        &format!("{below}?order_by=-username"),
        &format!("{below}?order_by=email_address&limit=2"),
        &format!("{below}?role=org:editor"),
        &format!("{below}?role=org:editor&role=org:admin"),
        &format!("{below}?query=MIA"),
        &format!("{below}?email_address=tom@example.com"),
        &format!("{below}?user_id=-{}", id(&user)),
        &format!("/v1/users/{}/organization_memberships", id(&user)),
    ] {
        let list = client.get(query).await.ok();
        let rows = list["data"].as_array().unwrap().iter().map(|row| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            format!("{}@{}", text(&row["public_user_data"]["first_name"]), text(&row["organization"]["slug"]))
        });
        let rows = rows.collect::<Vec<_>>().join(" ");
        let readable = query.replace(id(&first), "acme").replace(id(&second), "bumps").replace(id(&user), "ada");
        table.push_str(&format!("{readable:72} {rows} of {}\n", list["total_count"]));
    }
    assert_snapshot!(table, @r#"
    /v1/organization_memberships                                             tom@acme mia@bumps mia@acme zoe@acme Ada@acme of 5
    /v1/organization_memberships?order_by=created_at&limit=2&offset=1        zoe@acme mia@acme of 5
    /v1/organization_memberships?order_by=first_name                         Ada@acme mia@acme mia@bumps tom@acme zoe@acme of 5
    /v1/organizations/bumps/memberships                                      mia@bumps of 1
    /v1/organizations/bumps/memberships                                      mia@bumps of 1
    /v1/organizations/acme/memberships                                       tom@acme mia@acme zoe@acme Ada@acme of 4
    /v1/organizations/acme/memberships?order_by=created_at                   Ada@acme zoe@acme mia@acme tom@acme of 4
    /v1/organizations/acme/memberships?order_by=-username                    Ada@acme zoe@acme tom@acme mia@acme of 4
    /v1/organizations/acme/memberships?order_by=email_address&limit=2        Ada@acme mia@acme of 4
    /v1/organizations/acme/memberships?role=org:editor                       zoe@acme of 1
    /v1/organizations/acme/memberships?role=org:editor&role=org:admin        zoe@acme Ada@acme of 2
    /v1/organizations/acme/memberships?query=MIA                             mia@acme of 1
    /v1/organizations/acme/memberships?email_address=tom@example.com         tom@acme of 1
    /v1/organizations/acme/memberships?user_id=-ada                          tom@acme mia@acme zoe@acme of 3
    /v1/users/ada/organization_memberships                                   Ada@acme of 1
    "#);
    for path in ["/v1/organizations/org_x/memberships", "/v1/users/user_x/organization_memberships"] {
        assert_eq!(client.get(path).await.refused(), "404 resource_not_found");
    }
    assert_eq!(
        client.get("/v1/organization_memberships?order_by=role").await.refused(),
        "422 form_param_value_invalid"
    );
}
