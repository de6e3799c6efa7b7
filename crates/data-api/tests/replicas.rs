//! What is read elsewhere, and what is not. A replica here is a database whose rows are not the primary's, so that an answer says
//! where it came from; and its tables are read only, as a replica's are.

use std::sync::Arc;

use clerk::SystemClock;
use data_api::DataApi;
use insta::assert_snapshot;
use postgres::testing::TestDatabase;
use postgres::{ClientPool, PoolOptions};

use crate::support::{configured, request};

const TIDES: &str = "
    create schema harbour;
    grant usage on schema harbour to anon;
    create table harbour.tides (id integer primary key, told text not null);
    grant select, insert, update, delete on harbour.tides to anon;
    create function harbour.said() returns text stable language sql as 'select told from harbour.tides limit 1';
    create function harbour.shouted() returns text volatile language sql as 'select told from harbour.tides limit 1';
    create function harbour.picky() returns text stable language plpgsql as $$ begin
      if (select told from harbour.tides limit 1) = 'replica' then
        raise exception 'canceling statement due to conflict with recovery' using errcode = '40001';
      end if;
      return 'primary';
    end $$;
    create function harbour.wrong() returns text stable language plpgsql as $$ begin
      raise exception 'by %', (select told from harbour.tides limit 1) using errcode = '22000';
    end $$;
";

async fn told(name: &str) -> TestDatabase {
    let database = TestDatabase::create().await;
    let tell = format!("{TIDES} insert into harbour.tides values (1, '{name}')");
    database.owner.get().await.unwrap().batch_execute(&tell).await.unwrap();
    database
}

async fn api(primary: &TestDatabase, replicas: Vec<ClientPool>) -> DataApi {
    let api = DataApi::with_replicas(
        primary.clients.clone(),
        replicas,
        primary.owner.clone(),
        configured(&[]).config(Default::default()).unwrap(),
        Arc::new(SystemClock),
    );
    api.reload().await.unwrap();
    api
}

async fn asked(api: &DataApi, line: &str, headers: &[(&str, &str)], body: &str) -> String {
    let answer = api.answer(request(line, headers, body)).await;
    format!("{} {}", answer.status().as_u16(), String::from_utf8_lossy(answer.body()))
}

#[tokio::test]
async fn what_is_only_read_is_read_on_the_replica_and_nothing_is_written_there() {
    let (primary, replica) = (told("primary").await, told("replica").await);
    let api = api(&primary, vec![replica.clients.clone()]).await;
    let whole = [("prefer", "return=representation")];
    let cases = [
        ("GET /tides?select=told", "", &[][..]),
        ("HEAD /tides", "", &[]),
        ("GET /rpc/said", "", &[]),
        ("POST /rpc/said", "{}", &[]),
        ("GET /rpc/shouted", "", &[]),
        ("POST /rpc/shouted", "{}", &[]),
        ("GET /rpc/picky", "", &[]),
        ("GET /rpc/wrong", "", &[]),
        ("POST /tides?select=id,told", r#"{"id":2,"told":"new"}"#, &whole),
        ("PATCH /tides?id=eq.2&select=told", r#"{"told":"newer"}"#, &whole),
        ("DELETE /tides?id=eq.2&select=told", "", &whole),
        ("GET /tides?select=told&id=eq.2", "", &[]),
    ];
    let mut table = Vec::new();
    for (line, body, headers) in cases {
        table.push(format!("{line}: {}", asked(&api, line, headers, body).await));
    }
    assert_snapshot!(table.join("\n"), @r#"
    GET /tides?select=told: 200 [{"told":"replica"}]
    HEAD /tides: 200 
    GET /rpc/said: 200 "replica"
    POST /rpc/said: 200 "primary"
    GET /rpc/shouted: 200 "primary"
    POST /rpc/shouted: 200 "primary"
    GET /rpc/picky: 200 "primary"
    GET /rpc/wrong: 400 {"code":"22000","details":null,"hint":null,"message":"by replica"}
    POST /tides?select=id,told: 201 [{"id":2,"told":"new"}]
    PATCH /tides?id=eq.2&select=told: 200 [{"told":"newer"}]
    DELETE /tides?id=eq.2&select=told: 200 [{"told":"newer"}]
    GET /tides?select=told&id=eq.2: 200 []
    "#);
    let rows = replica.owner.get().await.unwrap().query("select told from harbour.tides", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ["replica"]);
}

#[tokio::test]
async fn a_replica_that_is_down_costs_nobody_an_answer_and_is_asked_again_later() {
    let (primary, replica) = (told("primary").await, told("replica").await);
    // Nobody listens on port 1.
    let nowhere = postgres::DatabaseUrl::parse("postgres://anon:x@127.0.0.1:1/harbour").unwrap();
    let nowhere = ClientPool::new(&nowhere, &PoolOptions::default()).unwrap();
    let alone = api(&primary, vec![nowhere.clone()]).await;
    for _ in 0..3 {
        assert_eq!(asked(&alone, "GET /tides?select=told", &[], "").await, r#"200 [{"told":"primary"}]"#);
    }
    // In turn; the one that is there answers for the one that is not.
    let both = api(&primary, vec![nowhere, replica.clients.clone()]).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(asked(&both, "GET /tides?select=told", &[], "").await);
    }
    let of_replica = answers.iter().filter(|answer| answer.contains("replica")).count();
    assert_eq!(of_replica, 3, "after the first, nobody asks where nobody is: {answers:?}");
    let figures = both.replicas();
    assert_eq!(figures.iter().map(|replica| replica.is_asked).collect::<Vec<_>>(), [false, true]);
    assert_eq!(figures.iter().map(|replica| replica.connections.connections).collect::<Vec<_>>(), [0, 1]);
}

#[tokio::test]
async fn a_user_whose_rows_are_to_be_made_is_no_reader() {
    let (primary, replica) = (told("primary").await, told("replica").await);
    let api = api(&primary, vec![replica.clients.clone()]).await;
    // On the replica it is refused, as writing is.
    let grant = "grant execute on function clerk.ensure_caller() to anon";
    primary.owner.get().await.unwrap().batch_execute(grant).await.unwrap();
    let nobody = tokens::Principal::anonymous();
    let get = request("GET /tides?select=told", &[], "");
    let known = data_api::Caller::verified(&nobody, false);
    let body = |answer: http::Response<bytes::Bytes>| String::from_utf8_lossy(answer.body()).into_owned();
    assert_eq!(body(api.answer_for(&known, &get).await), r#"[{"told":"replica"}]"#);
    let new = known.ensuring_rows();
    assert_eq!(body(api.answer_for(&new, &get).await), r#"[{"told":"primary"}]"#);
}
