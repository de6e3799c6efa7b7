//! Hearing what is notified, and knowing when nothing is heard any more.

use std::time::{Duration, Instant};

use postgres::testing::TestDatabase;
use postgres::{Error, Heard, Listener};

const CHANNEL: &str = "odd \"channel\"";

async fn notify(database: &TestDatabase, payload: &str) {
    let connection = database.owner.get().await.unwrap();
    connection.execute("select pg_notify($1, $2)", &[&CHANNEL, &payload]).await.unwrap();
}

#[tokio::test]
async fn what_is_notified_is_heard_in_order() {
    let database = TestDatabase::create().await;
    let mut listener = Listener::connect(&database.owner, CHANNEL).await.unwrap();
    for number in 0..500 {
        notify(&database, &number.to_string()).await;
    }
    for number in 0..500 {
        assert_eq!(listener.next().await.unwrap(), Heard::Notification(number.to_string()));
    }
    // The probe: within 3 s, and then it goes on hearing.
    assert_eq!(listener.next().await.unwrap(), Heard::Silence);
    notify(&database, "again").await;
    assert_eq!(listener.next().await.unwrap(), Heard::Notification("again".to_owned()));
}

#[tokio::test]
async fn what_is_rolled_back_is_not_heard() {
    let database = TestDatabase::create().await;
    let mut listener = Listener::connect(&database.owner, CHANNEL).await.unwrap();
    let mut connection = database.owner.get().await.unwrap();
    let transaction = connection.transaction().await.unwrap();
    transaction.execute("select pg_notify($1, 'never')", &[&CHANNEL]).await.unwrap();
    transaction.rollback().await.unwrap();
    notify(&database, "this").await;
    assert_eq!(listener.next().await.unwrap(), Heard::Notification("this".to_owned()));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_noticed_at_once() {
    let database = TestDatabase::create().await;
    let mut listener = Listener::connect(&database.owner, CHANNEL).await.unwrap();
    let began = Instant::now();
    let connection = database.owner.get().await.unwrap();
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'rowlock listener' and datname = current_database()";
    assert_eq!(connection.execute(cut, &[]).await.unwrap(), 1);
    let error = listener.next().await.unwrap_err();
    assert!(matches!(error, Error::Statement(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// A connection that stands and does not answer: the backend is stopped, as a network that swallows packets would.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_does_not_answer_is_noticed() {
    use nix::sys::signal::{Signal, kill};
    let database = TestDatabase::create().await;
    let mut listener = Listener::connect(&database.owner, CHANNEL).await.unwrap();
    let connection = database.owner.get().await.unwrap();
    let backend = "select pid from pg_stat_activity
        where application_name = 'rowlock listener' and datname = current_database()";
    let pid = nix::unistd::Pid::from_raw(connection.query_one(backend, &[]).await.unwrap().get(0));
    kill(pid, Signal::SIGSTOP).unwrap();
    let began = Instant::now();
    let error = listener.next().await.unwrap_err();
    kill(pid, Signal::SIGCONT).unwrap();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}
