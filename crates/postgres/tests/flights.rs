//! The connections of the clients' pool: what they carry, how they end, and what they are reached through.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::time::Duration;

use postgres::testing::TestDatabase;
use postgres::{ClientPool, ClientStatement, ClientTransaction, DatabaseUrl, Error, Parameter, PoolOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use crate::support::{CountingProxy, own_cluster, transaction};

fn one_connection(url: &DatabaseUrl) -> ClientPool {
    ClientPool::new(url, &PoolOptions { size: 1, ..PoolOptions::default() }).unwrap()
}

async fn run(pool: &ClientPool, statements: &[ClientStatement<'_>]) -> Result<Vec<Vec<postgres::Row>>, Error> {
    run_as(pool, statements, false).await
}

async fn read(pool: &ClientPool, statement: &str) -> Result<Option<i32>, Error> {
    Ok(run_as(pool, &[(statement, &[])], true).await?[0][0].get(0))
}

async fn run_as(
    pool: &ClientPool,
    statements: &[ClientStatement<'_>],
    read_only: bool,
) -> Result<Vec<Vec<postgres::Row>>, Error> {
    pool.run_for_client(ClientTransaction { read_only, ..transaction("anon", "", statements) }).await
}

async fn backend(pool: &ClientPool) -> i32 {
    pool.ask("select pg_backend_pid()", &[]).await.unwrap()[0].get(0)
}

#[tokio::test]
async fn values_of_all_sizes_go_and_come_as_they_are() {
    let database = TestDatabase::create().await;
    let pool = one_connection(&database.url.for_clients());
    // Larger than what a socket holds, both ways at once: a server that answers before it has read everything is read from.
    let long = "ä".repeat(4 << 20);
    let parameters: [Parameter<'_>; 3] = [(&long, Type::TEXT), (&None::<i64>, Type::INT8), (&-7_i32, Type::INT4)];
    let statements: [ClientStatement<'_>; 3] = [
        ("select repeat('x', 10000000)", &[]),
        ("select $1, $2, $3, true, array['a', null], ''", &parameters),
        ("select n from generate_series(1, 10000) as n where n % 2 = 0", &[]),
    ];
    for _ in 0..2 {
        let rows = run(&pool, &statements).await.unwrap();
        assert_eq!(rows[0][0].get::<_, &str>(0).len(), 10_000_000);
        assert!(rows[1][0].get::<_, &str>(0) == long, "it came back changed");
        assert_eq!(rows[1][0].get::<_, Option<i64>>(1), None);
        assert_eq!(rows[1][0].get::<_, i32>(2), -7);
        assert!(rows[1][0].get::<_, bool>(3));
        assert_eq!(rows[1][0].get::<_, Vec<Option<&str>>>(4), [Some("a"), None]);
        assert_eq!(rows[1][0].get::<_, &str>(5), "");
        assert_eq!((rows[2].len(), rows[2][4999].get::<_, i32>("n")), (5000, 10000));
    }
}

#[tokio::test]
async fn the_first_time_is_one_flight_too_and_so_is_a_refusal_and_its_cleaning_one_more() {
    let database = TestDatabase::create().await;
    let port = database.url.expose().split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let proxy = CountingProxy::start(port.parse().unwrap()).await;
    let through = database.url.for_clients().expose().replace(&port, &proxy.port.to_string());
    let pool = one_connection(&DatabaseUrl::parse(&through).unwrap());
    pool.try_connect().await.unwrap();
    proxy.take_flights();
    for _ in 0..2 {
        run(&pool, &[("select 1", &[])]).await.unwrap();
        assert_eq!(proxy.take_flights(), 1);
        run(&pool, &[("select 1 / 0", &[])]).await.unwrap_err();
        assert_eq!(proxy.take_flights(), 2);
    }
}

#[tokio::test]
async fn what_stands_behind_a_refusal_has_not_happened() {
    let database = TestDatabase::create().await;
    let owner = database.owner.get().await.unwrap();
    owner
        .batch_execute("create table public.notes (id int primary key); grant all on public.notes to anon")
        .await
        .unwrap();
    let pool = one_connection(&database.url.for_clients());
    let before = backend(&pool).await;
    for refused in ["select 1 / 0", "select from nowhere", "this is not sql"] {
        let statements: [ClientStatement<'_>; 3] = [
            ("insert into public.notes values (1)", &[]),
            (refused, &[]),
            ("insert into public.notes values (2)", &[]),
        ];
        let error = run(&pool, &statements).await.unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
        assert_eq!(run(&pool, &[("select count(*) from public.notes", &[])]).await.unwrap()[0][0].get::<_, i64>(0), 0);
    }
    assert_eq!(backend(&pool).await, before, "a refusal is no reason to lose a connection");
}

/// A server that is told to stop says so behind the answer to a commit, under the cleaning; another is gone without a word.
#[tokio::test]
async fn what_was_committed_is_told_though_the_connection_breaks_behind_it() {
    let fields = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0";
    let mut last_word = vec![b'E'];
    last_word.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
    last_word.extend(fields);
    for last in [last_word, Vec::new()] {
        let database = TestDatabase::create().await;
        let owner = database.owner.get().await.unwrap();
        owner.batch_execute("create table public.notes (id int); grant all on public.notes to anon").await.unwrap();
        let port = database.url.expose().split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().to_owned();
        let proxy = cutting_proxy(port.parse().unwrap(), last).await;
        let through = database.url.for_clients().expose().replace(&port, &proxy.to_string());
        let pool = one_connection(&DatabaseUrl::parse(&through).unwrap());
        let told = run(&pool, &[("insert into public.notes values (1) returning id", &[])]).await;
        assert_eq!(told.unwrap()[0][0].get::<_, i32>(0), 1);
        let there = owner.query_one("select count(*) from public.notes", &[]).await.unwrap();
        assert_eq!(there.get::<_, i64>(0), 1);
    }
}

/// Hands on what is said, up to the answer to a commit; says `last` and hangs up.
async fn cutting_proxy(target: u16, last: Vec<u8>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let asking = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        let mut bytes = vec![0; 65_536];
        loop {
            let read = from_server.read(&mut bytes).await.unwrap();
            let mark = b"COMMIT\0";
            if let Some(at) = bytes[..read].windows(mark.len()).position(|found| found == mark) {
                to_client.write_all(&bytes[..at + mark.len()]).await.unwrap();
                to_client.write_all(&last).await.unwrap();
                break asking.abort();
            }
            to_client.write_all(&bytes[..read]).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn a_cursor_that_a_reader_has_kept_is_closed() {
    let database = TestDatabase::create().await;
    let functions = "
        create function public.keep(v int) returns int language plpgsql as $$
          begin execute format('declare c cursor with hold for select %s', v); return v; end $$;
        create function public.peek() returns int language plpgsql as $$
          declare v int; c refcursor := 'c'; begin fetch c into v; return v; end $$";
    database.owner.get().await.unwrap().batch_execute(functions).await.unwrap();
    let pool = one_connection(&database.url.for_clients());
    assert_eq!(read(&pool, "select public.keep(41)").await.unwrap(), Some(41));
    assert_eq!(read(&pool, "select public.peek()").await.unwrap_err().sql_state().unwrap().code(), "34000");
    assert_eq!(read(&pool, "select public.keep(42)").await.unwrap(), Some(42));
}

#[tokio::test]
async fn after_a_change_of_the_schema_parameters_have_the_types_of_then() {
    let database = TestDatabase::create().await;
    let owner = database.owner.get().await.unwrap();
    let table =
        "create table public.notes (id int); insert into public.notes values (1); grant all on public.notes to anon";
    owner.batch_execute(table).await.unwrap();
    let pool = one_connection(&database.url.for_clients());
    let by_id = "select count(*) from public.notes where id = $1";
    // As the data API leaves types to Postgres: text of a type that is found out when the statement is prepared.
    for (change, id) in [("int", "1"), ("bigint", "3000000000"), ("text", "one")] {
        owner.batch_execute(&format!("alter table public.notes alter column id type {change}")).await.unwrap();
        pool.forget_statements();
        let parameters: [Parameter<'_>; 1] = [(&Unknown(id), Type::UNKNOWN)];
        run(&pool, &[(by_id, &parameters)]).await.unwrap();
    }
}

#[derive(Debug)]
struct Unknown(&'static str);

impl ToSql for Unknown {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

#[tokio::test]
async fn a_parameter_that_is_not_what_it_is_declared_is_not_sent() {
    let database = TestDatabase::create().await;
    let pool = one_connection(&database.url.for_clients());
    let before = backend(&pool).await;
    let parameters: [Parameter<'_>; 1] = [(&"seven", Type::INT4)];
    let error = run(&pool, &[("select $1", &parameters)]).await.unwrap_err();
    assert!(matches!(error, Error::Unsendable(_)), "{error:?}");
    assert_eq!(run(&pool, &[("select 1", &[])]).await.unwrap().len(), 1);
    assert_eq!(backend(&pool).await, before);
}

#[tokio::test]
async fn a_connection_that_was_ended_is_replaced_before_anybody_gets_it() {
    let database = TestDatabase::create().await;
    let pool = one_connection(&database.url.for_clients());
    let owner = database.owner.get().await.unwrap();
    for _ in 0..3 {
        let before = backend(&pool).await;
        owner.execute("select pg_terminate_backend($1, 5000)", &[&before]).await.unwrap();
        // The last word travels over loopback while the next one comes.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_ne!(backend(&pool).await, before);
    }
}

#[tokio::test]
async fn a_connection_that_was_idle_or_has_lived_for_long_is_replaced() {
    let database = TestDatabase::create().await;
    let (short, hour) = (Duration::from_millis(50), Duration::from_secs(3600));
    for (longest_idle, longest_life) in [(short, hour), (hour, short)] {
        let options = PoolOptions { size: 1, longest_idle, longest_life, ..PoolOptions::default() };
        let pool = ClientPool::new(&database.url.for_clients(), &options).unwrap();
        let before = backend(&pool).await;
        tokio::time::sleep(short * 2).await;
        assert_ne!(backend(&pool).await, before);
    }
    let pool = one_connection(&database.url.for_clients());
    let before = backend(&pool).await;
    tokio::time::sleep(short * 2).await;
    assert_eq!(backend(&pool).await, before);
}

#[tokio::test]
async fn a_server_that_hangs_up_under_a_statement_says_why() {
    let database = TestDatabase::create().await;
    let pool = one_connection(&database.url.for_clients());
    let pid = backend(&pool).await;
    let sleeping = pool.ask("select pg_sleep(30)", &[]);
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        database.owner.get().await.unwrap().execute("select pg_terminate_backend($1)", &[&pid]).await.unwrap();
    };
    let (answer, ()) = tokio::join!(sleeping, end);
    assert_eq!(answer.unwrap_err().sql_state().unwrap().code(), "57P01");
    assert_ne!(backend(&pool).await, pid);
}

#[tokio::test]
async fn only_so_many_statements_are_kept_and_the_others_are_closed() {
    let database = TestDatabase::create().await;
    let pool = one_connection(&database.url.for_clients());
    for number in 0..400 {
        let text = format!("select {number}, 'of many'");
        assert_eq!(run(&pool, &[(&text, &[])]).await.unwrap()[0][0].get::<_, i32>(0), number);
    }
    let count = "select count(*) from pg_prepared_statements";
    let kept: i64 = pool.ask(count, &[]).await.unwrap()[0].get(0);
    assert!((200..=260).contains(&kept), "{kept} statements are kept");
}

#[tokio::test]
async fn a_standby_that_is_asked_for_is_not_a_primary() {
    let database = TestDatabase::create().await;
    let with = |attributes: &str| {
        let url = database.url.for_clients();
        let joint = if url.expose().contains('?') { '&' } else { '?' };
        let text = format!("{}{joint}target_session_attrs={attributes}", url.expose());
        one_connection(&DatabaseUrl::parse(&text).unwrap())
    };
    with("read-write").try_connect().await.unwrap();
    let error = with("read-only").try_connect().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}

/// A cluster of its own, which encrypts with a certificate that nobody else knows.
#[tokio::test]
async fn an_encrypted_connection_is_signed_in_used_and_cancelled_encrypted() {
    let cluster = own_cluster().await;
    let plain = one_connection(&cluster.url());
    let data: String = plain.ask("show data_directory", &[]).await.unwrap()[0].get(0);
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let owner = std::fs::metadata(&data).unwrap();
    for (name, text) in
        [("server.crt", certificate.cert.pem()), ("server.key", certificate.signing_key.serialize_pem())]
    {
        let path = Path::new(&data).join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    for statement in ["alter system set ssl = on", "select pg_reload_conf()"] {
        plain.ask(statement, &[]).await.unwrap();
    }
    let root = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(root.path(), certificate.cert.pem()).unwrap();
    let url = cluster.url().expose().replace("127.0.0.1", "localhost");
    let joint = if url.contains('?') { '&' } else { '?' };
    let encrypted =
        |root: &str| one_connection(&DatabaseUrl::parse(&format!("{url}{joint}sslmode=require{root}")).unwrap());
    let pool = encrypted(&format!("&sslrootcert={}", root.path().display()));
    // The server reads its configuration when it gets to it.
    let mut answer = pool.ask("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await;
    for _ in 0..100 {
        if answer.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer = pool.ask("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await;
    }
    assert!(answer.unwrap()[0].get::<_, bool>(0));
    assert_eq!(pool.ask("select repeat('x', 1000000)", &[]).await.unwrap()[0].get::<_, &str>(0).len(), 1_000_000);
    let sleeping = pool.ask("select pg_sleep(30)", &[]);
    assert!(tokio::time::timeout(Duration::from_millis(300), sleeping).await.is_err());
    let running = "select count(*) from pg_stat_activity where query like '%pg_sleep(30)' and state = 'active'";
    for _ in 0..100 {
        if plain.ask(running, &[]).await.unwrap()[0].get::<_, i64>(0) == 0 {
            let stranger = encrypted("").try_connect().await.unwrap_err();
            assert!(stranger.is_absence(), "a certificate that nobody vouches for is refused: {stranger:?}");
            return cluster.stop().await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the abandoned statement still runs after 5 s");
}

#[tokio::test]
async fn the_second_host_is_asked_when_the_first_is_not_there() {
    let database = TestDatabase::create().await;
    let url = database.url.for_clients().expose().to_owned();
    let port = url.split("127.0.0.1:").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let elsewhere = url.replace(&format!("127.0.0.1:{port}"), "");
    for first in ["127.0.0.1", "no-such-host.invalid"] {
        let both = format!("{elsewhere}?host={first}&host=127.0.0.1&port=1,{port}&sslmode=disable");
        one_connection(&DatabaseUrl::parse(&both).unwrap()).try_connect().await.unwrap();
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_said_at_once() {
    let url = DatabaseUrl::parse("postgres://somebody@127.0.0.1:1/nothing").unwrap();
    let error = one_connection(&url).try_connect().await.unwrap_err();
    assert!(error.is_absence(), "{error:?}");
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
}
