//! What is kept out, what is said about it, and what is advised.

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use insta::assert_snapshot;
use serde_json::json;
use tokens::VerifierOptions;

use crate::support::{KEY_ID, NOW, encode, instance_key, session, strangers_key, verdict, verifier};

/// One line for each token: `name | code | message | hint`.
async fn table<'a>(
    change: impl Fn(&mut VerifierOptions),
    tokens: impl IntoIterator<Item = (&'a str, String)>,
) -> String {
    let mut table = String::new();
    for (name, token) in tokens {
        writeln!(table, "{name} | {}", verdict(&verifier(&change), &token).await).unwrap();
    }
    table
}

/// `token` with one of its three parts replaced.
fn with_part(token: &str, part: usize, change: impl FnOnce(&str) -> String) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[part] = change(&parts[part]);
    parts.join(".")
}

/// The next letter of the alphabet in the last place: the same bytes to a careless decoder, if the bit is a spare one.
fn with_a_spare_bit_set(part: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "no spare bits to set");
    let last = ALPHABET.iter().position(|letter| *letter == part.as_bytes()[part.len() - 1]).unwrap();
    format!("{}{}", &part[..part.len() - 1], char::from(ALPHABET[last + 1]))
}

#[tokio::test]
async fn what_is_no_token() {
    let good = session().signed();
    let parts: Vec<&str> = good.split('.').collect();
    let dashed = session().claim("note", "~~~???>>>~").signed();
    assert!(dashed.split('.').nth(1).unwrap().contains(['-', '_']), "the two alphabets differ in this token");
    let spare = session().claim("jti", "b1f67").signed();
    let tokens = [
        ("empty", String::new()),
        ("a word", "undefined".into()),
        ("2 parts", format!("{}.{}", parts[0], parts[1])),
        ("4 parts", format!("{good}.x")),
        ("only dots", "..".into()),
        ("too long", session().claim("padding", "x".repeat(8 * 1024)).signed()),
        ("with its scheme", format!("Bearer {good}")),
        ("a line end behind it", format!("{good}\n")),
        ("padded header", with_part(&good, 0, |header| format!("{header}="))),
        ("padded payload", with_part(&good, 1, |payload| format!("{payload}="))),
        ("padded signature", format!("{good}==")),
        ("standard alphabet", with_part(&dashed, 1, |payload| payload.replace('-', "+").replace('_', "/"))),
        ("spare bit set in the payload", with_part(&spare, 1, with_a_spare_bit_set)),
        ("signature of one letter", with_part(&good, 2, |_| "A".into())),
        ("header is no JSON", session().header_text("alg: RS256").signed()),
        ("header is an array", session().header_text("[]").signed()),
        ("header is not UTF-8", with_part(&good, 0, |_| encode(b"\xff"))),
        ("header member twice", session().header_text(r#"{"alg":"none","alg":"RS256","kid":"ins_2example"}"#).signed()),
        (
            "header member twice, one escaped",
            session().header_text(r#"{"alg":"RS256","k\u0069d":"a","kid":"b"}"#).signed(),
        ),
        ("alg is missing", session().without_header("alg").signed()),
        ("alg is a list", session().header("alg", json!(["RS256"])).signed()),
        ("kid is a number", session().header("kid", 7).signed()),
        ("crit", session().header("crit", json!(["b64"])).header("b64", false).signed()),
        ("crit is null", session().header("crit", json!(null)).signed()),
    ];
    assert_snapshot!(table(|_| (), tokens).await, @r#"
    empty | token-invalid | this is not a JSON Web Token: expected 3 parts between dots, found 1 | no hint
    a word | token-invalid | this is not a JSON Web Token: expected 3 parts between dots, found 1 | no hint
    2 parts | token-invalid | this is not a JSON Web Token: expected 3 parts between dots, found 2 | no hint
    4 parts | token-invalid | this is not a JSON Web Token: expected 3 parts between dots, found 4 | no hint
    only dots | token-invalid | this is not a JSON Web Token: token header is unreadable: found text that is not JSON, expected a JSON object: EOF while parsing a value at line 1 column 0 | no hint
    too long | token-invalid | token is 11652 bytes long; at most 8192 are accepted | no hint
    with its scheme | token-invalid | this is not a JSON Web Token: its header is not unpadded base64url (Invalid symbol 32, offset 6.) | no hint
    a line end behind it | token-invalid | this is not a JSON Web Token: its signature is not unpadded base64url (Invalid symbol 10, offset 342.) | no hint
    padded header | token-invalid | this is not a JSON Web Token: its header is not unpadded base64url (Invalid symbol 61, offset 96.) | no hint
    padded payload | token-invalid | this is not a JSON Web Token: its payload is not unpadded base64url (Invalid symbol 61, offset 272.) | no hint
    padded signature | token-invalid | this is not a JSON Web Token: its signature is not unpadded base64url (Invalid padding) | no hint
    standard alphabet | token-invalid | this is not a JSON Web Token: its payload is not unpadded base64url (Invalid symbol 43, offset 203.) | no hint
    spare bit set in the payload | token-invalid | this is not a JSON Web Token: its payload is not unpadded base64url (Invalid last symbol 82, offset 273.) | no hint
    signature of one letter | token-invalid | this is not a JSON Web Token: its signature is not unpadded base64url (Invalid input length: 1) | no hint
    header is no JSON | token-invalid | this is not a JSON Web Token: token header is unreadable: found text that is not JSON, expected a JSON object: expected value at line 1 column 1 | no hint
    header is an array | token-invalid | this is not a JSON Web Token: token header is unreadable: found an array, expected a JSON object | no hint
    header is not UTF-8 | token-invalid | this is not a JSON Web Token: token header is unreadable: found bytes that are not UTF-8, expected a JSON object: invalid utf-8 sequence of 1 bytes from index 0 | no hint
    header member twice | token-invalid | this is not a JSON Web Token: token header names "alg" twice; no Clerk token does | no hint
    header member twice, one escaped | token-invalid | this is not a JSON Web Token: token header names "kid" twice; no Clerk token does | no hint
    alg is missing | token-invalid | this is not a JSON Web Token: token header has no `alg`, expected the signature algorithm, such as `RS256` | no hint
    alg is a list | token-invalid | this is not a JSON Web Token: token header member `alg` is an array, expected readable text | no hint
    kid is a number | token-invalid | this is not a JSON Web Token: token header member `kid` is a number, expected readable text | no hint
    crit | token-invalid | token header has `crit`: it demands extensions that are not known here | no hint
    crit is null | token-invalid | token header has `crit`: it demands extensions that are not known here | no hint
    "#);
}

#[tokio::test]
async fn the_wrong_key_or_algorithm() {
    let hs256 = |token: crate::support::Token| {
        let token = token.header("alg", "HS256");
        let secret = hmac::Key::new(hmac::HMAC_SHA256, instance_key().public_der());
        token.with_signature(hmac::sign(&secret, token.message().as_bytes()).as_ref())
    };
    let rs512 = session().header("alg", "RS512");
    let rs512 = rs512.with_signature(&instance_key().sign(&RSA_PKCS1_SHA512, &rs512.message()));
    let pss = session().with_signature(&instance_key().sign(&RSA_PSS_SHA256, &session().message()));
    let embedded = session().header("jwk", strangers_key().jwk(KEY_ID)).signed_by(strangers_key());
    let [good, other] = [session(), session().claim("sub", "user_eve")].map(|token| token.signed());
    let eves = with_part(&good, 1, |_| other.split('.').nth(1).unwrap().to_owned());
    let tokens = [
        ("alg none", session().header("alg", "none").with_signature(b"")),
        ("alg None", session().header("alg", "None").with_signature(b"")),
        ("HS256 with the public key", hs256(session())),
        ("RS512 with the right key", rs512),
        ("alg in small letters", session().header("alg", "rs256").signed()),
        ("no kid", session().without_header("kid").signed()),
        ("empty kid", session().header("kid", "").signed()),
        ("unknown kid", session().header("kid", "ins_2other").signed()),
        ("kid with control characters", session().header("kid", "a\r\nlevel=ERROR\u{1b}[31m\u{202e}b").signed()),
        ("kid without end", session().header("kid", "k".repeat(3_000)).signed()),
        ("alg without end", session().header("alg", "R".repeat(3_000)).signed()),
        ("signed by a stranger", session().signed_by(strangers_key())),
        ("signed by a stranger whose key is in the header", embedded),
        ("signed with another padding", pss),
        ("no signature", session().with_signature(b"")),
        ("signature cut short", with_part(&good, 2, |signature| signature[..340].to_owned())),
        ("payload of another token", eves),
        (
            "header changed",
            with_part(&good, 0, |_| session().header("cat", "x").message().split('.').next().unwrap().into()),
        ),
    ];
    assert_snapshot!(table(|_| (), tokens).await, @r#"
    alg none | token-invalid-algorithm | token is signed with "none"; expected RS256 | no hint
    alg None | token-invalid-algorithm | token is signed with "None"; expected RS256 | no hint
    HS256 with the public key | token-invalid-algorithm | token is signed with "HS256"; expected RS256 | no hint
    RS512 with the right key | token-invalid-algorithm | token is signed with "RS512"; expected RS256 | no hint
    alg in small letters | token-invalid-algorithm | token is signed with "rs256"; expected RS256 | no hint
    no kid | jwk-kid-mismatch | token header names no key (`kid`); Clerk always does | no hint
    empty kid | jwk-kid-mismatch | token header names no key (`kid`); Clerk always does | no hint
    unknown kid | jwk-kid-mismatch | token is of instance "ins_2other"; this server trusts `ins_2example` (issuer `https://clerk.example.com`) | compare the application's publishable key with this server's issuer: development and production differ
    kid with control characters | jwk-kid-mismatch | token is of instance "a\r\nlevel=ERROR\u{1b}[31m\u{202e}b"; this server trusts `ins_2example` (issuer `https://clerk.example.com`) | compare the application's publishable key with this server's issuer: development and production differ
    kid without end | jwk-kid-mismatch | token is of instance "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"… (3000 bytes); this server trusts `ins_2example` (issuer `https://clerk.example.com`) | compare the application's publishable key with this server's issuer: development and production differ
    alg without end | token-invalid-algorithm | token is signed with "RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR"… (3000 bytes); expected RS256 | no hint
    signed by a stranger | token-invalid-signature | token signature is not of key "ins_2example": the token was changed, or signed by somebody else | no hint
    signed by a stranger whose key is in the header | token-invalid-signature | token signature is not of key "ins_2example": the token was changed, or signed by somebody else | no hint
    signed with another padding | token-invalid-signature | token signature is not of key "ins_2example": the token was changed, or signed by somebody else | no hint
    no signature | token-invalid-signature | token signature is not of key "ins_2example": the token was changed, or signed by somebody else | no hint
    signature cut short | token-invalid-signature | token signature is not of key "ins_2example": the token was changed, or signed by somebody else | no hint
    payload of another token | token-invalid-signature | token signature is not of key "ins_2example": the token was changed, or signed by somebody else | no hint
    header changed | token-invalid-signature | token signature is not of key "ins_2example": the token was changed, or signed by somebody else | no hint
    "#);
}

#[tokio::test]
async fn somebody_elses_or_no_session() {
    let template = session().without("sid").without("v").without("sts").without("fva");
    let machine = session().claim("sub", "mch_2example");
    let tokens = [
        ("issuer of another instance", session().claim("iss", "https://happy-otter-1.clerk.accounts.dev").signed()),
        ("issuer with a slash", session().claim("iss", "https://clerk.example.com/").signed()),
        ("issuer in capitals", session().claim("iss", "https://CLERK.example.com").signed()),
        ("issuer with a line end", session().claim("iss", "https://clerk.example.com\nforged: line").signed()),
        ("issuer is missing", session().without("iss").signed()),
        ("template by its category", session().header("cat", "cl_B7d4PD222AAA").signed()),
        ("template without a category", template.clone().without_header("cat").signed()),
        ("template of a hidden category", template.header("cat", "cl_I7d4PD111III").signed()),
        ("machine by its category", session().header("cat", "cl_B7d4PD333AAA").signed()),
        ("machine by its subject", machine.clone().signed()),
        ("machine with a powerful role", machine.claim("role", "service_role").signed()),
        ("OAuth access token", session().header("typ", "at+jwt").without_header("cat").signed()),
        ("OAuth access token, long name", session().header("typ", "application/at+jwt").signed()),
        ("typ of something else", session().header("typ", "dpop+jwt").signed()),
        ("typ in small letters", session().header("typ", "jwt").signed()),
        ("category that does not exist yet", session().header("cat", "cl_B7d4PD444AAA").signed()),
        ("subject is no user", session().claim("sub", "admin").signed()),
        ("subject is a user with more", session().claim("sub", "user_ada' or true --").signed()),
        ("subject is empty", session().claim("sub", "").signed()),
        ("subject is a number", session().claim("sub", 7).signed()),
        ("session id is no session", session().claim("sid", "user_ada").signed()),
    ];
    assert_snapshot!(table(|_| (), tokens).await, @r#"
    issuer of another instance | token-invalid-issuer | token was issued by "https://happy-otter-1.clerk.accounts.dev"; this server trusts `https://clerk.example.com` | compare the application's publishable key with this server's issuer: development and production differ
    issuer with a slash | token-invalid-issuer | token was issued by "https://clerk.example.com/"; this server trusts `https://clerk.example.com` | compare the application's publishable key with this server's issuer: development and production differ
    issuer in capitals | token-invalid-issuer | token was issued by "https://CLERK.example.com"; this server trusts `https://clerk.example.com` | compare the application's publishable key with this server's issuer: development and production differ
    issuer with a line end | token-invalid-issuer | token was issued by "https://clerk.example.com\nforged: line"; this server trusts `https://clerk.example.com` | compare the application's publishable key with this server's issuer: development and production differ
    issuer is missing | token-invalid | token has no claim `iss`, expected text | no hint
    template by its category | token-type-mismatch | token is a JWT-template token; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    template without a category | token-type-mismatch | token is without a session (`sid` is missing), as JWT-template tokens are; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    template of a hidden category | token-type-mismatch | token is without a session (`sid` is missing), as JWT-template tokens are; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    machine by its category | token-type-mismatch | token is a machine-to-machine token; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    machine by its subject | token-type-mismatch | token is a machine-to-machine token; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    machine with a powerful role | token-type-mismatch | token is a machine-to-machine token; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    OAuth access token | token-type-mismatch | token is an OAuth access token; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    OAuth access token, long name | token-type-mismatch | token is an OAuth access token; expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    typ of something else | token-invalid | token is of type "dpop+jwt" (`typ`); expected `JWT` | no hint
    typ in small letters | token-invalid | token is of type "jwt" (`typ`); expected `JWT` | no hint
    category that does not exist yet | token-invalid | token is of no known class: token category "cl_B7d4PD444AAA" is unknown, expected a session, template or machine token of Clerk | no hint
    subject is no user | token-type-mismatch | token is not of a user (`sub` is no `user_…`); expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    subject is a user with more | token-type-mismatch | token is not of a user (`sub` is no `user_…`); expected a session token | send what `getToken()` gives without a template: no other token says who is signed in
    subject is empty | token-invalid | claim `sub` is empty, expected text | no hint
    subject is a number | token-invalid | claim `sub` is a number, expected readable text | no hint
    session id is no session | token-invalid | claim `sid` does not hold the id it should: not a session id: found the user id "user_ada", expected `sess_` and 1 to 128 letters, digits, `_` or `-` | no hint
    "#);
}

#[tokio::test]
async fn the_wrong_time() {
    let exp = |text: &str| session().map_claims_text(|claims| claims.replace(&format!("{}", NOW + 60), text)).signed();
    let tokens = [
        ("expired at the edge", session().claim("exp", NOW - 5).signed()),
        ("expired an hour ago", session().claim("exp", NOW - 3_600).signed()),
        ("expired long ago", session().claim("exp", 0).signed()),
        ("expired at a fraction", session().claim("exp", (NOW - 6) as f64 + 0.5).signed()),
        ("exp 1e20", exp("1e20")),
        ("exp 1e400", exp("1e400")),
        ("exp negative", exp("-1")),
        ("exp as text", exp(&format!("\"{}\"", NOW + 60))),
        ("exp null", exp("null")),
        ("exp is missing", session().without("exp").signed()),
        ("nbf beyond the skew", session().claim("nbf", NOW + 6).signed()),
        ("nbf tomorrow", session().claim("nbf", NOW + 86_400).signed()),
        ("nbf as text", session().claim("nbf", "soon").signed()),
        ("iat beyond the skew", session().claim("iat", NOW + 6).signed()),
        ("iat as text", session().claim("iat", "now").signed()),
    ];
    assert_snapshot!(table(|_| (), tokens).await, @r"
    expired at the edge | token-expired | token expired 5.0 s ago | session tokens live 60 s: call `getToken()` for each request
    expired an hour ago | token-expired | token expired 3600 s ago | session tokens live 60 s: call `getToken()` for each request
    expired long ago | token-expired | token expired 1800000000 s ago | session tokens live 60 s: call `getToken()` for each request
    expired at a fraction | token-expired | token expired 5.5 s ago | session tokens live 60 s: call `getToken()` for each request
    exp 1e20 | token-invalid | claim `exp` is 1e20, expected seconds between the years 1970 and 9999 | no hint
    exp 1e400 | token-invalid | claim `exp` is a number, expected seconds between the years 1970 and 9999 | no hint
    exp negative | token-invalid | claim `exp` is -1e0, expected seconds between the years 1970 and 9999 | no hint
    exp as text | token-invalid | claim `exp` is a string, expected seconds between the years 1970 and 9999 | no hint
    exp null | token-invalid | token has no claim `exp`, expected seconds since 1970 | no hint
    exp is missing | token-invalid | token has no claim `exp`, expected seconds since 1970 | no hint
    nbf beyond the skew | token-not-active-yet | token is not valid for another 6.0 s (`nbf`) | compare this machine's clock with the time
    nbf tomorrow | token-not-active-yet | token is not valid for another 86400 s (`nbf`) | compare this machine's clock with the time
    nbf as text | token-invalid | claim `nbf` is a string, expected seconds between the years 1970 and 9999 | no hint
    iat beyond the skew | token-iat-in-the-future | token says it will be issued in 6.0 s (`iat`) | compare this machine's clock with the time
    iat as text | token-invalid | claim `iat` is a string, expected seconds between the years 1970 and 9999 | no hint
    ");
    let tokens = [("expires now, without skew", session().claim("exp", NOW).signed())];
    assert_snapshot!(table(|options| options.clock_skew = Duration::ZERO, tokens).await, @"expires now, without skew | token-expired | token expired 0.0 s ago | session tokens live 60 s: call `getToken()` for each request");
}

#[tokio::test]
async fn another_application() {
    let parties = |options: &mut VerifierOptions| {
        options.authorized_parties = vec!["https://app.example.com".into(), "https://admin.example.com".into()];
    };
    let tokens = [
        ("azp is missing", session().without("azp").signed()),
        ("azp is empty", session().claim("azp", "").signed()),
        ("azp of another origin", session().claim("azp", "https://evil.example").signed()),
        ("azp with a slash", session().claim("azp", "https://app.example.com/").signed()),
        ("azp is a list", session().claim("azp", json!(["https://app.example.com"])).signed()),
    ];
    assert_snapshot!(table(parties, tokens).await, @r#"
    azp is missing | token-invalid-authorized-parties | token was made for nobody (`azp` is missing); authorized parties are `https://app.example.com`, `https://admin.example.com` | `azp` is the origin that asked for the token, such as `https://app.example.com`, without a slash
    azp is empty | token-invalid-authorized-parties | token was made for ""; authorized parties are `https://app.example.com`, `https://admin.example.com` | `azp` is the origin that asked for the token, such as `https://app.example.com`, without a slash
    azp of another origin | token-invalid-authorized-parties | token was made for "https://evil.example"; authorized parties are `https://app.example.com`, `https://admin.example.com` | `azp` is the origin that asked for the token, such as `https://app.example.com`, without a slash
    azp with a slash | token-invalid-authorized-parties | token was made for "https://app.example.com/"; authorized parties are `https://app.example.com`, `https://admin.example.com` | `azp` is the origin that asked for the token, such as `https://app.example.com`, without a slash
    azp is a list | token-invalid | claim `azp` is an array, expected readable text | no hint
    "#);

    let audience = |options: &mut VerifierOptions| options.audiences = vec!["https://api.example.com".into()];
    let tokens = [
        ("aud is missing", session().signed()),
        ("aud is empty", session().claim("aud", json!([])).signed()),
        ("another aud", session().claim("aud", "https://other.example.com").signed()),
        ("several other aud", session().claim("aud", json!(["a", "b"])).signed()),
        ("aud is a number", session().claim("aud", 5).signed()),
        ("aud is a mixed array", session().claim("aud", json!(["https://api.example.com", 5])).signed()),
    ];
    assert_snapshot!(table(audience, tokens).await, @r#"
    aud is missing | token-invalid-audience | token audience is missing; expected `https://api.example.com` | no hint
    aud is empty | token-invalid-audience | token audience is missing; expected `https://api.example.com` | no hint
    another aud | token-invalid-audience | token audience is "https://other.example.com"; expected `https://api.example.com` | no hint
    several other aud | token-invalid-audience | token audience is "a", "b"; expected `https://api.example.com` | no hint
    aud is a number | token-invalid | claim `aud` is a number, expected text or a list of texts | no hint
    aud is a mixed array | token-invalid | claim `aud` is an array, expected text or a list of texts | no hint
    "#);
}

#[tokio::test]
async fn what_the_claims_say() {
    let tokens = [
        ("pending", session().claim("sts", "pending").signed()),
        ("status that does not exist yet", session().claim("sts", "frozen").signed()),
        ("role service_role", session().claim("role", "service_role").signed()),
        ("role unknown", session().claim("role", "editor").signed()),
        ("role anon", session().claim("role", "anon").signed()),
        ("role empty", session().claim("role", "").signed()),
        ("role with a line end", session().claim("role", "a\nb").signed()),
        ("role is a number", session().claim("role", 1).signed()),
        ("role is a list", session().claim("role", json!(["authenticated"])).signed()),
        ("claims of version 3", session().claim("v", 3).signed()),
        ("version as text", session().claim("v", "2").signed()),
        ("claim twice", session().map_claims_text(|claims| claims.replacen('{', r#"{"sub":"user_eve","#, 1)).signed()),
        ("actor without a subject", session().claim("act", json!({ "iss": "x" })).signed()),
        ("organization id is no organization", session().claim("o", json!({ "id": "user_ada" })).signed()),
        (
            "permissions that do not unpack",
            session()
                .claim("fea", "dashboard")
                .claim("o", json!({ "id": "org_a", "per": "read", "fpm": "1" }))
                .signed(),
        ),
        ("payload is no JSON", session().claims_text("sub=user_ada").signed()),
        ("payload is an array", session().claims_text("[1]").signed()),
        ("payload is empty", session().claims_text("").signed()),
        (
            "payload nested without end",
            session()
                .map_claims_text(|claims| {
                    claims.replacen('{', &format!(r#"{{"x":{}{},"#, "[".repeat(500), "]".repeat(500)), 1)
                })
                .signed(),
        ),
    ];
    assert_snapshot!(table(|_| (), tokens).await, @r#"
    pending | session-pending | session is pending: the user has a task to finish, such as choosing an organization | let the user finish the task, or set `accept_pending` to let such sessions in
    status that does not exist yet | token-invalid | claim `sts` is "frozen", expected `active` or `pending` | no hint
    role service_role | token-role-not-allowed | token asks for database role "service_role"; tokens may have authenticated | add the role to `database_roles`, or remove the `role` claim from the token
    role unknown | token-role-not-allowed | token asks for database role "editor"; tokens may have authenticated | add the role to `database_roles`, or remove the `role` claim from the token
    role anon | token-role-not-allowed | token asks for database role "anon"; tokens may have authenticated | add the role to `database_roles`, or remove the `role` claim from the token
    role empty | token-role-not-allowed | token asks for database role ""; tokens may have authenticated | add the role to `database_roles`, or remove the `role` claim from the token
    role with a line end | token-role-not-allowed | token asks for database role "a\nb"; tokens may have authenticated | add the role to `database_roles`, or remove the `role` claim from the token
    role is a number | token-invalid | claim `role` is a number, expected readable text | no hint
    role is a list | token-invalid | claim `role` is an array, expected readable text | no hint
    claims of version 3 | token-invalid | session token has claims of version "3", expected 2, 1 or no `v`; this release knows nothing newer: upgrade it, or set the instance's session token version back in the Clerk dashboard | no hint
    version as text | token-invalid | claim `v` is a string, expected the number 2 or 1 | no hint
    claim twice | token-invalid | token payload has claim "sub" twice; no Clerk token does | no hint
    actor without a subject | token-invalid | token has no claim `act.sub`, expected text | no hint
    organization id is no organization | token-invalid | claim `o.id` does not hold the id it should: not an organization id: found the user id "user_ada", expected `org_` and 1 to 128 letters, digits, `_` or `-` | no hint
    permissions that do not unpack | token-invalid | claim `fea` cannot be unpacked: found "dashboard" without a scope, expected elements such as `o:invoices` or `u:beta` | no hint
    payload is no JSON | token-invalid | token payload is unreadable: found text that is not JSON, expected a JSON object: expected value at line 1 column 1 | no hint
    payload is an array | token-invalid | token payload is unreadable: found an array, expected a JSON object | no hint
    payload is empty | token-invalid | token payload is unreadable: found text that is not JSON, expected a JSON object: EOF while parsing a value at line 1 column 0 | no hint
    payload nested without end | token-invalid | token payload is unreadable: recursion limit exceeded at line 1 column 132 | no hint
    "#);
}
