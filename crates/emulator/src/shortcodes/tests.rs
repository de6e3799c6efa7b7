//! The examples of Clerk's page "JWT templates", and what people observe beside them.

use clerk::{InstanceId, Timestamp};
use serde_json::{Map, Value, json};

use super::{Context, operands};
use crate::{
    change::Change, form::Form, ids::IdSource, organizations::NewOrganization, state::State, tokens::ActiveMembership,
    users::NewUser,
};

/// Maria, as on Clerk's page, and her organization.
fn maria() -> (State, InstanceId) {
    let instance_id = InstanceId::parse("ins_test").unwrap();
    let mut state = State::new(IdSource::new(Some(1)), &instance_id, Timestamp::from_seconds(0));
    let mut change = Change::begin(&mut state, &instance_id, Timestamp::from_seconds(1_227_618_844));
    let body = json!({
        "first_name": "Maria",
        "last_name": "Doe",
        "email_address": ["maria@example.com"],
        "public_metadata": { "profile": { "interests": ["reading", "climbing"] } },
        "unsafe_metadata": { "foo": { "bar": 42 } },
    });
    let user = change.create_user(NewUser::read(form(body)).unwrap()).unwrap();
    let body = json!({ "name": "Acme", "created_by": user, "public_metadata": { "tier": "gold" } });
    change.create_organization(NewOrganization::read(form(body)).unwrap()).unwrap();
    (state, instance_id)
}

fn form(body: Value) -> Form {
    Form::parse(body.to_string().as_bytes()).unwrap()
}

fn expand_with(claims: Value, active: bool) -> Value {
    let (state, instance_id) = maria();
    let membership = state.memberships.oldest_first().next().unwrap();
    let organization = state.organizations.oldest_first().next().unwrap();
    let context = Context {
        user: state.users.oldest_first().next().unwrap(),
        membership: active.then_some(ActiveMembership { organization, membership }),
        state: &state,
        instance_id: &instance_id,
    };
    let claims: Map<String, Value> = claims.as_object().unwrap().clone();
    Value::Object(context.expand(&claims))
}

fn expand(text: &str) -> Value {
    expand_with(json!({ "claim": text }), true)["claim"].take()
}

#[test]
fn the_complete_example_of_clerks_page() {
    let expanded = expand_with(
        json!({
            "aud": "https://my-site.com",
            "version": 1,
            "foo": { "bar": [1, 2, 3] },
            "full_name": "{{user.last_name}} {{user.first_name}} ",
            "email": "{{user.primary_email_address}}",
            "phone": "{{user.primary_phone_address}}",
            "registration_date": "{{user.created_at}}",
            "likes_to_do": "{{user.public_metadata.profile.interests}}",
            "unsafe_meta": "{{user.unsafe_metadata}}",
            "invalid_shortcode": "{{user.i_dont_exist}}",
        }),
        false,
    );
    let expected = json!({
        "aud": "https://my-site.com",
        "version": 1,
        "foo": { "bar": [1, 2, 3] },
        "full_name": "Doe Maria",
        "email": "maria@example.com",
        "phone": null,
        "registration_date": 1_227_618_844,
        "likes_to_do": ["reading", "climbing"],
        "unsafe_meta": { "foo": { "bar": 42 } },
        "invalid_shortcode": null,
    });
    assert_eq!(expanded, expected);
}

#[test]
fn conditionals_take_the_first_that_is_neither_null_nor_false() {
    assert_eq!(expand("{{user.email_verified || user.phone_number_verified}}"), json!(true));
    assert_eq!(expand("{{user.phone_number_verified || user.email_verified}}"), json!(true));
    assert_eq!(expand("{{user.public_metadata.age || user.unsafe_metadata.age || 30 }}"), json!(30));
    assert_eq!(expand("{{user.username || 'a || b'}}"), json!("a || b"));
    assert_eq!(expand("{{user.username || false}}"), json!(false), "the last one counts when all are falsy");
    assert_eq!(expand("{{user.unsafe_metadata.foo.bar || 'none'}}"), json!(42));
}

#[test]
fn text_around_a_shortcode_makes_text() {
    assert_eq!(expand("{{user.username}} {{user.first_name}}"), json!("null Maria"));
    assert_eq!(expand("bar: {{user.unsafe_metadata.foo.bar}}"), json!("bar: 42"));
    assert_eq!(expand("foo: {{user.unsafe_metadata.foo}}"), json!(r#"foo: {"bar":42}"#));
    assert_eq!(expand("no code { at } all"), json!("no code { at } all"));
    assert_eq!(expand("{{user.first_name"), json!("{{user.first_name"));
}

#[test]
fn the_active_organization_is_there_or_null() {
    let claims = json!({ "id": "{{org.id}}", "role": "{{org.role}}", "tier": "{{org.public_metadata.tier}}" });
    let active = expand_with(claims.clone(), true);
    assert!(active["id"].as_str().unwrap().starts_with("org_"));
    assert_eq!((&active["role"], &active["tier"]), (&json!("org:admin"), &json!("gold")));
    assert_eq!(expand_with(claims, false), json!({ "id": null, "role": null, "tier": null }));
}

#[test]
fn what_clerk_does_not_know_stays_as_it_was_written() {
    for literal in ["{{org}}", "{{org.permissions}}", "{{nothing.at_all}}", "{{user}}"] {
        assert_eq!(expand(literal), json!(literal));
    }
    assert_eq!(expand("of {{org.permissions}}!"), json!("of {{org.permissions}}!"));
}

#[test]
fn shortcodes_are_found_at_any_depth() {
    let expanded = expand_with(json!({ "a": [{ "b": "{{user.first_name}}" }, "{{user.last_name}}"] }), false);
    assert_eq!(expanded, json!({ "a": [{ "b": "Maria" }, "Doe"] }));
}

#[test]
fn organizations_are_roles_by_id() {
    let organizations = expand("{{user.organizations}}");
    let roles: Vec<&Value> = organizations.as_object().unwrap().values().collect();
    assert_eq!(roles, [&json!("org:admin")]);
}

#[test]
fn bars_inside_quotes_do_not_split() {
    assert_eq!(operands("a || b||'c || d'"), ["a", "b", "'c || d'"]);
    assert_eq!(operands(" a "), ["a"]);
}
