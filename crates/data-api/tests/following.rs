//! The schema changes under a running API.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::support::{Harbour, configured};

/// How long a change may take to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

async fn eventually(harbour: &Harbour, path: &str, status: &str) {
    let seen = async {
        while !harbour.got(path).await.starts_with(status) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("the change is seen");
}

#[tokio::test]
async fn a_new_table_is_there_after_the_announcement_and_requests_go_on() {
    let harbour = Harbour::open().await;
    let (stop, api) = (CancellationToken::new(), harbour.api.clone());
    let following = tokio::spawn({
        let stop = stop.clone();
        async move {
            let configuration = || async { configured(&[("DB_MAX_ROWS", "1")]).config(Default::default()).ok() };
            api.follow("pgrst", configuration, stop).await;
        }
    });
    assert!(harbour.got("/buoys").await.starts_with("404"));
    let owner = harbour.database.owner.get().await.unwrap();
    owner
        .batch_execute("create table harbour.buoys (id integer); grant select on harbour.buoys to anon")
        .await
        .unwrap();
    // The listener may not be there yet: whoever announces once too early is heard by its first reading.
    owner.batch_execute("notify pgrst").await.unwrap();
    eventually(&harbour, "/buoys", "200").await;
    let rows = |text: String| text.matches("\"id\"").count();
    assert_eq!(rows(harbour.got("/ships?select=id").await), 3);
    let seen = async {
        while rows(harbour.got("/ships?select=id").await) != 1 {
            owner.batch_execute("notify pgrst, 'reload config'").await.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("the configuration is read anew");
    stop.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn a_beginning_is_one_reading_and_misses_nothing_until_somebody_follows() {
    let harbour = Harbour::open().await;
    let (stop, api) = (CancellationToken::new(), harbour.api.clone());
    let loads = || harbour.api.figures().schema_loads;
    let before = loads();
    api.begin("pgrst").await.unwrap();
    assert_eq!(loads(), before + 1);
    let owner = harbour.database.owner.get().await.unwrap();
    let change = "create table harbour.buoys (id integer); grant select on harbour.buoys to anon; notify pgrst";
    owner.batch_execute(change).await.unwrap();
    assert!(harbour.got("/buoys").await.starts_with("404"));
    let following = tokio::spawn({
        let stop = stop.clone();
        async move { api.follow("pgrst", || async { None }, stop).await }
    });
    eventually(&harbour, "/buoys", "200").await;
    assert_eq!(loads(), before + 2, "one reading at the beginning and one for the change");
    stop.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn many_changes_at_once_are_few_readings() {
    let harbour = Harbour::open().await;
    let (stop, api) = (CancellationToken::new(), harbour.api.clone());
    let following = tokio::spawn({
        let stop = stop.clone();
        async move { api.follow("pgrst", || async { None }, stop).await }
    });
    let owner = harbour.database.owner.get().await.unwrap();
    while harbour.api.figures().schema_loads < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for number in 0..100 {
        owner.batch_execute(&format!("create table harbour.buoy_{number} (id integer)")).await.unwrap();
        owner.batch_execute("notify pgrst, 'reload schema'").await.unwrap();
    }
    owner.batch_execute("grant select on harbour.buoy_99 to anon").await.unwrap();
    eventually(&harbour, "/buoy_99", "200").await;
    let loads = harbour.api.figures().schema_loads;
    assert!(loads < 60, "{loads} readings for 100 changes");
    stop.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn without_a_schema_requests_are_told_to_come_again() {
    let harbour = Harbour::open().await;
    let config = configured(&[]).config(Default::default()).unwrap();
    let clock = std::sync::Arc::new(clerk::SystemClock);
    let pools = (harbour.database.clients.clone(), harbour.database.owner.clone());
    let empty = Harbour { api: data_api::DataApi::new(pools.0, pools.1, config, clock), ..harbour };
    insta::assert_snapshot!(empty.asked("GET /ships", &[], "").await, @r#"
    503
    content-type: application/json; charset=utf-8
    proxy-status: PostgREST; error=PGRST002
    retry-after: 1
    {"code":"PGRST002","details":null,"hint":null,"message":"Could not query the database for the schema cache. Retrying."}
    "#);
}
