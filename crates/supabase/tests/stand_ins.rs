//! What stands in for extensions, at work.

use std::sync::Arc;
use std::time::Duration;

use clerk::SystemClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::Stage;

async fn becomes(stage: &Stage, statement: &str, expected: &str) {
    let waiting = async {
        while stage.texts(statement).await != expected {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(15), waiting).await;
    assert!(within.is_ok(), "{statement}: expected {expected}, found {}", stage.texts(statement).await);
}

#[tokio::test]
async fn requests_are_sent_after_their_transaction_and_answers_are_kept() {
    let stage = Stage::set(&[]).await;
    stage.client().await.batch_execute("create extension pg_net").await.unwrap();
    let stop = CancellationToken::new();
    let sending = tokio::spawn(supabase::send_requests(stage.owner.clone(), stop.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let receiving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"}") {
            assert!(stream.read_buf(&mut heard).await.unwrap() > 0);
        }
        stream
            .write_all(
                b"HTTP/1.1 201 Created\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nthanks"[..].as_ref(),
            )
            .await
            .unwrap();
        String::from_utf8(heard).unwrap()
    });
    let client = stage.client().await;
    client.batch_execute("begin; select net.http_post('http://127.0.0.1:1/never')").await.unwrap();
    client.batch_execute("rollback").await.unwrap();
    client
        .batch_execute(&format!("select net.http_post('{url}', '{{\"boat\": 1}}', headers := '{{\"x-key\": \"k\"}}')"))
        .await
        .unwrap();
    let heard = receiving.await.unwrap();
    assert!(
        heard.starts_with("POST /hook HTTP/1.1") && heard.contains("x-key: k") && heard.ends_with("{\"boat\": 1}"),
        "{heard}"
    );
    becomes(&stage, "select status_code || content from net._http_response", "201than").await;
    client.batch_execute("select net.http_get('http://127.0.0.1:1/')").await.unwrap();
    becomes(&stage, "select timed_out::text from net._http_response where error_msg is not null", "false").await;
    becomes(&stage, "select count(*)::text from net.http_request_queue", "0").await;
    drop(client);
    stop.cancel();
    sending.await.unwrap();
    stage.end().await;
}

#[tokio::test]
async fn jobs_run_by_the_clock_as_their_owner() {
    let stage = Stage::set(&[]).await;
    let schedule = "
        create extension pg_cron;
        create table public.beats (who text default current_user);
        select cron.schedule('beat', '1 second', 'insert into public.beats default values');
        select cron.schedule('wrong', '1 second', 'select 1/0');
        update cron.job set username = 'service_role' where jobname = 'beat'";
    stage.client().await.batch_execute(schedule).await.unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(supabase::run_jobs(stage.owner.clone(), Arc::new(SystemClock), stop.clone()));
    becomes(&stage, "select distinct who from public.beats", "service_role").await;
    becomes(
        &stage,
        "select distinct status || ' ' || return_message from cron.job_run_details where status = 'failed'",
        "failed division by zero",
    )
    .await;
    stage.client().await.batch_execute("delete from cron.job").await.unwrap();
    stop.cancel();
    running.await.unwrap();
    stage.end().await;
}
