//! Rows: which, in which order, how many, and as what.

use crate::support::Harbour;

#[tokio::test]
async fn filters_of_every_kind() {
    let harbour = Harbour::open().await;
    let names = |filter: &'static str| {
        let harbour = &harbour;
        async move { harbour.got(&format!("/ships?select=name&order=id&{filter}")).await }
    };
    insta::assert_snapshot!(names("tonnage=gte.250").await, @r#"
    200 [{"name":"Pequod"}, 
     {"name":"Nautilus"}]
    "#);
    insta::assert_snapshot!(names("name=in.(Raft,\"Pequod\")").await, @r#"
    200 [{"name":"Pequod"}, 
     {"name":"Raft"}]
    "#);
    insta::assert_snapshot!(names("name=like.*u*").await, @r#"
    200 [{"name":"Pequod"}, 
     {"name":"Nautilus"}]
    "#);
    insta::assert_snapshot!(names("name=ilike(any).{p*,r*}").await, @r#"
    200 [{"name":"Pequod"}, 
     {"name":"Raft"}]
    "#);
    insta::assert_snapshot!(names("captain_id=is.null").await, @r#"200 [{"name":"Raft"}]"#);
    insta::assert_snapshot!(names("captain_id=not.is.null&flag=neq.red").await, @r#"200 [{"name":"Nautilus"}]"#);
    insta::assert_snapshot!(names("or=(flag.eq.red,and(tonnage.lt.10,name.match.^R))").await, @r#"
    200 [{"name":"Pequod"}, 
     {"name":"Raft"}]
    "#);
    insta::assert_snapshot!(names("flag=isdistinct.red").await, @r#"
    200 [{"name":"Nautilus"}, 
     {"name":"Raft"}]
    "#);
    insta::assert_snapshot!(names("log=wfts(english).storm").await, @r#"200 [{"name":"Pequod"}]"#);
    insta::assert_snapshot!(names("class=eq.liner").await, @r#"200 [{"name":"Nautilus"}]"#);
    insta::assert_snapshot!(harbour.got("/captains?select=name&papers->rank->>grade=eq.9").await, @r#"200 [{"name":"Nemo"}]"#);
}

#[tokio::test]
async fn columns_are_named_cast_computed_and_dug_out_of_json() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/ships?select=ship:name,tonnage::text,class&id=eq.1").await, @r#"200 [{"ship":"Pequod","tonnage":"250","class":"barge"}]"#);
    insta::assert_snapshot!(harbour.got("/captains?select=papers->rank->grade,grade:papers->rank->>grade&order=id").await, @r#"
    200 [{"grade":3,"grade":"3"}, 
     {"grade":9,"grade":"9"}]
    "#);
}

#[tokio::test]
async fn aggregates_group_by_everything_else() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/ships?select=class,tonnage.sum(),count()&order=class").await, @r#"
    200 [{"class":"barge","sum":252,"count":2}, 
     {"class":"liner","sum":1500,"count":1}]
    "#);
    insta::assert_snapshot!(harbour.got("/port_calls?select=...ports(name),nights.max()&order=ports(name)").await, @r#"
    200 [{"max":7,"name":"Nantucket"}, 
     {"max":3,"name":"Papua"}]
    "#);
}

#[tokio::test]
async fn pages_and_totals() {
    let harbour = Harbour::open_with(&[("DB_MAX_ROWS", "2")]).await;
    insta::assert_snapshot!(harbour.asked("GET /ships?select=id&order=id", &[("Prefer", "count=exact")], "").await, @r#"
    206
    content-location: /ships?order=id&select=id
    content-range: 0-1/3
    content-type: application/json; charset=utf-8
    preference-applied: count=exact
    [{"id":1}, 
     {"id":2}]
    "#);
    insta::assert_snapshot!(harbour.asked("GET /ships?select=id&order=id.desc&limit=1&offset=1", &[], "").await, @r#"
    200
    content-location: /ships?limit=1&offset=1&order=id.desc&select=id
    content-range: 1-1/*
    content-type: application/json; charset=utf-8
    [{"id":2}]
    "#);
    insta::assert_snapshot!(harbour.asked("GET /ships?select=id&order=id", &[("Range", "2-9")], "").await, @r#"
    200
    content-location: /ships?order=id&select=id
    content-range: 2-2/*
    content-type: application/json; charset=utf-8
    [{"id":3}]
    "#);
    insta::assert_snapshot!(harbour.asked("GET /ships?select=id&offset=9", &[("Prefer", "count=exact")], "").await, @r#"
    416
    content-location: /ships?offset=9&select=id
    content-range: */3
    content-type: application/json; charset=utf-8
    preference-applied: count=exact
    {"code":"PGRST103","details":"An offset of 9 was requested, but there are only 3 rows.","hint":null,"message":"Requested range not satisfiable"}
    "#);
    insta::assert_snapshot!(harbour.asked("HEAD /ships?select=id", &[("Prefer", "count=planned")], "").await, @"
    206
    content-location: /ships?select=id
    content-range: 0-1/3
    content-type: application/json; charset=utf-8
    preference-applied: count=planned
    ");
}

#[tokio::test]
async fn other_media_types() {
    let harbour = Harbour::open().await;
    let one = "GET /ships?select=id,name,flag&id=eq.3";
    insta::assert_snapshot!(harbour.asked(one, &[("Accept", "text/csv")], "").await, @"
    200
    content-location: /ships?id=eq.3&select=id%2Cname%2Cflag
    content-range: 0-0/*
    content-type: text/csv; charset=utf-8
    id,name,flag
    3,Raft,
    ");
    insta::assert_snapshot!(harbour.asked(one, &[("Accept", "application/vnd.pgrst.object+json")], "").await, @r#"
    200
    content-location: /ships?id=eq.3&select=id%2Cname%2Cflag
    content-range: 0-0/*
    content-type: application/vnd.pgrst.object+json; charset=utf-8
    {"id":3,"name":"Raft","flag":null}
    "#);
    insta::assert_snapshot!(harbour.asked(one, &[("Accept", "application/vnd.pgrst.array+json;nulls=stripped")], "").await, @r#"
    200
    content-location: /ships?id=eq.3&select=id%2Cname%2Cflag
    content-range: 0-0/*
    content-type: application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8
    [{"id":3,"name":"Raft"}]
    "#);
    insta::assert_snapshot!(harbour.asked("GET /ships", &[("Accept", "application/vnd.pgrst.object+json")], "").await, @r#"
    406
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST116
    {"code":"PGRST116","details":"The result contains 3 rows","hint":null,"message":"Cannot coerce the result to a single JSON object"}
    "#);
    insta::assert_snapshot!(harbour.asked("GET /ships", &[("Accept", "image/png")], "").await, @r#"
    406
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST107
    {"code":"PGRST107","details":null,"hint":null,"message":"None of these media types are available: image/png"}
    "#);
}
