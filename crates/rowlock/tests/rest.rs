//! `rowlock rest` as a command: PostgREST's variables, its settings in the database, its admin server and its socket.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::Signal;
use postgres::testing::TestDatabase;
use serde_json::Value;

use crate::support::{Server, free_port, rowlock, told};

const SCHEMA: &str = "
    create schema quay;
    create table quay.boats (id integer primary key, name text not null);
    insert into quay.boats values (1, 'Ann'), (2, 'Bess');
    grant usage on schema quay to anon;
    grant select on quay.boats to anon;
";

/// A database, and an authenticator as PostgREST's guides make one.
pub(crate) struct Quay {
    database: TestDatabase,
    url: String,
    login: String,
}

impl Quay {
    pub(crate) async fn open() -> Self {
        let database = TestDatabase::create().await;
        let name = database.url.expose().rsplit_once('/').unwrap().1.to_owned();
        // Roles belong to the server that the tests share.
        let login = format!("authenticator_{name}");
        let owner = database.owner.get().await.unwrap();
        let make = format!("create role {login} login noinherit password 'moor'; grant anon to {login}");
        owner.batch_execute(&format!("{SCHEMA}{make}")).await.unwrap();
        let url = database.url.expose().replace("postgres:postgres@", &format!("{login}:moor@"));
        Self { database, url, login }
    }

    async fn execute(&self, statement: &str) {
        self.database
            .owner
            .get()
            .await
            .unwrap()
            .batch_execute(&statement.replace("authenticator", &self.login))
            .await
            .unwrap();
    }

    /// `rowlock rest` with these variables, beside those that it cannot do without.
    pub(crate) fn command(&self, variables: &[(&str, &str)]) -> std::process::Command {
        let mut command = rowlock(&["rest", "--json"]);
        let always = BTreeMap::from([
            ("DB_URI", self.url.as_str()),
            ("DB_SCHEMAS", "quay"),
            ("DB_ANON_ROLE", "anon"),
            ("SERVER_HOST", "127.0.0.1"),
            ("SERVER_PORT", "0"),
        ]);
        for (name, value) in always.into_iter().chain(variables.iter().copied()) {
            command.env(format!("PGRST_{name}"), value);
        }
        command
    }

    fn serve(&self, variables: &[(&str, &str)]) -> (Server, String) {
        let server = Server::start(self.command(variables));
        let ready: Value = serde_json::from_str(&server.ready).unwrap();
        let address = ready["api"].as_str().unwrap().trim_start_matches("http://").to_owned();
        (server, address)
    }
}

/// Status line and body of `GET`.
fn ask(mut stream: impl std::io::Read + std::io::Write, path: &str) -> String {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: quay\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    format!("{} {body}", head.split(' ').nth(1).unwrap()).trim_end().to_owned()
}

fn get(address: &str, path: &str) -> String {
    ask(TcpStream::connect(address).unwrap(), path)
}

fn becomes(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("within 10 s it does not hold that {what}");
}

#[tokio::test]
async fn it_is_configured_by_variables_over_which_the_database_wins_and_follows_announcements() {
    let quay = Quay::open().await;
    quay.execute("alter role authenticator set pgrst.db_max_rows = '1'").await;
    let port = free_port().to_string();
    let admin = format!("127.0.0.1:{port}");
    let (server, address) = quay.serve(&[("DB_MAX_ROWS", "100"), ("ADMIN_SERVER_PORT", &port)]);
    assert_eq!(get(&address, "/boats?select=name"), r#"200 [{"name":"Ann"}]"#);
    assert!(get(&address, "/boats?select=id.sum()").starts_with("400"));
    quay.execute(
        "alter role authenticator set pgrst.db_max_rows = '2'; alter role authenticator set pgrst.db_aggregates_enabled = 'true';
         notify pgrst, 'reload config'",
    )
    .await;
    becomes("aggregates are there", || get(&address, "/boats?select=id.sum()") == r#"200 [{"sum":3}]"#);
    quay.execute("create table quay.oars (id integer); grant select on quay.oars to anon; notify pgrst").await;
    becomes("the new table is there", || get(&address, "/oars") == "200 []");
    let metrics = get(&admin, "/metrics");
    let read = "rowlock_data_api_request_seconds_count{method=\"GET\",kind=\"read\",status=\"2xx\"} ";
    assert!(metrics.contains(read) && !metrics.contains("boats"), "{metrics}");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ended().code(), Some(0));

    // What the database says is passed over where that is wanted.
    let (server, address) = quay.serve(&[("DB_MAX_ROWS", "1"), ("DB_CONFIG", "false")]);
    assert_eq!(get(&address, "/boats?select=name"), r#"200 [{"name":"Ann"}]"#);
    assert!(get(&address, "/boats?select=id.sum()").starts_with("400"));
    drop(server);
}

#[tokio::test]
async fn the_admin_server_says_whether_requests_can_be_served() {
    let quay = Quay::open().await;
    let port = free_port().to_string();
    let admin = format!("127.0.0.1:{port}");
    // A database that is not there yet: alive is only who takes requests.
    quay.execute("alter role authenticator nologin").await;
    let mut starting = quay
        .command(&[("ADMIN_SERVER_PORT", &port)])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    becomes("the admin server answers", || TcpStream::connect(&admin).is_ok());
    assert_eq!((get(&admin, "/live"), get(&admin, "/ready")), ("500".to_owned(), "503".to_owned()));
    quay.execute("alter role authenticator login").await;
    becomes("it is ready", || get(&admin, "/ready") == "200");
    assert_eq!((get(&admin, "/live"), get(&admin, "/nothing")), ("200".to_owned(), "404".to_owned()));
    quay.execute("alter role authenticator nologin").await;
    quay.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'").await;
    becomes("it is alive and not ready", || get(&admin, "/ready") == "503" && get(&admin, "/live") == "200");
    quay.execute("alter role authenticator login").await;
    becomes("it is ready again", || get(&admin, "/ready") == "200");
    let metrics = get(&admin, "/metrics");
    for line in [
        "pgrst_db_pool_max 10",
        "pgrst_db_pool_available 10",
        "pgrst_db_pool_waiting 0",
        "pgrst_db_pool_timeouts_total 0",
        "pgrst_schema_cache_loads_total{status=\"SUCCESS\"} ",
    ] {
        assert!(metrics.lines().any(|found| found.starts_with(line)), "{line}: {metrics}");
    }
    starting.kill().unwrap();
    starting.wait().unwrap();
}

#[tokio::test]
async fn it_listens_on_a_socket_file_and_leaves_other_files_alone() {
    let quay = Quay::open().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rest.sock");
    let text = path.to_str().unwrap();
    for _ in 0..2 {
        let (server, address) = quay.serve(&[("SERVER_UNIX_SOCKET", text), ("SERVER_UNIX_SOCKET_MODE", "600")]);
        assert_eq!(address, format!("unix:{text}"));
        assert_eq!(ask(UnixStream::connect(&path).unwrap(), "/boats?select=id&id=eq.1"), r#"200 [{"id":1}]"#);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // The second finds what is left of the first.
        server.kill_hard();
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "mine").unwrap();
    let refused = told(&quay.command(&[("SERVER_UNIX_SOCKET", text)]).output().unwrap());
    assert!(refused.starts_with("exit: 1") && refused.contains("cannot listen on"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn what_cannot_be_used_is_named_before_anything_starts() {
    let quay = Quay::open().await;
    let refusal = |variables: &[(&str, &str)]| {
        let text = told(&quay.command(variables).output().unwrap());
        text.lines().filter(|line| line.starts_with("exit") || line.contains("error:")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(refusal(&[("DB_TX_END", "perhaps")]), @"
    exit: 1
    error: `db-tx-end` is `perhaps`; expected `commit`, `commit-allow-override`, `rollback` or `rollback-allow-override`
    ");
    insta::assert_snapshot!(refusal(&[("JWT_SECRET", "short")]), @"
    exit: 1
    error: `jwt-secret` cannot be used: The JWT secret must be at least 32 characters long.
    ");
    insta::assert_snapshot!(refusal(&[("SERVER_UNIX_SOCKET", "/nowhere/at/all"), ("SERVER_UNIX_SOCKET_MODE", "999")]), @"
    exit: 1
    error: `server-unix-socket-mode` is `999`; expected an octal number from 600 to 777
    ");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    insta::assert_snapshot!(refusal(&[("SERVER_PORT", &port)]).replace(&port, "<port>"), @"
    exit: 1
    error: cannot listen on 127.0.0.1:<port>
    ");
    let mut without = rowlock(&["rest"]);
    insta::assert_snapshot!(told(&without.output().unwrap()), @"
    exit: 1
    --- stdout
    --- stderr
    error: PGRST_DB_URI is not set; expected the address of the database, such as postgres://authenticator:password@host/database
      hint:  `rowlock rest` is configured as PostgREST is
    ");
}
