//! `GET /v1/users` and `GET /v1/users/count`.

use std::time::Duration;

use clerk::ManualClock;
use emulator::Emulator;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Client, id, start};

/// Six people, a minute apart, in two organizations. Returns what a query can refer to.
fn people(emulator: &Emulator, clock: &ManualClock) -> Vec<Value> {
    let people = [
        json!({ "email_address": ["ada@example.com"], "username": "lovelace", "first_name": "Ada", "last_name": "Lovelace" }),
        json!({ "email_address": ["Grace@Navy.example"], "first_name": "Grace", "last_name": "Hopper", "external_id": "g-1" }),
        json!({ "phone_number": ["+15555550101"], "username": "turing", "first_name": "Alan", "external_id": "a-1" }),
        json!({ "email_address": ["edsger@example.com"], "username": "dijkstra", "first_name": "Edsger" }),
        json!({ "email_address": ["barbara@example.com"], "phone_number": ["+15555550102"], "last_name": "Liskov" }),
        json!({ "username": "knuth", "first_name": "Donald" }),
    ];
    let users: Vec<Value> = people
        .iter()
        .map(|person| {
            clock.advance(Duration::from_secs(60));
            emulator.users().create(person).unwrap()
        })
        .collect();
    for (name, members) in [("Acme", [0, 1]), ("Bumps", [1, 2])] {
        let organization = emulator.organizations().create(&json!({ "name": name })).unwrap();
        for member in members {
            emulator.memberships().create(id(&organization), id(&users[member]), "org:member").unwrap();
        }
    }
    emulator.users().ban(id(&users[3])).unwrap();
    emulator.sessions().create(id(&users[4]), None).unwrap();
    users
}

/// Who is found, by first name or, without one, by last name.
async fn found(client: &Client, query: &str) -> String {
    let users = client.get(&format!("/v1/users?{query}")).await.ok();
    let names = users
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["first_name"].as_str().or(user["last_name"].as_str()).unwrap().to_owned());
    names.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn filters_find_whom_they_should() {
    let (emulator, client, clock) = start().await;
    let users = people(&emulator, &clock);
    let [ada, grace, alan, ..] = users.as_slice() else { panic!("six people") };
    let organization = |slug: &str| emulator.organizations().get(slug).unwrap()["id"].as_str().unwrap().to_owned();
    let (acme, bumps) = (organization("acme"), organization("bumps"));
    let created = alan["created_at"].as_i64().unwrap();
    let queries = [
        String::new(),
        format!("user_id={}&user_id={}", id(ada), id(grace)),
        format!("user_id=%2B{}", id(ada)),
        format!("user_id=+{}", id(ada)),
        format!("user_id=-{}", id(ada)),
        "user_id=user_nobody".to_owned(),
        "email_address=ADA@example.com&email_address=grace@navy.example".to_owned(),
        "phone_number=%2B15555550101".to_owned(),
        "username=TURING".to_owned(),
        "external_id=g-1&external_id=a-1".to_owned(),
        "external_id=-g-1".to_owned(),
        format!("organization_id={acme}"),
        format!("organization_id={acme}&organization_id={bumps}"),
        format!("organization_id={acme}&organization_id=-{bumps}"),
        format!("organization_id=-{acme}"),
        "query=example.com".to_owned(),
        "query=5550102".to_owned(),
        "query=HOPPER".to_owned(),
        format!("query={}", id(alan)),
        "email_address_query=NAVY".to_owned(),
        "phone_number_query=555555010".to_owned(),
        "username_query=JK".to_owned(),
        "name_query=a+lo".to_owned(),
        "banned=true".to_owned(),
        "banned=false&username_query=t".to_owned(),
        format!("created_at_before={created}"),
        format!("created_at_after={created}"),
        "last_sign_in_at_after=0".to_owned(),
        "last_active_at_since=1767225600000".to_owned(),
        "last_active_at_after=1767225600000".to_owned(),
        "web3_wallet=0x0".to_owned(),
        "provider=oauth_google&provider_user_id=1".to_owned(),
        "unheard_of=1&username=knuth".to_owned(),
    ];
    let mut table = String::new();
    for query in &queries {
        let names = found(&client, query).await;
        let count = client.get(&format!("/v1/users/count?{query}")).await.ok()["total_count"].clone();
        let words = if names.is_empty() { 0 } else { names.split(' ').count() };
        assert_eq!(count, words, "the count agrees with the list: {query}");
        let readable = query
            .replace(&acme, "acme")
            .replace(&bumps, "bumps")
            .replace(id(ada), "ada")
            .replace(id(grace), "grace")
            .replace(id(alan), "alan")
            .replace(&created.to_string(), "alan");
        let readable = if readable.is_empty() { "(everyone)" } else { &readable };
        table.push_str(format!("{readable:62} {names}").trim_end());
        table.push('\n');
    }
    assert_snapshot!(table, @r#"
    (everyone)                                                     Donald Liskov Edsger Alan Grace Ada
    user_id=ada&user_id=grace                                      Grace Ada
    user_id=%2Bada                                                 Ada
    user_id=+ada                                                   Ada
    user_id=-ada                                                   Donald Liskov Edsger Alan Grace
    user_id=user_nobody
    email_address=ADA@example.com&email_address=grace@navy.example Grace Ada
    phone_number=%2B15555550101                                    Alan
    username=TURING                                                Alan
    external_id=g-1&external_id=a-1                                Alan Grace
    external_id=-g-1                                               Donald Liskov Edsger Alan Ada
    organization_id=acme                                           Grace Ada
    organization_id=acme&organization_id=bumps                     Alan Grace Ada
    organization_id=acme&organization_id=-bumps                    Ada
    organization_id=-acme                                          Donald Liskov Edsger Alan
    query=example.com                                              Liskov Edsger Ada
    query=5550102                                                  Liskov
    query=HOPPER                                                   Grace
    query=alan                                                     Alan
    email_address_query=NAVY                                       Grace
    phone_number_query=555555010                                   Liskov Alan
    username_query=JK                                              Edsger
    name_query=a+lo                                                Ada
    banned=true                                                    Edsger
    banned=false&username_query=t                                  Donald Alan
    created_at_before=alan                                         Grace Ada
    created_at_after=alan                                          Donald Liskov Edsger
    last_sign_in_at_after=0                                        Liskov
    last_active_at_since=1767225600000                             Liskov
    last_active_at_after=1767225600000
    web3_wallet=0x0
    provider=oauth_google&provider_user_id=1
    unheard_of=1&username=knuth                                    Donald
    "#);
}

#[tokio::test]
async fn orders_sort_and_what_is_missing_comes_last() {
    let (emulator, client, clock) = start().await;
    people(&emulator, &clock);
    let mut table = String::new();
    for order in [
        "created_at",
        "-created_at",
        "%2Bcreated_at",
        "+created_at",
        "updated_at",
        "email_address",
        "-email_address",
        "first_name",
        "last_name",
        "phone_number",
        "username",
        "-username",
        "last_sign_in_at",
        "-last_active_at",
        "web3wallet",
    ] {
        table.push_str(&format!("{order:20} {}\n", found(&client, &format!("order_by={order}")).await));
    }
    assert_snapshot!(table, @r#"
    created_at           Ada Grace Alan Edsger Liskov Donald
    -created_at          Donald Liskov Edsger Alan Grace Ada
    %2Bcreated_at        Ada Grace Alan Edsger Liskov Donald
    +created_at          Ada Grace Alan Edsger Liskov Donald
    updated_at           Ada Grace Alan Edsger Liskov Donald
    email_address        Grace Ada Liskov Edsger Alan Donald
    -email_address       Donald Alan Edsger Liskov Ada Grace
    first_name           Ada Alan Donald Edsger Grace Liskov
    last_name            Grace Liskov Ada Alan Edsger Donald
    phone_number         Alan Liskov Ada Grace Edsger Donald
    username             Edsger Donald Ada Alan Grace Liskov
    -username            Liskov Grace Alan Ada Donald Edsger
    last_sign_in_at      Liskov Ada Grace Alan Edsger Donald
    -last_active_at      Donald Edsger Alan Grace Ada Liskov
    web3wallet           Ada Grace Alan Edsger Liskov Donald
    "#);
    assert_eq!(client.get("/v1/users?order_by=shoe_size").await.refused(), "422 form_param_value_invalid");
}

#[tokio::test]
async fn pages_show_everyone_once() {
    let (emulator, client, clock) = start().await;
    people(&emulator, &clock);
    for order in ["created_at", "-created_at", "first_name", "-email_address"] {
        let whole = client.get(&format!("/v1/users?order_by={order}&limit=500")).await.ok();
        let mut paged = Vec::new();
        for offset in (0..8).step_by(2) {
            let page = client.get(&format!("/v1/users?order_by={order}&limit=2&offset={offset}")).await.ok();
            paged.extend(page.as_array().unwrap().clone());
        }
        assert_eq!(Value::Array(paged), whole, "{order}");
    }
    for order in ["", "&order_by=created_at", "&order_by=-created_at"] {
        let whole = client.get(&format!("/v1/users?limit=500{order}")).await.ok();
        let mut walked: Vec<Value> = Vec::new();
        loop {
            let cursor = walked.last().map_or(String::new(), |last| format!("&starting_after={}", id(last)));
            let page = client.get(&format!("/v1/users?limit=4{order}{cursor}")).await.ok();
            let page = page.as_array().unwrap();
            walked.extend(page.iter().cloned());
            if page.len() < 4 {
                break;
            }
        }
        assert_eq!(Value::Array(walked), whole, "{order}");
    }
}

#[tokio::test]
async fn a_cursor_needs_the_order_of_creation() {
    let (emulator, client, clock) = start().await;
    let users = people(&emulator, &clock);
    let last = id(&users[0]);
    for (query, expected) in [
        (format!("starting_after={last}&order_by=username"), "422 form_param_value_invalid"),
        (format!("starting_after={last}&offset=1"), "422 form_conditional_param_disallowed"),
        ("starting_after=user_nobody".to_owned(), "422 form_resource_not_found"),
        ("limit=0".to_owned(), "422 form_param_value_invalid"),
        ("limit=501".to_owned(), "422 form_param_value_invalid"),
        ("offset=-1".to_owned(), "422 form_param_value_invalid"),
        ("limit=many".to_owned(), "422 form_param_type_invalid"),
        ("banned=maybe".to_owned(), "422 form_param_type_invalid"),
    ] {
        assert_eq!(client.get(&format!("/v1/users?{query}")).await.refused(), expected, "{query}");
    }
}
