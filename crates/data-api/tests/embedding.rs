//! Relations within relations.

use crate::support::Harbour;

#[tokio::test]
async fn one_many_and_many_to_many() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/ships?select=name,captain:captains!captain_id(name)&order=id").await, @r#"
    200 [{"name":"Pequod","captain":{"name": "Ahab"}}, 
     {"name":"Nautilus","captain":{"name": "Nemo"}}, 
     {"name":"Raft","captain":null}]
    "#);
    insta::assert_snapshot!(harbour.got("/captains?select=name,ships!ships_captain_id_fkey(name)&order=id").await, @r#"
    200 [{"name":"Ahab","ships":[{"name": "Pequod"}]}, 
     {"name":"Nemo","ships":[{"name": "Nautilus"}]}]
    "#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,ports(name)&order=id&ports.order=name.desc&ports.limit=1").await, @r#"
    200 [{"name":"Pequod","ports":[{"name": "Papua"}]}, 
     {"name":"Nautilus","ports":[{"name": "Papua"}]}, 
     {"name":"Raft","ports":[]}]
    "#);
    insta::assert_snapshot!(harbour.got("/ports?select=name,berths(metres)&order=id").await, @r#"
    200 [{"name":"Nantucket","berths":{"metres": 90}}, 
     {"name":"Papua","berths":null}, 
     {"name":"Oslo","berths":null}]
    "#);
}

#[tokio::test]
async fn through_views_and_functions() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/big_ships?select=name,captains(name)").await, @r#"200 [{"name":"Nautilus","captains":{"name": "Nemo"}}]"#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,latest_port(name)&order=id").await, @r#"
    200 [{"name":"Pequod","latest_port":{"name": "Papua"}}, 
     {"name":"Pequod","latest_port":{"name": "Nantucket"}}, 
     {"name":"Nautilus","latest_port":{"name": "Papua"}}, 
     {"name":"Raft","latest_port":null}]
    "#);
    insta::assert_snapshot!(harbour.got("/rpc/ships_of?captain=1&select=name,ports(name)&ports.order=id").await, @r#"200 [{"name":"Pequod","ports":[{"name": "Nantucket"}, {"name": "Papua"}]}]"#);
}

#[tokio::test]
async fn inner_joins_and_null_filters_choose_parents() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/ships?select=name,ports!inner(name)&ports.name=eq.Nantucket").await, @r#"200 [{"name":"Pequod","ports":[{"name": "Nantucket"}]}]"#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,ports()&ports=is.null").await, @r#"200 [{"name":"Raft"}]"#);
    insta::assert_snapshot!(harbour.asked("GET /ships?select=name,ports!inner()&limit=1&order=id", &[("Prefer", "count=exact")], "").await, @r#"
    206
    content-location: /ships?limit=1&order=id&select=name%2Cports%21inner%28%29
    content-range: 0-0/2
    content-type: application/json; charset=utf-8
    preference-applied: count=exact
    [{"name":"Pequod"}]
    "#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,captain:captains!captain_id(name)&order=captain(name).desc.nullslast").await, @r#"
    200 [{"name":"Nautilus","captain":{"name": "Nemo"}}, 
     {"name":"Pequod","captain":{"name": "Ahab"}}, 
     {"name":"Raft","captain":null}]
    "#);
}

#[tokio::test]
async fn spread_columns() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/ships?select=name,...captains!captain_id(captain:name)&order=id").await, @r#"
    200 [{"name":"Pequod","captain":"Ahab"}, 
     {"name":"Nautilus","captain":"Nemo"}, 
     {"name":"Raft","captain":null}]
    "#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,...ports(port:name)&ports.order=name&order=id").await, @r#"
    200 [{"name":"Pequod","port":["Nantucket", "Papua"]}, 
     {"name":"Nautilus","port":["Papua"]}, 
     {"name":"Raft","port":[]}]
    "#);
}

#[tokio::test]
async fn what_is_ambiguous_or_unknown_is_said() {
    let harbour = Harbour::open().await;
    insta::assert_snapshot!(harbour.got("/ships?select=name,captains(name)").await, @r#"300 {"code":"PGRST201","details":[{"cardinality":"many-to-one","embedding":"ships with captains","relationship":"ships_captain_id_fkey using ships(captain_id) and captains(id)"},{"cardinality":"many-to-one","embedding":"ships with captains","relationship":"ships_pilot_fkey using ships(pilot_id) and captains(id)"}],"hint":"Try changing 'captains' to one of the following: 'captains!ships_captain_id_fkey', 'captains!ships_pilot_fkey'. Find the desired relationship in the 'details' key.","message":"Could not embed because more than one relationship was found for 'ships' and 'captains'"}"#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,port(name)").await, @r#"400 {"code":"PGRST200","details":"Searched for a foreign key relationship between 'ships' and 'port' in the schema 'harbour', but no matches were found.","hint":"Perhaps you meant 'ports' instead of 'port'.","message":"Could not find a relationship between 'ships' and 'port' in the schema cache"}"#);
    insta::assert_snapshot!(harbour.got("/ships?select=name&ports.name=eq.Oslo").await, @r#"400 {"code":"PGRST108","details":null,"hint":"Verify that 'ports' is included in the 'select' query parameter.","message":"'ports' is not an embedded resource in this request"}"#);
    insta::assert_snapshot!(harbour.got("/ships?select=name,ports(name)&order=ports(name)").await, @r#"400 {"code":"PGRST118","details":"'ships' and 'ports' do not form a many-to-one or one-to-one relationship","hint":null,"message":"A related order on 'ports' is not possible"}"#);
}
