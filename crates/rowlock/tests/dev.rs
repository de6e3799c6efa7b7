//! `rowlock dev`: one at a time in a directory, data that stays, and no orphans.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{Server, free_port, rowlock, told};

const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--emulator-listen", "127.0.0.1:0"];

fn dev(directory: &Path) -> (Server, Value) {
    dev_with(directory, &[])
}

fn dev_with(directory: &Path, more: &[&str]) -> (Server, Value) {
    let mut arguments = vec!["dev", "--json", "--data-dir", directory.to_str().unwrap()];
    arguments.extend(PORTS);
    arguments.extend(more);
    let server = Server::start(rowlock(&arguments));
    let ready = serde_json::from_str(&server.ready).unwrap();
    (server, ready)
}

/// A directory that whoever runs Postgres can reach.
fn directory() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap()
}

fn trigger(directory: &Path, arguments: &[&str]) -> String {
    let mut words = vec!["trigger", "--json", "--data-dir", directory.to_str().unwrap()];
    words.extend(arguments);
    let output = rowlock(&words).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn applied(ready: &Value) -> usize {
    let output = rowlock(&["events", "list", "--json", "--state", "applied"])
        .env("DATABASE_URL", ready["database_url"].as_str().unwrap())
        .output()
        .unwrap();
    let deliveries: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
    deliveries.as_array().unwrap().len()
}

fn becomes(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("within a minute it does not hold that {what}");
}

/// Both know the stack that runs with `data`, unless something else is said; and one that does not run is not meant.
fn backfill_and_reconcile_find(data: &Path, _running: &Server) {
    let arguments =
        |command: &'static str| [command, "--json", "--only", "users", "--data-dir", data.to_str().unwrap()];
    for command in ["backfill", "reconcile"] {
        let output = rowlock(&arguments(command)).output().unwrap();
        assert!(output.status.success(), "{command}: {}", told(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let found: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(found["kinds"][0]["table"], "users", "{command}: {found}");
    }
    // A database of one's own and the emulator's people do not belong together.
    let mixed = rowlock(&arguments("backfill")).env("DATABASE_URL", "postgres://me@127.0.0.1:1/shop").output().unwrap();
    assert!(told(&mixed).contains("CLERK_SECRET_KEY is not set"), "{}", told(&mixed));
    let nowhere = rowlock(&["backfill", "--data-dir", "/nowhere"]).output().unwrap();
    assert!(told(&nowhere).contains("CLERK_SECRET_KEY is not set"), "{}", told(&nowhere));
}

#[test]
fn what_was_triggered_is_there_after_a_restart_with_the_same_keys() {
    let directory = directory();
    let data = directory.path().join("data");
    let (server, first) = dev(&data);
    let told: Value = serde_json::from_str(&trigger(&data, &["user.created", "--duplicate", "2"])).unwrap();
    assert_eq!(told["messages"][0]["type"], "user.created");
    becomes("the user is applied", || applied(&first) == 1);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ended().code(), Some(0));
    assert!(!data.join("dev.json").exists(), "a stopped server's addresses are gone");

    let (server, second) = dev(&data);
    assert_eq!(first["clerk"]["secret_key"], second["clerk"]["secret_key"]);
    assert_eq!(first["clerk"]["instance_id"], second["clerk"]["instance_id"]);
    assert_eq!(applied(&second), 1);
    trigger(&data, &["organization.created"]);
    becomes("the organization is applied", || applied(&second) == 2);
    backfill_and_reconcile_find(&data, &server);
    drop(server);
}

#[test]
fn it_begins_with_a_seed_and_a_second_one_in_the_same_directory_is_refused() {
    let directory = directory();
    let data = directory.path().join("data");
    let seed = directory.path().join("people.toml");
    std::fs::write(&seed, "[[users]]\nusername = \"grace\"\n").unwrap();
    let (server, _) = dev_with(&data, &["--seed", seed.to_str().unwrap()]);
    let happened: Value = serde_json::from_str(&trigger(&data, &["user.updated", "--user", "grace"])).unwrap();
    assert_eq!(happened["messages"][0]["type"], "user.updated", "the seed is planted");
    let mut arguments = vec!["dev", "--data-dir", data.to_str().unwrap()];
    arguments.extend(PORTS);
    let told = told(&rowlock(&arguments).output().unwrap());
    assert!(told.starts_with("exit: 1") && told.contains("is in use by another Rowlock (process "), "{told}");
    drop(server);
}

#[test]
fn a_hard_kill_leaves_no_orphan_and_the_next_start_recovers() {
    let directory = directory();
    let data = directory.path().join("data");
    let (server, ready) = dev(&data);
    trigger(&data, &["user.created"]);
    becomes("the user is applied", || applied(&ready) == 1);
    let pid_file = data.join("postgres/data/postmaster.pid");
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    server.kill_hard();
    becomes("Postgres is gone with its owner", || kill(Pid::from_raw(pid), None).is_err());
    let (server, ready) = dev(&data);
    assert_eq!(applied(&ready), 1);
    drop(server);
}

#[test]
fn postgres_is_started_again_when_somebody_kills_it() {
    let directory = directory();
    let data = directory.path().join("data");
    let (server, ready) = dev(&data);
    let pid_file = data.join("postgres/data/postmaster.pid");
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    becomes("another server is there", || {
        std::fs::read_to_string(&pid_file)
            .is_ok_and(|text| text.lines().next() != Some(&pid.to_string()) && text.contains("ready"))
    });
    trigger(&data, &["user.created"]);
    becomes("deliveries are applied again", || applied(&ready) == 1);
    drop(server);
}

/// `rowlock dev` on the project in `directory`.
fn dev_on_project(directory: &Path, more: &[&str]) -> (Server, Value) {
    let data = directory.join("data");
    let mut arguments = vec!["dev", "--json", "--data-dir", data.to_str().unwrap(), "--pg-port"];
    let port = free_port().to_string();
    arguments.extend([port.as_str(), "--project", directory.to_str().unwrap()]);
    arguments.extend(PORTS);
    arguments.extend(more);
    let server = Server::start(rowlock(&arguments));
    let ready = serde_json::from_str(&server.ready).unwrap();
    (server, ready)
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join("supabase").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// What `/rest/v1/<path>` answers to the secret key.
fn served(ready: &Value, path: &str) -> String {
    let url = format!("{}/rest/v1/{path}", ready["api"].as_str().unwrap());
    let key = ready["supabase"]["secret_key"].as_str().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.get(url).header("apikey", key).send().await.unwrap().text().await.unwrap()
    })
}

#[test]
fn a_projects_folder_is_applied_and_watched_and_can_begin_anew() {
    let directory = directory();
    let path = directory.path();
    let schema =
        "create schema more; create table public.tasks (id int primary key, owner text default auth.jwt() ->> 'sub');";
    write(path, "migrations/20260101000000_tasks.sql", schema);
    write(path, "seed.sql", "insert into public.tasks (id) values (1);");
    write(path, "config.toml", "[api]\nschemas = ['public']\nmax_rows = 2\n");
    let file = path.join(".env.local");
    std::fs::write(&file, "MINE=1\n").unwrap();
    let (server, ready) = dev_on_project(path, &["--write-env", file.to_str().unwrap()]);
    let expected = serde_json::json!({
        "migrations": ["20260101000000_tasks.sql"], "seeds": ["supabase/seed.sql"], "differences": 0, "failure": null,
    });
    assert_eq!(ready["project"], expected);
    assert_eq!(served(&ready, "tasks?select=id"), r#"[{"id":1}]"#);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written.starts_with("MINE=1\n") && written.contains("\nNEXT_PUBLIC_SUPABASE_URL=http://127.0.0.1:"),
        "{written}"
    );

    // A file that is wrong is no reason to stop, and is taken when it is right.
    write(path, "migrations/20260102000000_more.sql", "alter table public.tasks add done nonsense;");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(served(&ready, "tasks?select=id"), r#"[{"id":1}]"#);
    write(path, "migrations/20260102000000_more.sql", "alter table public.tasks add done boolean default true;");
    becomes("the new column is served", || served(&ready, "tasks?select=done") == r#"[{"done":true}]"#);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ended().code(), Some(0));

    let (server, ready) = dev_on_project(path, &[]);
    assert_eq!(ready["project"]["migrations"], serde_json::json!([]));
    assert_eq!(served(&ready, "tasks?select=id"), r#"[{"id":1}]"#);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ended().code(), Some(0));

    write(path, "seed.sql", "insert into public.tasks (id) values (1), (2), (3);");
    let (server, ready) = dev_on_project(path, &["--reset-database"]);
    assert_eq!(ready["project"]["migrations"].as_array().unwrap().len(), 2);
    assert_eq!(served(&ready, "tasks?select=id"), "[{\"id\":1}, \n {\"id\":2}]", "and no more than `max_rows`");
    drop(server);
}

/// As much of pgTAP as the tests below use.
const PGTAP: &str = "
    create function extensions.plan(integer) returns text language sql as $$ select '1..' || $1 $$;
    create function extensions.is(anyelement, anyelement, text) returns text language sql as
      $$ select case when $1 = $2 then 'ok 1 - ' || $3 else 'not ok 1 - ' || $3 end $$;
    create function extensions.finish() returns setof text language sql as $$ select null::text where false $$;
";

#[test]
fn the_projects_own_tests_run_in_a_stack_of_theirs_or_in_the_one_that_runs() {
    let directory = directory();
    let path = directory.path();
    write(path, "migrations/20260101000000_tasks.sql", "create table public.tasks (id integer primary key);");
    write(path, "seed.sql", "insert into public.tasks values (1), (2)");
    let counted = |expected: u8| {
        format!(
            "begin; create extension if not exists pgtap; select plan(1); insert into public.tasks values (9);
             select is((select count(*)::integer from public.tasks), {expected}, 'tasks'); select * from finish(); rollback;"
        )
    };
    write(path, "tests/database/tasks.test.sql", &counted(3));
    write(path, "pgtap.sql", PGTAP);
    let (project, data) = (path.to_str().unwrap().to_owned(), path.join("data").to_str().unwrap().to_owned());
    let sql = path.join("supabase/pgtap.sql").to_str().unwrap().to_owned();
    let test = || {
        let mut arguments = vec!["dev", "--test", "--project", &project, "--data-dir", &data, "--pgtap-sql", &sql];
        arguments.extend(PORTS);
        let output = rowlock(&arguments).output().unwrap();
        told(&output).replace(&project, "<project>")
    };
    insta::assert_snapshot!(test(), @"
    exit: 0
    --- stdout
    ✓ <project>/supabase/tests/database/tasks.test.sql: 1 tests
    1 files: 1 tests passed, 0 failed
    --- stderr
    ");
    write(path, "tests/database/tasks.test.sql", &counted(4));
    assert!(test().starts_with("exit: 1\n"), "a test that fails is seen by whoever runs it");
    // In the one that runs, as it is: the data of a stack can be had by one server alone.
    let (server, ready) = dev_on_project(path, &[]);
    assert_eq!(served(&ready, "tasks?select=id&order=id"), "[{\"id\":1}, \n {\"id\":2}]");
    assert!(test().starts_with("exit: 1\n"));
    write(path, "tests/database/tasks.test.sql", &counted(3));
    assert!(test().starts_with("exit: 0\n"));
    drop(server);
}

#[test]
fn trigger_without_a_running_emulator_says_what_to_do() {
    let output = rowlock(&["trigger", "user.created", "--data-dir", "nowhere"]).output().unwrap();
    insta::assert_snapshot!(told(&output), @"
    exit: 1
    --- stdout
    --- stderr
    error: no emulator runs here: there is no `nowhere/dev.json`
      hint:  start `rowlock dev` or `rowlock clerk` in this directory, or name one with --emulator and --secret-key
    ");
}
