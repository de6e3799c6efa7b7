//! `rowlock token`: inspected without trust, verified with it.

use clerk::UserId;
use emulator::{Emulator, EmulatorOptions, TokenKind, TokenRequest};
use serde_json::{Value, json};

use crate::support::{rowlock, told};

struct Minted {
    emulator: Emulator,
    user_id: UserId,
}

impl Minted {
    async fn start() -> Self {
        let emulator = Emulator::start(EmulatorOptions::default()).await.unwrap();
        let user = emulator.users().create(&json!({ "email_address": ["ada@example.com"] })).unwrap();
        let user_id = UserId::parse(user["id"].as_str().unwrap()).unwrap();
        Self { emulator, user_id }
    }

    fn token(&self, request: TokenRequest) -> String {
        self.emulator.mint(&TokenRequest { user_id: Some(self.user_id.clone()), ..request }).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_is_verified_and_a_bad_one_refused_with_the_code() {
    let minted = Minted::start().await;
    let verify = |token: &str| {
        let output =
            rowlock(&["token", "verify", "--json", "--issuer", minted.emulator.issuer(), token]).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
        (output.status.code(), answer)
    };
    let (code, answer) = verify(&minted.token(TokenRequest::default()));
    assert_eq!((code, &answer["verified"], &answer["database_role"]), (Some(0), &json!(true), &json!("authenticated")));
    let (code, answer) = verify(&minted.token(TokenRequest { class: TokenKind::Template, ..TokenRequest::default() }));
    assert_eq!((code, &answer["error"]["code"]), (Some(1), &json!("token-type-mismatch")));
}

#[tokio::test(flavor = "multi_thread")]
async fn inspecting_says_that_nothing_was_verified() {
    let minted = Minted::start().await;
    let token = minted.token(TokenRequest { expires_in_seconds: Some(-90), ..TokenRequest::default() });
    let output = rowlock(&["token", "inspect", &token]).output().unwrap();
    let told = told(&output);
    assert!(
        told.contains("not verified") && told.contains(minted.user_id.as_str()) && told.contains("s ago)"),
        "{told}"
    );
}

#[test]
fn what_is_no_token_is_refused_in_words() {
    insta::assert_snapshot!(told(&rowlock(&["token", "inspect", "hello"]).output().unwrap()), @"
    exit: 1
    --- stdout
    --- stderr
    error: this is not a JSON Web Token: expected 3 parts between dots, found 1
    ");
    insta::assert_snapshot!(told(&rowlock(&["token", "verify", "hello"]).output().unwrap()), @"
    exit: 1
    --- stdout
    --- stderr
    error: no issuer to trust
      hint:  give --issuer, or set CLERK_PUBLISHABLE_KEY or `clerk.issuer`
    ");
}
