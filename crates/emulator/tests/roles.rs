//! `/v1/organization_roles`, `/v1/organization_permissions`, `/v1/domains`.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{id, start};

/// One text property of every object in a list.
fn each<'a>(list: &'a Value, property: &str) -> Vec<&'a str> {
    list["data"].as_array().unwrap().iter().map(|object| object[property].as_str().unwrap()).collect()
}

#[tokio::test]
async fn roles_and_their_permissions_can_be_read() {
    let (_emulator, client, _) = start().await;
    let roles = client.get("/v1/organization_roles?order_by=key").await.ok();
    assert_eq!(each(&roles, "key"), ["org:admin", "org:editor", "org:member"]);
    assert_eq!(roles["total_count"], 3);
    let eligible = roles["data"].as_array().unwrap().iter().filter(|role| role["is_creator_eligible"] == true);
    assert_eq!(eligible.map(|role| &role["key"]).collect::<Vec<_>>(), ["org:admin"]);
    let role = &roles["data"][1];
    assert_eq!(&client.get(&format!("/v1/organization_roles/{}", id(role))).await.ok(), role);
    assert_eq!(each(&client.get("/v1/organization_roles?query=EDIT").await.ok(), "name"), ["Editor"]);
    assert_eq!(client.get("/v1/organization_roles/role_x").await.refused(), "404 resource_not_found");
    assert_eq!(client.get("/v1/organization_roles?order_by=id").await.refused(), "422 form_param_value_invalid");

    let permissions = client.get("/v1/organization_permissions?order_by=key&limit=500").await.ok();
    let lines: Vec<String> = each(&permissions, "key")
        .into_iter()
        .zip(each(&permissions, "type"))
        .map(|(key, kind)| format!("{kind:7} {key}"))
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    user    org:drafts:read
    user    org:posts:create
    user    org:posts:read
    system  org:sys_billing:manage
    system  org:sys_billing:read
    system  org:sys_domains:manage
    system  org:sys_domains:read
    system  org:sys_entconns:manage
    system  org:sys_memberships:manage
    system  org:sys_memberships:read
    system  org:sys_profile:delete
    system  org:sys_profile:manage
    "#);
    let permission = &permissions["data"][0];
    assert_eq!(&client.get(&format!("/v1/organization_permissions/{}", id(permission))).await.ok(), permission);
    assert_eq!(permission, &role["permissions"][0], "the same permission in a role");
}

#[tokio::test]
async fn the_issuer_is_the_frontend_api_of_the_primary_domain() {
    let (emulator, client, _) = start().await;
    let domains = client.get("/v1/domains").await.ok();
    assert_eq!(domains["total_count"], 1);
    assert_eq!(domains["data"][0]["frontend_api_url"], emulator.issuer());
    assert_eq!(domains["data"][0]["is_satellite"], false);
}
