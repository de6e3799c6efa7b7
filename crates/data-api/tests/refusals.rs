//! What cannot be understood or done, and hostile requests.

use crate::support::Harbour;

#[tokio::test]
async fn a_query_string_is_refused_where_it_stops_making_sense() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/ships?tonnage=bigger.5").await, @r#"400 {"code":"PGRST100","details":"unexpected \"b\" expecting \"not\" or operator (eq, gt, ...)","hint":null,"message":"\"failed to parse filter (bigger.5)\" (line 1, column 1)"}"#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,ports(name").await, @r#"400 {"code":"PGRST100","details":"unexpected end of input expecting letter, digit, \"-\", \"->>\", \"->\", \"::\", \".\", \")\" or \",\"","hint":null,"message":"\"failed to parse select parameter (name,ports(name)\" (line 1, column 16)"}"#);
    insta::assert_snapshot!(harbour.got("/ships?order=name.down").await, @r#"400 {"code":"PGRST100","details":"unexpected \"d\" expecting \"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"","hint":null,"message":"\"failed to parse order (name.down)\" (line 1, column 6)"}"#);
    insta::assert_snapshot!(harbour.got("/ships?or=(id.eq.1").await, @r#"400 {"code":"PGRST100","details":"unexpected end of input expecting \",\" or \")\"","hint":null,"message":"\"failed to parse logic tree ((id.eq.1)\" (line 1, column 11)"}"#);
    insta::assert_snapshot!(harbour.got("/ships?select=id::int$$").await, @r#"400 {"code":"PGRST100","details":"unexpected end of input expecting letter, digit or a type made of letters, digits, _ and spaces","hint":null,"message":"\"failed to parse select parameter (id::int$$)\" (line 1, column 10)"}"#);
    insta::assert_snapshot!(harbour.got("/ships?name=eq.%00").await, @r#"400 {"code":"PGRST100","details":"expected text that Postgres can hold","hint":null,"message":"the query string holds a NUL byte"}"#);
    insta::assert_snapshot!(harbour.got("/ships?name=eq.%FF").await, @r#"400 {"code":"PGRST100","details":"found bytes that are no text in `eq.%FF`","hint":null,"message":"the query string is not UTF-8"}"#);
    insta::assert_snapshot!(harbour.got("/ship").await, @r#"404 {"code":"PGRST205","details":null,"hint":"Perhaps you meant the table 'harbour.ships'","message":"Could not find the table 'harbour.ship' in the schema cache"}"#);
    insta::assert_snapshot!(harbour.got("/ships/1").await, @r#"404 {"code":"PGRST125","details":null,"hint":null,"message":"Invalid path specified in request URL"}"#);
    insta::assert_snapshot!(harbour.got("/ships?colour=eq.red").await, @r#"400 {"code":"42703","details":null,"hint":null,"message":"column ships.colour does not exist"}"#);
}

#[tokio::test]
async fn what_a_client_sends_is_a_name_or_a_value_and_never_sql() {
    let harbour = Harbour::open().await;
    let hostile = [
        "/ships?select=id&name=eq.%27);drop+table+harbour.ships;--",
        "/ships?select=%22id%22%22;drop%20table%20harbour.ships;--%22",
        "/ships?select=a:%22x%5C%22%22%20from%20harbour.secrets--%22",
        "/ships?order=%22id;drop%20table%20harbour.ships%22",
        "/ships?papers->%27);drop+table+harbour.ships;--=eq.1",
        "/ships?select=id::int);drop%20table",
        "/ships?log=fts(english%27);drop).x",
        "/%22;drop%20table%20harbour.ships;--",
        "/rpc/add%22(1);drop?a=1",
        "/ships?limit=1;drop+table+harbour.ships",
    ];
    for path in hostile {
        let answer = harbour.got(path).await;
        assert!(!answer.contains("the key"), "{path}: {answer}");
    }
    let body = r#"{"name\") values (1); drop table harbour.ships; --":"x"}"#;
    let answer = harbour.asked("POST /ships", &[], body).await;
    assert!(answer.starts_with("400"), "{answer}");
    assert_eq!(harbour.got("/ships?select=count()").await, r#"200 [{"count":3}]"#);
}

#[tokio::test]
async fn preferences_that_nobody_knows_are_refused_on_request() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.asked("GET /ships?limit=0", &[("Prefer", "handling=strict, tea=mint")], "").await, @r#"
    400
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST122
    {"code":"PGRST122","details":"Invalid preferences: tea=mint","hint":null,"message":"Invalid preferences given with handling=strict"}
    "#);
    insta::assert_snapshot!(harbour.asked("GET /ships?limit=0", &[("Prefer", "handling=lenient, tea=mint")], "").await, @"
    200
    content-location: /ships?limit=0
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: handling=lenient
    []
    ");
}

#[tokio::test]
async fn a_constraint_speaks_for_itself() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.asked("POST /ports", &[], r#"{"id":1,"name":"Elsewhere"}"#).await, @r#"
    409
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=23505
    {"code":"23505","details":"Key (id)=(1) already exists.","hint":null,"message":"duplicate key value violates unique constraint \"ports_pkey\""}
    "#);
    insta::assert_snapshot!(harbour.asked("PATCH /ships?id=eq.1", &[], r#"{"captain_id":9}"#).await, @r#"
    409
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=23503
    {"code":"23503","details":"Key (captain_id)=(9) is not present in table \"captains\".","hint":null,"message":"insert or update on table \"ships\" violates foreign key constraint \"ships_captain_id_fkey\""}
    "#);
    insta::assert_snapshot!(harbour.asked("POST /ships", &[], r#"{"name":"x","sail":1}"#).await, @r#"
    400
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST204
    {"code":"PGRST204","details":null,"hint":null,"message":"Could not find the 'sail' column of 'ships' in the schema cache"}
    "#);
    insta::assert_snapshot!(harbour.asked("POST /ships", &[], "not json").await, @r#"
    400
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST102
    {"code":"PGRST102","details":null,"hint":null,"message":"Empty or invalid json"}
    "#);
}
