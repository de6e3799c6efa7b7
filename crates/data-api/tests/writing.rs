//! Inserts, updates, upserts, deletes.

use crate::support::Harbour;

const BACK: (&str, &str) = ("Prefer", "return=representation");

#[tokio::test]
async fn inserts_answer_as_asked() {
    let harbour = Harbour::open().await;
    let line = "POST /ships?select=id,name,tonnage";
    insta::assert_snapshot!(harbour.asked(line, &[], r#"{"name":"Argo"}"#).await, @"
    201
    content-range: */*
    ");
    insta::assert_snapshot!(harbour.asked(line, &[("Prefer", "return=headers-only")], r#"{"name":"Beagle"}"#).await, @"
    201
    content-range: */*
    location: /ships?id=eq.5
    preference-applied: return=headers-only
    ");
    insta::assert_snapshot!(harbour.asked(line, &[BACK], r#"[{"name":"Calypso"},{"name":"Dawn"}]"#).await, @r#"
    201
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: return=representation
    [{"id":6,"name":"Calypso","tonnage":100}, 
     {"id":7,"name":"Dawn","tonnage":100}]
    "#);
    insta::assert_snapshot!(harbour.asked(line, &[BACK], r#"[{"name":"Ever","tonnage":1},{"name":"Fram"}]"#).await, @r#"
    400
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST102
    {"code":"PGRST102","details":null,"hint":null,"message":"All object keys must match"}
    "#);
    insta::assert_snapshot!(harbour.asked(&format!("{line}&columns=name,tonnage"), &[("Prefer", "return=representation, missing=default")], r#"[{"name":"Ever","tonnage":1},{"name":"Fram"}]"#).await, @r#"
    201
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: missing=default, return=representation
    [{"id":8,"name":"Ever","tonnage":1}, 
     {"id":9,"name":"Fram","tonnage":100}]
    "#);
    insta::assert_snapshot!(harbour.asked(line, &[BACK, ("Content-Type", "text/csv")], "name,flag\nGanges,NULL\n").await, @r#"
    201
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: return=representation
    [{"id":10,"name":"Ganges","tonnage":100}]
    "#);
    insta::assert_snapshot!(harbour.asked(line, &[BACK, ("Content-Type", "application/x-www-form-urlencoded")], "name=Hero+I").await, @r#"
    201
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: return=representation
    [{"id":11,"name":"Hero I","tonnage":100}]
    "#);
}

#[tokio::test]
async fn what_is_there_is_merged_ignored_or_put() {
    let harbour = Harbour::open().await;
    let merge = ("Prefer", "return=representation, resolution=merge-duplicates");
    let ignore = ("Prefer", "return=representation, resolution=ignore-duplicates");
    insta::assert_snapshot!(harbour.asked("POST /ports", &[merge], r#"[{"id":3,"name":"Bergen"},{"id":4,"name":"Rhodes"}]"#).await, @r#"
    201
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: resolution=merge-duplicates, return=representation
    [{"id":3,"name":"Bergen"}, 
     {"id":4,"name":"Rhodes"}]
    "#);
    insta::assert_snapshot!(harbour.asked("POST /ports?on_conflict=name", &[ignore], r#"{"id":9,"name":"Rhodes"}"#).await, @"
    201
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: resolution=ignore-duplicates, return=representation
    []
    ");
    insta::assert_snapshot!(harbour.asked("POST /ports", &[merge], r#"{"id":4,"name":"Rhodos"}"#).await, @r#"
    200
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: resolution=merge-duplicates, return=representation
    [{"id":4,"name":"Rhodos"}]
    "#);
    insta::assert_snapshot!(harbour.asked("PUT /ports?id=eq.5", &[BACK], r#"{"id":5,"name":"Kiel"}"#).await, @r#"
    201
    content-type: application/json; charset=utf-8
    preference-applied: return=representation
    [{"id":5,"name":"Kiel"}]
    "#);
    insta::assert_snapshot!(harbour.asked("PUT /ports?id=eq.6", &[BACK], r#"{"id":5,"name":"Kiel"}"#).await, @r#"
    400
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST115
    {"code":"PGRST115","details":null,"hint":null,"message":"Payload values do not match URL in primary key column(s)"}
    "#);
    insta::assert_snapshot!(harbour.asked("PUT /ports?name=eq.Kiel", &[BACK], r#"{"id":5,"name":"Kiel"}"#).await, @r#"
    405
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST105
    {"code":"PGRST105","details":null,"hint":null,"message":"Filters must include all and only primary key columns with 'eq' operators"}
    "#);
}

#[tokio::test]
async fn updates_and_deletes_touch_what_they_name() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.asked("PATCH /ships?id=eq.3&select=name,captains!captain_id(name)", &[BACK], r#"{"captain_id":2}"#).await, @r#"
    200
    content-range: 0-0/*
    content-type: application/json; charset=utf-8
    preference-applied: return=representation
    [{"name":"Raft","captains":{"name": "Nemo"}}]
    "#);
    insta::assert_snapshot!(harbour.asked("PATCH /ships?id=gt.1", &[("Prefer", "count=exact")], r#"{"tonnage":7}"#).await, @"
    204
    content-range: 0-1/2
    preference-applied: count=exact
    ");
    insta::assert_snapshot!(harbour.asked("PATCH /ships?id=gt.0", &[("Prefer", "handling=strict, max-affected=1")], r#"{"tonnage":8}"#).await, @r#"
    400
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST124
    {"code":"PGRST124","details":"The query affects 3 rows","hint":null,"message":"Query result exceeds max-affected preference constraint"}
    "#);
    insta::assert_snapshot!(harbour.asked("DELETE /ships?id=gt.0", &[("Accept", "application/vnd.pgrst.object+json"), BACK], "").await, @r#"
    406
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST116
    {"code":"PGRST116","details":"The result contains 3 rows","hint":null,"message":"Cannot coerce the result to a single JSON object"}
    "#);
    insta::assert_snapshot!(harbour.asked("DELETE /ships?id=eq.3&select=name,tonnage", &[BACK], "").await, @r#"
    200
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: return=representation
    [{"name":"Raft","tonnage":7}]
    "#);
    insta::assert_snapshot!(harbour.got("/ships?select=id,tonnage&order=id").await, @r#"
    200 [{"id":1,"tonnage":250}, 
     {"id":2,"tonnage":7}]
    "#);
}

#[tokio::test]
async fn a_try_leaves_nothing_and_meets_deferred_constraints() {
    let harbour = Harbour::open_with(&[("DB_TX_END", "commit-allow-override")]).await;
    harbour
        .database
        .owner
        .get()
        .await
        .unwrap()
        .batch_execute("alter table harbour.ships alter constraint ships_pilot_fkey deferrable initially deferred")
        .await
        .unwrap();
    let rollback = ("Prefer", "tx=rollback, return=representation");
    insta::assert_snapshot!(harbour.asked("DELETE /port_calls?ship_id=eq.1&select=nights", &[rollback], "").await, @r#"
    200
    content-range: */*
    content-type: application/json; charset=utf-8
    preference-applied: return=representation, tx=rollback
    [{"nights":7}, 
     {"nights":1}]
    "#);
    insta::assert_snapshot!(harbour.asked("PATCH /ships?id=eq.1&select=name", &[rollback], r#"{"pilot_id":77}"#).await, @r#"
    409
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=23503
    {"code":"23503","details":"Key (pilot_id)=(77) is not present in table \"captains\".","hint":null,"message":"insert or update on table \"ships\" violates foreign key constraint \"ships_pilot_fkey\""}
    "#);
    insta::assert_snapshot!(harbour.got("/port_calls?select=count()").await, @r#"200 [{"count":3}]"#);
}
