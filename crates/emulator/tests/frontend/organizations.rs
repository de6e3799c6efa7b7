//! Organizations from a page: created, switched, shared, left.

use serde_json::{Value, json};

use super::{ada, events};
use crate::support::{Browser, acme, id, start};

const ADA: &str = "ada+clerk_test@example.com";
const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn an_organization_is_created_switched_to_and_deleted() {
    let (emulator, _, _) = start().await;
    ada(&emulator);
    let browser = Browser::of(&emulator);
    let session = browser.sign_in(ADA, PASSWORD).await;
    let made = browser.post("/v1/organizations", &[("name", "Acme Corp.")]).await.ok();
    let organization = made["response"].clone();
    assert_eq!((&organization["slug"], organization.get("private_metadata")), (&json!("acme-corp"), None));
    let membership = &made["client"]["sessions"][0]["user"]["organization_memberships"][0];
    assert_eq!(membership["role"], "org:admin", "the creator sees the membership in the very answer");

    let touch = format!("/v1/client/sessions/{}/touch", id(&session));
    let active = browser.post(&touch, &[("active_organization_id", id(&organization))]).await.ok();
    assert_eq!(active["response"]["last_active_organization_id"], organization["id"]);
    let one = format!("/v1/organizations/{}", id(&organization));
    assert_eq!(browser.patch(&one, &[("name", "Acme")]).await.ok()["response"]["name"], "Acme");
    assert_eq!(browser.delete(&one).await.ok()["response"]["deleted"], true);
    assert_eq!(browser.client().await["sessions"][0]["last_active_organization_id"], Value::Null);
    let happened = events(&emulator);
    let organizations: Vec<_> = happened.iter().filter(|kind| kind.starts_with("organization")).collect();
    assert_eq!(
        organizations,
        ["organization.created", "organizationMembership.created", "organization.updated", "organization.deleted"]
    );
}

#[tokio::test]
async fn somebody_is_invited_accepts_and_leaves() {
    let (emulator, _, _) = start().await;
    let organization = acme(&emulator, &ada(&emulator));
    emulator.users().create(&json!({ "email_address": ["bob@example.com"], "password": PASSWORD })).unwrap();
    let (hers, his) = (Browser::of(&emulator), Browser::of(&emulator));
    hers.sign_in(ADA, PASSWORD).await;
    his.sign_in("bob@example.com", PASSWORD).await;
    let invitations = format!("/v1/organizations/{}/invitations", id(&organization));
    let memberships = format!("/v1/organizations/{}/memberships", id(&organization));

    assert_eq!(his.get(&memberships).await.refused(), "404 resource_not_found", "Bob is no member");
    let form = [("email_address", "bob@example.com"), ("role", "org:member")];
    let invited = hers.post(&invitations, &form).await.ok();
    assert_eq!((&invited["response"]["status"], &invited["response"]["url"]), (&json!("pending"), &Value::Null));
    assert_eq!(hers.get(&invitations).await.ok()["response"]["total_count"], 1);
    let mine = his.get("/v1/me/organization_invitations?status=pending").await.ok();
    assert_eq!(mine["response"]["data"][0]["public_organization_data"]["name"], "Acme");

    let accept = format!("/v1/me/organization_invitations/{}/accept", id(&invited["response"]));
    assert_eq!(hers.post(&accept, &[]).await.refused(), "404 resource_not_found", "it is Bob's");
    his.post(&accept, &[]).await.ok();
    let members = his.get(&memberships).await.ok();
    assert_eq!(members["response"]["total_count"], 2);
    assert_eq!(his.post(&invitations, &form).await.refused(), "403 missing_permission", "a member invites nobody");

    let leave = format!("/v1/me/organization_memberships/{}", id(&organization));
    assert_eq!(his.delete(&leave).await.ok()["response"]["deleted"], true);
    assert_eq!(hers.delete(&leave).await.refused(), "400 organization_minimum_permissions_needed");
    assert_eq!(events(&emulator).last().unwrap(), "organizationMembership.deleted");
}

#[tokio::test]
async fn a_logo_is_set_by_whoever_manages_the_profile() {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and the rest";
    let (emulator, _, _) = start().await;
    let organization = acme(&emulator, &ada(&emulator));
    let bob = emulator.users().create(&json!({ "email_address": ["bob@example.com"], "password": PASSWORD })).unwrap();
    emulator.memberships().create(id(&organization), id(&bob), "org:member").unwrap();
    let (hers, his) = (Browser::of(&emulator), Browser::of(&emulator));
    hers.sign_in(ADA, PASSWORD).await;
    his.sign_in("bob@example.com", PASSWORD).await;
    let logo = format!("/v1/organizations/{}/logo", id(&organization));
    assert_eq!(his.upload(&logo, "PUT", "logo.png", PNG).await.refused(), "403 missing_permission");
    let set = hers.upload(&logo, "PUT", "logo.png", PNG).await.ok();
    assert_eq!(set["response"]["has_image"], true);
    let membership = &set["client"]["sessions"][0]["user"]["organization_memberships"][0];
    assert_eq!(membership["organization"]["image_url"], set["response"]["image_url"]);
    assert_eq!(his.delete(&logo).await.refused(), "403 missing_permission");
    assert_eq!(hers.delete(&logo).await.ok()["response"]["deleted"], true);
    assert_eq!(hers.delete(&logo).await.refused(), "404 image_not_found");
    assert_eq!(events(&emulator).last().unwrap(), "organization.updated");
}

#[tokio::test]
async fn roles_are_given_by_those_who_manage_members() {
    let (emulator, _, _) = start().await;
    let organization = acme(&emulator, &ada(&emulator));
    let bob = emulator.users().create(&json!({ "email_address": ["bob@example.com"], "password": PASSWORD })).unwrap();
    emulator.memberships().create(id(&organization), id(&bob), "org:member").unwrap();
    let (hers, his) = (Browser::of(&emulator), Browser::of(&emulator));
    hers.sign_in(ADA, PASSWORD).await;
    let session = his.sign_in("bob@example.com", PASSWORD).await;
    let one = format!("/v1/organizations/{}/memberships/{}", id(&organization), id(&bob));
    assert_eq!(his.patch(&one, &[("role", "org:admin")]).await.refused(), "403 missing_permission");
    let edited = hers.patch(&one, &[("role", "org:editor")]).await.ok();
    assert_eq!(edited["response"]["role_name"], "Editor");
    let touch = format!("/v1/client/sessions/{}/touch", id(&session));
    let token = his.post(&touch, &[("active_organization_id", id(&organization))]).await.ok();
    let claims = super::claims(token["response"]["last_active_token"]["jwt"].as_str().unwrap());
    assert_eq!((&claims["fea"], &claims["o"]["per"]), (&json!("o:drafts,o:posts"), &json!("create,read")));

    let roles = hers.get(&format!("/v1/organizations/{}/roles", id(&organization))).await.ok();
    let keys: Vec<_> = roles["response"]["data"].as_array().unwrap().iter().map(|role| role["key"].clone()).collect();
    assert_eq!(keys, ["org:admin", "org:member", "org:editor"]);
    hers.delete(&one).await.ok();
    assert_eq!(his.client().await["sessions"][0]["last_active_organization_id"], Value::Null);
}
