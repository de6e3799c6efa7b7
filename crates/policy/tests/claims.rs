//! The functions that read claims answer what the Rust reading of the same token says: for tokens that Clerk minted, for odd
//! ones, and for random ones.

use clerk::{Claims, Permission, TokenClass, TokenHeader};
use postgres::Connection;
use postgres::testing::TestDatabase;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{answers, ask};

const REGISTERED: &str = r#"{"sub":"user_1","iss":"https://clerk.example.com","exp":1700000060}"#;

fn payload(more: &Value) -> Value {
    let mut payload: Value = serde_json::from_str(REGISTERED).unwrap();
    for (name, value) in more.as_object().unwrap() {
        payload[name] = value.clone();
    }
    payload
}

fn read(class: TokenClass, payload: &Value) -> Option<Claims> {
    let header = TokenHeader {
        algorithm: "RS256".into(),
        token_type: Some("JWT".into()),
        category: class.category().map(str::to_owned),
        ..TokenHeader::default()
    };
    Claims::from_json(&header, payload.to_string().as_bytes()).ok()
}

/// What the Rust reading says, in the form in which SQL is asked.
fn expected(claims: &Claims, payload: &Value) -> Value {
    let organization = claims.organization.as_ref();
    let metadata =
        ["public_metadata", "metadata"].into_iter().find_map(|name| payload[name].is_object().then(|| &payload[name]));
    json!({
        "user_id": claims.user_id().map(|id| id.to_string()),
        "session_id": claims.session_id.as_ref().map(ToString::to_string),
        "org_id": organization.map(|organization| organization.id.to_string()),
        "org_slug": organization.and_then(|organization| organization.slug.clone()),
        "org_role": organization.and_then(|organization| organization.role.clone()),
        "permissions": organization.map_or(Vec::new(), |organization| organization.permissions.iter().map(ToString::to_string).collect()),
        "metadata": metadata.cloned().unwrap_or_else(|| json!({})),
        "is_impersonated": claims.actor.is_some(),
        "is_pending": claims.status == clerk::SessionStatus::Pending,
    })
}

async fn owner(database: &TestDatabase) -> Connection {
    database.owner.get().await.unwrap()
}

/// The answers for a payload in `request.jwt.claims`.
async fn answered(client: &mut Connection, payload: &Value) -> Value {
    answers(client, &[("request.jwt.claims", &payload.to_string())]).await
}

/// Tokens in every shape: (class, claims beside the registered ones).
fn shapes() -> Vec<(TokenClass, Value)> {
    vec![
        (TokenClass::Session, json!({})),
        // Version 2: Clerk's documentation and the tokens of its own live tests.
        (
            TokenClass::Session,
            json!({"v": 2, "sid": "sess_1", "sts": "active", "fea": "o:dashboard,o:teams", "pla": "o:pro",
            "o": {"id": "org_1", "slg": "acme", "rol": "admin", "per": "manage,read", "fpm": "3,2"}}),
        ),
        (
            TokenClass::Session,
            json!({"v": 2, "fea": "o:billing,o:impersonation,o:magic_links,o:posts",
            "o": {"id": "org_1", "slg": "acme", "rol": "admin", "per": "create,delete,manage,read", "fpm": "12,12,9,14"}}),
        ),
        (
            TokenClass::Session,
            json!({"v": 2, "fea": "o:magic_links", "o": {"id": "org_1", "rol": "manager", "per": "read", "fpm": "1"}}),
        ),
        (
            TokenClass::Session,
            json!({"v": 2, "fea": "o:impersonation,o:magic_links",
            "o": {"id": "org_1", "rol": "impersonation_reader", "per": "create,read", "fpm": "2,1"}}),
        ),
        // As `@clerk/shared` 4.41 reads them.
        (
            TokenClass::Session,
            json!({"v": 2, "fea": "u:solo,uo:both,ou:both2,o:teams", "o": {"id": "org_1", "per": "manage,read", "fpm": "1,2,3"}}),
        ),
        (TokenClass::Session, json!({"v": 2, "fea": "o:a,o:b", "o": {"id": "org_1", "per": "r", "fpm": "x,1"}})),
        (TokenClass::Session, json!({"v": 2, "fea": "o:a", "o": {"id": "org_1", "per": "r", "fpm": "7"}})),
        (
            TokenClass::Session,
            json!({"v": 2, "fea": "o:a , o:b", "o": {"id": "org_1", "per": "r , w", "fpm": " 1 , 2 "}}),
        ),
        (TokenClass::Session, json!({"v": 2, "fea": "o:a:b", "o": {"id": "org_1", "per": "r", "fpm": "0001"}})),
        (TokenClass::Session, json!({"v": 2, "fea": "", "o": {"id": "org_1", "per": "", "fpm": ""}})),
        (TokenClass::Session, json!({"v": 2, "fea": "o:a", "o": {"id": "org_1", "per": "r", "fpm": ""}})),
        (TokenClass::Session, json!({"v": 2, "o": {"id": "org_1", "rol": "org:admin"}})),
        (TokenClass::Session, json!({"v": 2, "o": {"id": "org_1", "rol": "", "slg": ""}})),
        (TokenClass::Session, json!({"v": 2, "o": null})),
        // Neither version reads the other's organization.
        (TokenClass::Session, json!({"v": 2, "org_id": "org_1", "org_role": "org:admin"})),
        (TokenClass::Session, json!({"o": {"id": "org_1", "rol": "admin"}, "fea": "o:a"})),
        // Version 1.
        (
            TokenClass::Session,
            json!({"sid": "sess_1", "org_id": "org_1", "org_slug": "acme", "org_role": "org:admin",
            "org_permissions": ["org:dashboard:read", "org:dashboard:manage"]}),
        ),
        (TokenClass::Session, json!({"v": 1, "org_id": "org_1", "org_role": "admin"})),
        (TokenClass::Session, json!({"v": null, "org_id": "org_1", "org_slug": null})),
        // Permissions without an organization are nobody's.
        (TokenClass::Session, json!({"org_permissions": ["org:dashboard:read"]})),
        // Somebody else acts; a task is open.
        (
            TokenClass::Session,
            json!({"sid": "sess_1", "act": {"iss": "https://dashboard.clerk.com", "sid": "sess_9", "sub": "user_9"}}),
        ),
        (TokenClass::Session, json!({"sid": "sess_1", "sts": "pending", "v": 2, "o": {"id": "org_1"}})),
        // Customised session tokens and templates.
        (TokenClass::Session, json!({"metadata": {"plan": "pro"}, "unsafe_metadata": {"role": "admin"}})),
        (TokenClass::Session, json!({"public_metadata": {"plan": "pro"}, "metadata": {"plan": "free"}})),
        (
            TokenClass::Template,
            json!({"aud": "authenticated", "role": "authenticated", "org_id": "org_1", "org_role": "org:member"}),
        ),
        (
            TokenClass::Template,
            json!({"org_id": "org_1", "org_role": "{{org.role}}", "org_slug": " {{ org.slug }} ",
            "org_permissions": "{{org.permissions}}", "act": "{{session.actor}}"}),
        ),
        (TokenClass::Template, json!({"org_id": "{{org.id}}", "org_role": "org:admin"})),
    ]
}

#[tokio::test]
async fn every_shape_of_token_reads_the_same_in_sql() {
    let database = TestDatabase::create().await;
    let mut client = owner(&database).await;
    for (class, more) in shapes() {
        let payload = payload(&more);
        let claims = read(class, &payload).unwrap_or_else(|| panic!("the token is good: {payload}"));
        assert_eq!(answered(&mut client, &payload).await, expected(&claims, &payload), "{payload}");
    }
}

/// A policy must never let in what the verifier would have refused: it may run where another verified.
#[tokio::test]
async fn what_clerk_never_writes_is_nobody() {
    let database = TestDatabase::create().await;
    let mut client = owner(&database).await;
    let organization = json!({"id": "org_1", "rol": "admin", "per": "r", "fpm": "1"});
    let nobody = json!({"org_id": null, "org_slug": null, "org_role": null, "permissions": []});
    for odd in [
        json!({"v": "2", "o": organization, "fea": "o:a"}),
        json!({"v": 3, "o": organization, "fea": "o:a"}),
        json!({"v": 3, "org_id": "org_1", "org_role": "org:admin"}),
        json!({"v": 2.0, "o": organization}),
        json!({"v": 2, "o": "org_1"}),
        json!({"v": 2, "o": {"id": "user_1", "rol": "admin"}}),
        json!({"v": 2, "o": {"id": 7, "rol": "admin"}}),
        json!({"v": 2, "o": {"rol": "admin"}, "org_id": "org_1"}),
        json!({"org_id": "acme", "org_role": "org:admin"}),
        json!({"org_id": ["org_1"]}),
        json!({"org_id": ""}),
        // The path that Clerk's own guide once taught is the name of no claim.
        json!({"v": 2, "o.id": "org_1"}),
    ] {
        let answered = answered(&mut client, &payload(&odd)).await;
        for (name, value) in nobody.as_object().unwrap() {
            assert_eq!(&answered[name], value, "{name} of {odd}");
        }
    }
    for subject in
        [json!("mch_1"), json!("1b4e28ba-2fa1-11d2-883f-0016d3cca427"), json!("user_"), json!(7), json!(null)]
    {
        assert_eq!(
            answered(&mut client, &payload(&json!({"sub": subject}))).await["user_id"],
            json!(null),
            "{subject}"
        );
    }
    let permissions = json!({"org_id": "org_1", "org_permissions": ["read", "org:a:b", "org:a", "{{org.permissions}}", 7, null, "org:a:b c"]});
    assert_eq!(answered(&mut client, &payload(&permissions)).await["permissions"], json!(["org:a:b"]));
    let no_scope = json!({"v": 2, "fea": "o:a,teams", "o": {"id": "org_1", "per": "r", "fpm": "1,1"}});
    assert_eq!(answered(&mut client, &payload(&no_scope)).await["permissions"], json!([]));
    assert_eq!(answered(&mut client, &payload(&json!({"sts": "half"}))).await["is_pending"], json!(true));
}

#[tokio::test]
async fn nobody_is_asked_without_claims() {
    let database = TestDatabase::create().await;
    let mut client = owner(&database).await;
    let nobody = json!({
        "user_id": null, "session_id": null, "org_id": null, "org_slug": null, "org_role": null, "permissions": [],
        "metadata": {}, "is_impersonated": false, "is_pending": false,
    });
    assert_eq!(answers(&mut client, &[]).await, nobody);
    assert_eq!(answers(&mut client, &[("request.jwt.claims", "")]).await, nobody);
    assert_eq!(answers(&mut client, &[("request.jwt.claims", r#"{"role":"anon"}"#)]).await, nobody);
    // Inside a function, "no claims" must be false and not unknown: `not has_role('admin')` would let everybody in.
    let questions = "select jsonb_build_array(clerk.has_role('admin'), clerk.has_permission('org:a:b'), clerk.has_feature('a'),
        clerk.has_plan('a'), clerk.is_member('org_1'), clerk.has_live_permission('org:a:b'), clerk.has_role(null), clerk.has_permission(null))";
    assert_eq!(ask(&mut client, &[], questions).await, json!([false, false, false, false, false, false, false, false]));
}

#[tokio::test]
async fn settings_of_each_claim_read_the_same_and_never_mix() {
    let database = TestDatabase::create().await;
    let mut client = owner(&database).await;
    for (_, more) in shapes() {
        let payload = payload(&more);
        let texts: Vec<(String, String)> = payload
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, value)| !value.is_null() && !matches!(name.as_str(), "exp" | "aud" | "unsafe_metadata"))
            // A shortcode where the claim is an object cannot be set this way: it is no JSON.
            .filter(|(name, value)| !(matches!(name.as_str(), "act" | "org_permissions") && value.is_string()))
            .map(|(name, value)| {
                (format!("request.jwt.claim.{name}"), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect();
        let settings: Vec<(&str, &str)> = texts.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(answers(&mut client, &settings).await, answered(&mut client, &payload).await, "{payload}");
    }
    let mixed = [
        ("request.jwt.claims", r#"{"sub":"user_1"}"#),
        ("request.jwt.claim.sub", "user_2"),
        ("request.jwt.claim.org_id", "org_2"),
    ];
    let answered = answers(&mut client, &mixed).await;
    assert_eq!((&answered["user_id"], &answered["org_id"]), (&json!("user_1"), &json!(null)));
}

#[tokio::test]
async fn roles_features_and_plans_are_asked_as_clerk_has_them() {
    let database = TestDatabase::create().await;
    let mut client = owner(&database).await;
    let v2 = payload(
        &json!({"v": 2, "fea": "o:teams,u:beta,uo:both,x:odd", "pla": "o:pro,u:free", "o": {"id": "org_1", "rol": "admin", "per": "read", "fpm": "1"}}),
    );
    let questions = [
        ("clerk.has_role('admin')", true),
        ("clerk.has_role('org:admin')", true),
        ("clerk.has_role('member')", false),
        ("clerk.has_role('')", false),
        ("clerk.has_permission('org:teams:read')", true),
        ("clerk.has_permission('teams:read')", false),
        ("clerk.has_feature('teams')", true),
        ("clerk.has_feature('org:teams')", true),
        ("clerk.has_feature('o:teams')", true),
        ("clerk.has_feature('user:teams')", false),
        ("clerk.has_feature('u:beta')", true),
        ("clerk.has_feature('org:beta')", false),
        ("clerk.has_feature('both') and clerk.has_feature('o:both') and clerk.has_feature('u:both')", true),
        ("clerk.has_feature('odd')", false),
        ("clerk.has_feature('')", false),
        ("clerk.has_plan('pro') and clerk.has_plan('org:pro') and not clerk.has_plan('user:pro')", true),
        ("clerk.has_plan('teams')", false),
    ];
    for (question, answer) in questions {
        let settings = [("request.jwt.claims", v2.to_string())];
        let settings = [(settings[0].0, settings[0].1.as_str())];
        assert_eq!(
            ask(&mut client, &settings, &format!("select to_jsonb({question})")).await,
            json!(answer),
            "{question}"
        );
    }
}

/// Supabase's own functions stand beside ours and read the same claims.
#[tokio::test]
async fn they_install_beside_those_of_supabase() {
    let database = TestDatabase::create().await;
    let mut client = owner(&database).await;
    client
        .batch_execute(
            "create schema auth;
             create function auth.jwt() returns jsonb language sql stable as $$
               select coalesce(nullif(current_setting('request.jwt.claim', true), ''), nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
             grant usage on schema auth to authenticated;",
        )
        .await
        .unwrap();
    client
        .batch_execute(
            postgres::migrations::MIGRATIONS.iter().find(|migration| migration.name == "policies").unwrap().sql,
        )
        .await
        .unwrap();
    let claims = payload(&json!({"org_id": "org_1"})).to_string();
    for setting in ["request.jwt.claims", "request.jwt.claim"] {
        let both = ask(
            &mut client,
            &[(setting, &claims)],
            "select jsonb_build_array(auth.jwt() ->> 'sub', clerk.user_id(), clerk.org_id())",
        )
        .await;
        assert_eq!(both, json!(["user_1", "user_1", "org_1"]), "{setting}");
    }
}

fn name() -> impl Strategy<Value = String> {
    "[a-z_]{1,6}"
}

/// A list as a template's author or a bug may write it: white space, empty elements, missing and odd scopes.
fn odd_list() -> impl Strategy<Value = String> {
    vec(
        ("[ \t]{0,1}", prop::sample::select(vec!["o:", "u:", "uo:", "ou:", "x:", "", ":"]), "[a-z:]{0,3}", " {0,1}"),
        0..5,
    )
    .prop_map(|parts| parts.iter().map(|(a, b, c, d)| format!("{a}{b}{c}{d}")).collect::<Vec<_>>().join(","))
}

fn odd_masks() -> impl Strategy<Value = String> {
    vec(
        prop::sample::select(vec![
            "0",
            "1",
            " 7 ",
            "12",
            "x",
            "",
            "-1",
            "+1",
            "0001",
            "9007199254740993",
            "340282366920938463463374607431768211457",
        ]),
        0..5,
    )
    .prop_map(|masks| masks.join(","))
}

/// Claims of any shape, well-formed and not.
fn tokens() -> impl Strategy<Value = Value> {
    let granted = btree_set((0u8..6, 0u8..90), 0..60).prop_map(|granted| {
        let granted: Vec<Permission> = granted
            .into_iter()
            .map(|(feature, action)| Permission::new(&format!("f{feature}"), &format!("a{action}")).unwrap())
            .collect();
        granted
    });
    let v2 = (granted.clone(), name(), name()).prop_map(|(granted, slug, role)| {
        let packed = clerk::pack(&granted);
        json!({"v": 2, "sid": "sess_1", "fea": packed.features, "o": {"id": "org_1", "slg": slug, "rol": role, "per": packed.permissions, "fpm": packed.masks}})
    });
    let v1 = (granted, name(), any::<bool>()).prop_map(|(granted, role, prefix)| {
        let role = if prefix { format!("org:{role}") } else { role };
        json!({"sid": "sess_1", "org_id": "org_1", "org_role": role, "org_permissions": granted})
    });
    let odd_v2 = (odd_list(), "[a-z, ]{0,8}", odd_masks()).prop_map(|(features, actions, masks)| {
        json!({"v": 2, "fea": features, "o": {"id": "org_1", "per": actions, "fpm": masks}})
    });
    let odd_value = prop::sample::select(vec![
        json!(null),
        json!(7),
        json!(true),
        json!("x"),
        json!(""),
        json!("{{org.id}}"),
        json!("org_2"),
        json!("sess_2"),
        json!([]),
        json!(["org:a:b"]),
        json!({}),
        json!({"id": "org_3"}),
        json!({"sub": "user_9"}),
        json!("pending"),
        json!("active"),
        json!(1),
        json!(2),
    ]);
    let odd_claim = prop::sample::select(vec![
        "v",
        "o",
        "fea",
        "sid",
        "sts",
        "act",
        "org_id",
        "org_slug",
        "org_role",
        "org_permissions",
        "metadata",
        "public_metadata",
    ]);
    let base = prop_oneof![v2, v1, odd_v2, Just(json!({}))];
    (base, vec((odd_claim, odd_value), 0..3)).prop_map(|(mut claims, odd)| {
        for (claim, value) in odd {
            claims[claim] = value;
        }
        claims
    })
}

#[test]
fn random_tokens_read_the_same_in_sql() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (database, mut client) = runtime.block_on(async {
        let database = TestDatabase::create().await;
        let client = owner(&database).await;
        (database, client)
    });
    let accepted = std::cell::Cell::new(0);
    let client = std::cell::RefCell::new(&mut client);
    TestRunner::new(Config { cases: 512, failure_persistence: None, ..Config::default() })
        .run(&tokens(), |more| {
            let payload = payload(&more);
            // Every token is answered without an error, also one that the verifier refuses.
            let answered = runtime.block_on(answered(*client.borrow_mut(), &payload));
            if let Some(claims) = read(TokenClass::Session, &payload) {
                accepted.set(accepted.get() + 1);
                prop_assert_eq!(answered, expected(&claims, &payload), "{}", payload);
            }
            Ok(())
        })
        .unwrap();
    assert!(accepted.get() > 200, "only {} tokens of 512 were good", accepted.get());
    drop(database);
}
