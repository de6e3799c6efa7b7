//! Tokens in every shape that Clerk mints, and the ones it does not.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{Actor, Claims, ClaimsError, ClaimsVersion, FactorAge, Scoped, SessionStatus};
use crate::told::told;
use crate::{Timestamp, TokenClass, TokenHeader};

const REGISTERED: &str = r#""sub":"user_1","iss":"https://clerk.example.com","exp":1700000060"#;

/// The header of a token of this class.
fn header(class: TokenClass) -> TokenHeader {
    TokenHeader {
        algorithm: "RS256".into(),
        token_type: Some(if class == TokenClass::OAuthAccess { "at+jwt" } else { "JWT" }.into()),
        category: class.category().map(str::to_owned),
        ..TokenHeader::default()
    }
}

/// Claims of a token of this class: the registered ones and `more`.
fn read(class: TokenClass, more: &str) -> Result<Claims, ClaimsError> {
    let comma = if more.is_empty() { "" } else { "," };
    Claims::from_json(&header(class), format!("{{{REGISTERED}{comma}{more}}}").as_bytes())
}

fn session(more: &str) -> Claims {
    read(TokenClass::Session, more).unwrap()
}

fn refused(more: &str) -> String {
    told(&read(TokenClass::Session, more).unwrap_err())
}

#[test]
fn a_v2_session_with_an_organization() {
    let payload = br#"{"azp":"http://localhost:3000","exp":1700000060,"fva":[12,-1],"iat":1700000000,
        "iss":"https://happy-otter-1.clerk.accounts.dev","jti":"f1","nbf":1699999990,"sid":"sess_1","sts":"active","sub":"user_1","v":2,
        "fea":"o:dashboard,o:teams","pla":"o:pro","role":"authenticated",
        "o":{"id":"org_1","slg":"acme","rol":"admin","per":"manage,read","fpm":"3,2"}}"#;
    let claims = Claims::from_json(&header(TokenClass::Session), payload).unwrap();

    assert_eq!((claims.class, claims.version), (TokenClass::Session, ClaimsVersion::V2));
    assert_eq!(claims.subject, "user_1");
    assert_eq!(claims.user_id().unwrap().as_str(), "user_1");
    assert_eq!(claims.issuer, "https://happy-otter-1.clerk.accounts.dev");
    assert_eq!(claims.session_id.unwrap().as_str(), "sess_1");
    assert_eq!(claims.token_id.as_deref(), Some("f1"));
    assert_eq!(claims.authorized_party.as_deref(), Some("http://localhost:3000"));
    assert!(claims.audience.is_empty());
    assert_eq!(claims.issued_at, Some(Timestamp::from_seconds(1_700_000_000)));
    assert_eq!(claims.not_before, Some(Timestamp::from_seconds(1_699_999_990)));
    assert_eq!(claims.expires_at, Timestamp::from_seconds(1_700_000_060));
    assert_eq!(claims.status, SessionStatus::Active);
    assert_eq!(claims.factor_age, Some(FactorAge { first: Some(12), second: None }));
    assert_eq!(claims.actor, None);
    assert_eq!(claims.database_role.as_deref(), Some("authenticated"));

    let organization = claims.organization.unwrap();
    assert_eq!(organization.id.as_str(), "org_1");
    assert_eq!(organization.slug.as_deref(), Some("acme"));
    assert_eq!(organization.role.as_deref(), Some("org:admin"));
    let permissions: Vec<String> = organization.permissions.iter().map(ToString::to_string).collect();
    assert_eq!(permissions, ["org:dashboard:manage", "org:dashboard:read", "org:teams:read"]);

    let scoped = |name: &str| Scoped { user: false, organization: true, name: name.into() };
    assert_eq!(claims.features, [scoped("dashboard"), scoped("teams")]);
    assert_eq!(claims.plans, [scoped("pro")]);
}

#[test]
fn a_v1_session_with_the_same_organization_reads_the_same() {
    let v1 = session(
        r#""sid":"sess_1","org_id":"org_1","org_slug":"acme","org_role":"org:admin",
           "org_permissions":["org:dashboard:manage","org:dashboard:read","org:teams:read"]"#,
    );
    let v2 = session(
        r#""sid":"sess_1","v":2,"fea":"o:dashboard,o:teams","o":{"id":"org_1","slg":"acme","rol":"admin","per":"manage,read","fpm":"3,2"}"#,
    );
    assert_eq!((v1.version, v2.version), (ClaimsVersion::V1, ClaimsVersion::V2));
    assert!(v1.organization.is_some());
    assert_eq!(v1.organization, v2.organization);
    assert_eq!(session(r#""v":1,"org_id":"org_1""#).version, ClaimsVersion::V1);
}

#[test]
fn each_version_reads_only_its_own_organization() {
    assert_eq!(session(r#""v":2,"org_id":"org_1","org_role":"org:admin""#).organization, None);
    assert_eq!(session(r#""o":{"id":"org_1"},"fea":"o:a","pla":"o:b""#).organization, None);
    let v1 = session(r#""fea":"o:a","pla":"o:b""#);
    assert!(v1.features.is_empty() && v1.plans.is_empty());
}

#[test]
fn a_session_without_an_organization() {
    let claims = session(r#""sid":"sess_1","v":2,"fea":"u:beta,uo:reports,x:odd","pla":"u:free""#);
    assert_eq!(claims.organization, None);
    let scoped = |user, organization, name: &str| Scoped { user, organization, name: name.into() };
    assert_eq!(claims.features, [scoped(true, false, "beta"), scoped(true, true, "reports")]);
    assert_eq!(claims.plans, [scoped(true, false, "free")]);
}

#[test]
fn a_role_has_its_prefix_once() {
    let role = |o: &str| session(&format!(r#""v":2,"o":{{"id":"org_1"{o}}}"#)).organization.unwrap().role;
    assert_eq!(role(r#","rol":"admin""#).as_deref(), Some("org:admin"));
    assert_eq!(role(r#","rol":"org:admin""#).as_deref(), Some("org:admin"));
    assert_eq!(role(r#","rol":"""#), None);
    assert_eq!(role(""), None);
    // A template's author may write the bare key under the name of v1.
    let v1 = |role: &str| session(&format!(r#""org_id":"org_1","org_role":"{role}""#)).organization.unwrap().role;
    assert_eq!(v1("admin").as_deref(), Some("org:admin"));
    assert_eq!(v1(""), None);
}

#[test]
fn a_supabase_template() {
    let claims = read(
        TokenClass::Template,
        r#""aud":"authenticated","role":"authenticated","email":"ada@example.com","app_metadata":{},"org_id":"org_1","org_role":"org:member""#,
    )
    .unwrap();
    assert_eq!((claims.class, claims.version), (TokenClass::Template, ClaimsVersion::Template));
    assert_eq!(claims.audience, ["authenticated"]);
    assert_eq!(claims.database_role.as_deref(), Some("authenticated"));
    assert_eq!(claims.organization.unwrap().role.as_deref(), Some("org:member"));
    assert_eq!(claims.session_id, None);
}

#[test]
fn a_template_cannot_pose_as_a_v2_session() {
    let claims = read(TokenClass::Template, r#""v":2,"o":{"id":"org_1","rol":"admin"},"fea":"o:a""#).unwrap();
    assert_eq!((claims.version, claims.organization), (ClaimsVersion::Template, None));
    assert!(claims.features.is_empty());
}

#[test]
fn a_session_token_is_one_even_without_its_session_id() {
    assert_eq!(session("").version, ClaimsVersion::V1);
}

#[test]
fn without_a_category_the_session_id_decides_the_version() {
    let version = |more: &str| read(TokenClass::Unclassified, more).unwrap().version;
    assert_eq!(version(""), ClaimsVersion::Template);
    assert_eq!(version(r#""sid":"sess_1""#), ClaimsVersion::V1);
    assert_eq!(version(r#""v":2"#), ClaimsVersion::V2);
}

#[test]
fn a_machine_says_nothing_that_clerk_did_not() {
    let everything = r#""role":"service_role","sid":"sess_1","org_id":"org_1","org_role":"org:admin","v":9,"sts":"pending",
        "fva":"x","act":7,"fea":"o:a","pla":"o:b","o":{"id":"org_1"}"#;
    for class in [TokenClass::MachineToMachine, TokenClass::OAuthAccess] {
        let bare = read(class, "").unwrap();
        assert_eq!(bare.class, class);
        assert_eq!(read(class, everything).unwrap(), bare, "{class:?}");
        assert_eq!((bare.database_role, bare.organization, bare.session_id), (None, None, None));
    }
}

#[test]
fn the_subject_of_a_machine_token_is_no_user() {
    let payload = br#"{"sub":"mch_1","iss":"https://clerk.example.com","exp":1700000060}"#;
    let claims = Claims::from_json(&header(TokenClass::Session), payload).unwrap();
    assert_eq!((claims.class, claims.user_id()), (TokenClass::MachineToMachine, None));
}

#[test]
fn what_a_template_left_unresolved_is_absent() {
    let claims = read(
        TokenClass::Template,
        r#""org_id":"{{org.id}}","role":" {{ user.role }} ","aud":["{{x}}","a"],"org_permissions":"{{org.permissions}}","azp":null,"act":null"#,
    )
    .unwrap();
    assert_eq!((claims.organization, claims.database_role, claims.actor), (None, None, None));
    assert_eq!(claims.audience, ["a"]);

    let with_organization =
        read(TokenClass::Template, r#""org_id":"org_1","org_permissions":"{{org.permissions}}""#).unwrap();
    assert!(with_organization.organization.unwrap().permissions.is_empty());

    let resolved = read(TokenClass::Template, r#""role":"{{not}} all of it""#).unwrap();
    assert_eq!(resolved.database_role.as_deref(), Some("{{not}} all of it"));
}

#[test]
fn an_impersonated_session_names_the_impersonator() {
    let claims = session(r#""act":{"iss":"https://dashboard.clerk.com","sid":"sess_9","sub":"user_9"}"#);
    let expected = Actor {
        subject: "user_9".into(),
        issuer: Some("https://dashboard.clerk.com".into()),
        session_id: Some("sess_9".parse().unwrap()),
        kind: None,
    };
    assert_eq!(claims.actor, Some(expected));
    assert_eq!(session(r#""act":{"sub":"a","type":"agent"}"#).actor.unwrap().kind.as_deref(), Some("agent"));
}

#[test]
fn a_pending_session_says_so() {
    assert_eq!(session(r#""sts":"pending""#).status, SessionStatus::Pending);
    assert_eq!(session("").status, SessionStatus::Active);
}

#[test]
fn factors_have_an_age_or_were_never_verified() {
    let age = |fva: &str| session(&format!(r#""fva":{fva}"#)).factor_age;
    assert_eq!(age("[0,4294967295]"), Some(FactorAge { first: Some(0), second: Some(u32::MAX) }));
    assert_eq!(age("[-1,-1]"), Some(FactorAge { first: None, second: None }));
    assert_eq!(age("null"), None);
}

#[test]
fn times_may_have_a_fraction_but_must_be_in_history() {
    let not_before =
        |nbf: &str| read(TokenClass::Session, &format!(r#""nbf":{nbf}"#)).map(|claims| claims.not_before.unwrap());
    assert_eq!(not_before("1700000000.75").unwrap(), Timestamp::from_millis(1_700_000_000_750));
    assert_eq!(not_before("0").unwrap(), Timestamp::from_millis(0));
    assert_eq!(not_before("253402300799").unwrap(), Timestamp::from_seconds(253_402_300_799));
    for impossible in
        ["253402300800", "-1", "1e20", "1e308", "1e400", "9223372036854775808", "\"1700000000\"", "[1]", "true"]
    {
        assert!(not_before(impossible).is_err(), "{impossible}");
    }
}

#[test]
fn errors_name_the_claim_what_it_is_and_what_it_should_be() {
    assert_snapshot!(refused(r#""iat":"yesterday""#), @"claim `iat` is a string, expected seconds between the years 1970 and 9999");
    assert_snapshot!(refused(r#""iat":1e20"#), @"claim `iat` is 1e20, expected seconds between the years 1970 and 9999");
    assert_snapshot!(refused(r#""aud":["a",5]"#), @"claim `aud` is an array, expected text or a list of texts");
    assert_snapshot!(refused(r#""azp":{}"#), @"claim `azp` is an object, expected readable text");
    assert_snapshot!(refused(r#""sts":"half""#), @r#"claim `sts` is "half", expected `active` or `pending`"#);
    assert_snapshot!(refused(r#""fva":[0]"#), @"claim `fva` is an array, expected two numbers of minutes, -1 for never");
    assert_snapshot!(refused(r#""fva":[-2,0]"#), @"claim `fva` is -2, expected two numbers of minutes, -1 for never");
    assert_snapshot!(refused(r#""act":{"sub":""}"#), @"claim `act.sub` is empty, expected text");
    assert_snapshot!(refused(r#""act":"user_9""#), @"claim `act` is a string, expected an object");
    assert_snapshot!(refused(r#""v":2,"o":{"slg":"acme"}"#), @"token has no claim `o.id`, expected an organization id");
    assert_snapshot!(refused(r#""v":2,"o":{"id":"org_1","id":"org_2"}"#), @r#"token payload has claim "o.id" twice; no Clerk token does"#);
    assert_snapshot!(refused(r#""sub":"user_2""#), @r#"token payload has claim "sub" twice; no Clerk token does"#);
    assert_snapshot!(refused(r#""sid":"user_1""#), @r#"
    claim `sid` does not hold the id it should
    cause: not a session id: found the user id "user_1", expected `sess_` and 1 to 128 letters, digits, `_` or `-`
    "#);
    assert_snapshot!(refused(r#""v":2,"fea":"dashboard","o":{"id":"org_1"}"#), @r#"
    claim `fea` cannot be unpacked
    cause: found "dashboard" without a scope, expected elements such as `o:invoices` or `u:beta`
    "#);
    assert_snapshot!(refused(r#""org_id":"org_1","org_permissions":["read"]"#), @r#"
    claim `org_permissions` holds something else than permissions
    cause: not a permission: found "read", expected `org:<feature>:<action>` without spaces or commas
    "#);
}

#[test]
fn an_unknown_version_is_refused_not_guessed() {
    assert_snapshot!(refused(r#""v":3"#), @r#"session token has claims of version "3", expected 2, 1 or no `v`; this release knows nothing newer: upgrade it, or set the instance's session token version back in the Clerk dashboard"#);
    assert_snapshot!(refused(r#""v":"2""#), @"claim `v` is a string, expected the number 2 or 1");
    for unknown in ["0", "-2", "2.0", "20", "true", "[2]"] {
        assert!(read(TokenClass::Session, &format!(r#""v":{unknown}"#)).is_err(), "{unknown}");
    }
}

#[test]
fn a_token_without_what_every_token_has_is_refused() {
    let refused =
        |payload: &str| told(&Claims::from_json(&header(TokenClass::Session), payload.as_bytes()).unwrap_err());
    assert_snapshot!(refused("{}"), @"token has no claim `sub`, expected text");
    assert_snapshot!(refused(r#"{"sub":""}"#), @"claim `sub` is empty, expected text");
    assert_snapshot!(refused(r#"{"sub":"user_1"}"#), @"token has no claim `iss`, expected text");
    assert_snapshot!(refused(r#"{"sub":"user_1","iss":"a"}"#), @"token has no claim `exp`, expected seconds since 1970");
    assert_snapshot!(refused(r#"{"sub":"{{user.id}}"}"#), @"token has no claim `sub`, expected text");
    assert_snapshot!(refused("[]"), @r"
    token payload is unreadable
    cause: found an array, expected a JSON object
    ");
    let unknown = TokenHeader { category: Some("cl_new".into()), ..TokenHeader::default() };
    assert_snapshot!(told(&Claims::from_json(&unknown, br#"{"sub":"user_1"}"#).unwrap_err()), @r#"
    token is of no known class
    cause: token category "cl_new" is unknown, expected a session, template or machine token of Clerk
    "#);
}

proptest! {
    #[test]
    fn every_moment_in_history_is_read_to_the_millisecond(millis in 0i64..=253_402_300_799_000) {
        let seconds = format!("{}.{:03}", millis / 1000, millis % 1000);
        let claims = session(&format!(r#""iat":{seconds}"#));
        // One millisecond is lost at most where binary fractions fall just short of the decimal one.
        let read = claims.issued_at.unwrap().millis();
        prop_assert!(read == millis || read == millis - 1, "{seconds} read as {read}");
        prop_assert_eq!(session(&format!(r#""iat":{}"#, millis / 1000)).issued_at.unwrap(), Timestamp::from_seconds(millis / 1000));
    }

    /// Each claim with a value of each kind: the token is read or refused, and if it is read, no claim was half believed.
    #[test]
    fn a_claim_of_another_type_is_never_half_believed(
        claim in prop::sample::select(vec!["sid", "sts", "azp", "aud", "jti", "role", "act", "fva", "o", "fea", "pla", "org_id", "org_permissions"]),
        value in prop::sample::select(vec!["7", "true", "[]", "[7]", "{}", "\"\"", "\"x\"", "[\"x\"]", "{\"id\":7}"]),
        v2: bool,
    ) {
        let version = if v2 { r#""v":2,"# } else { "" };
        if let Ok(claims) = read(TokenClass::Session, &format!(r#"{version}"{claim}":{value}"#)) {
            prop_assert_eq!(claims.session_id, None);
            prop_assert_eq!(claims.organization, None);
            prop_assert_eq!(claims.actor, None);
            prop_assert_eq!(claims.factor_age, None);
            prop_assert!(claims.features.is_empty() && claims.plans.is_empty());
            prop_assert!(claims.audience.iter().all(|audience| audience == "x" || audience.is_empty()));
            prop_assert!(matches!(claims.database_role.as_deref(), None | Some("x" | "")));
        }
    }
}
