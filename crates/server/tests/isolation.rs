//! Two organizations, and what one of them can learn of the other: nothing.
//!
//! Looking for the other's words in answers would find what is shown, and not what can be told from a count, an error or an empty
//! page. So there are two servers. On one the other organization has rows; on the other it never existed. Whatever is asked, the
//! two must answer alike, byte for byte.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reqwest::Method;
use server::ROUTES;

use crate::support::{Answer, TestServer, eventually, session};

const SCHEMA: &str = "
    create table public.boats (
      id uuid primary key default gen_random_uuid(), org_id text not null default clerk.org_id(), name text not null,
      seats integer not null default 1, unique (org_id, name)
    );
    create table public.rowers (
      id uuid primary key default gen_random_uuid(), org_id text not null default clerk.org_id(), name text not null,
      boat_id uuid references public.boats on delete cascade
    );
    create table public.trips (boat_id uuid references public.boats, rower_id uuid references public.rowers,
      org_id text not null default clerk.org_id(), primary key (boat_id, rower_id));
    do $$
    declare
      name text;
    begin
      foreach name in array array['boats', 'rowers', 'trips'] loop
        execute format('alter table public.%I enable row level security', name);
        execute format('create policy own on public.%I to authenticated using (org_id = (select clerk.org_id()))
          with check (org_id = (select clerk.org_id()))', name);
        execute format('grant select, insert, update, delete on public.%I to authenticated', name);
        execute format('create index on public.%I (org_id)', name);
      end loop;
    end
    $$;
    create view public.large_boats with (security_invoker = true) as select * from public.boats where seats > 4;
    grant select, insert, update, delete on public.large_boats to authenticated;
    create function public.boats_named(pattern text) returns setof public.boats language sql stable as $$
      select * from public.boats where name like pattern $$;
    create function public.seats() returns bigint language sql stable as $$ select sum(seats) from public.boats $$;
    create function public.sink(boat_name text) returns integer language plpgsql as $$
      declare gone integer;
      begin
        delete from public.boats where name = boat_name;
        get diagnostics gone = row_count;
        return gone;
      end $$;
    create function public.initial(boat public.boats) returns text language sql stable as $$ select left(boat.name, 1) $$;
    create function public.crew(boat public.boats) returns setof public.rowers language sql stable as $$
      select * from public.rowers where boat_id = boat.id $$;
";

/// What org_b has, on both servers.
const OURS: &str = "
    insert into public.boats (id, org_id, name, seats) values
      ('00000000-0000-0000-0000-0000000000b1', 'org_b', 'Bess', 2), ('00000000-0000-0000-0000-0000000000b2', 'org_b', 'Bella', 8);
    insert into public.rowers (id, org_id, name, boat_id) values
      ('00000000-0000-0000-0000-0000000000c1', 'org_b', 'Bob', '00000000-0000-0000-0000-0000000000b1');
    insert into public.trips values ('00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000c1', 'org_b');
";

/// What org_a has, on one of them: enough for the planner to notice.
const THEIRS: &str = "
    insert into public.boats (id, org_id, name, seats)
      select ('00000000-0000-0000-0000-' || lpad(number::text, 12, 'a'))::uuid, 'org_a', 'Anna ' || number, number % 8 + 1
      from generate_series(1, 2000) as number;
    insert into public.rowers (id, org_id, name, boat_id) select gen_random_uuid(), 'org_a', 'Ada', id from public.boats where org_id = 'org_a';
    insert into public.trips (boat_id, rower_id, org_id) select boat_id, id, org_id from public.rowers where org_id = 'org_a';
";

/// A boat and a name of theirs.
const THEIR_BOAT: &str = "00000000-0000-0000-0000-aaaaaaaaaaa7";

async fn server(neighbours: bool) -> TestServer {
    let server = TestServer::start().await;
    server.execute(SCHEMA).await;
    if neighbours {
        server.execute(THEIRS).await;
    }
    server.execute(OURS).await;
    server.execute("analyze; notify pgrst").await;
    eventually("the tables are served", async || {
        server.execute("notify pgrst").await;
        server.get("/rest/v1/boats").await.status == 401
    })
    .await;
    server
}

/// Method, address, headers and body.
type Asked = (Method, String, Vec<(&'static str, &'static str)>, String);

/// Everything that can be asked: method, address, headers, body. The order matters: writes come last.
fn requests() -> Vec<Asked> {
    let mut all = Vec::new();
    let mut ask = |method: Method, path: &str, headers: &[(&'static str, &'static str)], body: &str| {
        let path = path.replace("<theirs>", THEIR_BOAT);
        all.push((method, format!("/rest/v1/{path}"), headers.to_vec(), body.replace("<theirs>", THEIR_BOAT)));
    };
    let reads = [
        "boats?order=name",
        "boats?id=eq.<theirs>",
        "boats?name=like.Anna*",
        "boats?or=(org_id.eq.org_a,seats.gt.100)",
        "boats?select=name,rowers(name),initial&order=name",
        "boats?select=name,crew(name)&order=name",
        "rowers?select=name,boats!inner(name)",
        "boats?select=name,rowers!trips(name)&order=name",
        "rowers?select=...boats(boat:name)",
        "trips?select=*,boats(*),rowers(*)",
        "boats?limit=1&offset=1&order=name",
        "boats?offset=50",
        "large_boats?select=name",
        "boats_missing",
        "boats?select=nothing",
        "boats?seats=eq.x",
        "rpc/boats_named?pattern=*",
        "rpc/boats_named?pattern=Anna*",
        "rpc/seats",
        "rpc/boats_named?pattern=*&select=name,rowers(name)&order=name",
        "rpc/seatz",
    ];
    let ways: [&[(&str, &str)]; 9] = [
        &[],
        &[("prefer", "count=exact")],
        &[("prefer", "count=planned")],
        &[("prefer", "count=estimated")],
        &[("range", "5-9"), ("prefer", "count=exact")],
        &[("accept", "application/vnd.pgrst.object+json")],
        &[("accept", "text/csv")],
        &[("accept", "application/vnd.pgrst.plan+json")],
        &[("accept-profile", "clerk")],
    ];
    for path in reads {
        for way in ways {
            ask(Method::GET, path, way, "");
            ask(Method::HEAD, path, way, "");
        }
        ask(Method::OPTIONS, path, &[], "");
    }
    ask(Method::GET, "", &[], "");
    ask(Method::GET, "", &[("accept", "application/openapi+json")], "");
    ask(Method::OPTIONS, "", &[], "");
    let whole: &[(&str, &str)] = &[("prefer", "return=representation, count=exact")];
    ask(Method::POST, "rpc/seats", &[], "{}");
    ask(Method::POST, "rpc/boats_named?order=name", whole, r#"{"pattern":"%"}"#);
    ask(Method::PATCH, "boats?id=eq.<theirs>", whole, r#"{"name":"taken"}"#);
    ask(Method::PATCH, "boats?org_id=eq.org_a", whole, r#"{"seats":1}"#);
    ask(Method::PATCH, "boats?id=eq.<theirs>", &[("accept", "application/vnd.pgrst.object+json")], r#"{"seats":1}"#);
    ask(Method::PATCH, "boats?name=eq.Bess", whole, r#"{"org_id":"org_a"}"#);
    ask(Method::DELETE, "boats?id=eq.<theirs>", whole, "");
    ask(Method::DELETE, "boats?name=like.Anna*", &[("prefer", "count=exact")], "");
    ask(Method::DELETE, "large_boats?name=like.Anna*", whole, "");
    ask(Method::POST, "boats?select=name,org_id", whole, r#"{"name":"Anna 7","org_id":"org_a"}"#);
    ask(Method::POST, "boats?select=name,org_id", whole, r#"{"name":"Anna 7"}"#);
    ask(
        Method::POST,
        "boats?select=name&on_conflict=org_id,name",
        &[("prefer", "return=representation, resolution=merge-duplicates")],
        r#"{"name":"Anna 8","seats":3}"#,
    );
    ask(
        Method::POST,
        "boats?select=name&on_conflict=org_id,name",
        &[("prefer", "return=representation, resolution=ignore-duplicates")],
        r#"{"name":"Anna 9"}"#,
    );
    ask(
        Method::PUT,
        "boats?id=eq.00000000-0000-0000-0000-0000000000b1&select=name",
        whole,
        r#"{"id":"00000000-0000-0000-0000-0000000000b1","name":"Bess","org_id":"org_b","seats":3}"#,
    );
    ask(Method::POST, "rpc/sink", &[], r#"{"boat_name":"Anna 10"}"#);
    ask(Method::DELETE, "boats?select=name&order=name", whole, "");
    all
}

/// Everything that a caller gets, but for what differs between any two requests.
async fn told(server: &TestServer, token: &str, request: &Asked) -> String {
    let (method, path, headers, body) = request;
    let mut asked = server.request(method.clone(), path).header("authorization", token);
    for (name, value) in headers {
        asked = asked.header(*name, *value);
    }
    let answer = Answer::to(asked.body(body.clone())).await;
    let mut text = answer.status.as_u16().to_string();
    let mut names: Vec<_> =
        answer.headers.keys().filter(|name| !["date", "x-request-id"].contains(&name.as_str())).collect();
    names.sort_by_key(|name| name.as_str().to_owned());
    for name in names {
        write!(text, "\n{name}: {}", answer.headers[name].to_str().unwrap()).unwrap();
    }
    format!("{text}\n\n{}", answer.text)
}

#[tokio::test]
async fn a_neighbour_cannot_be_told_from_nobody() {
    let (with, without) = (server(true).await, server(false).await);
    let token = session()
        .claim("sub", "user_bob")
        .claim("o", serde_json::json!({ "id": "org_b", "rol": "admin", "slg": "b" }))
        .bearer();
    let mut seen = BTreeSet::new();
    let mut succeeded = 0;
    for request in requests() {
        let (one, other) = (told(&with, &token, &request).await, told(&without, &token, &request).await);
        assert_eq!(one, other, "{} {} {:?}", request.0, request.1, request.2);
        for word in ["org_a", "Anna 7", "Ada"] {
            let said_by_bob = request.1.contains(word) || request.3.contains(word);
            assert!(said_by_bob || !one.contains(word), "{} {}: {one}", request.0, request.1);
        }
        succeeded += usize::from(one.starts_with('2'));
        let path = if request.1 == "/rest/v1/" { "/rest/v1/" } else { "/rest/v1/{*path}" };
        seen.insert((request.0.to_string(), path));
    }
    // Refusals alone would be alike, too.
    assert!(succeeded > 150, "{succeeded}");
    let missing: Vec<String> = ROUTES
        .iter()
        .filter(|route| route.path.starts_with("/rest/v1") && !seen.contains(&(route.method.to_string(), route.path)))
        .map(|route| format!("{route:?}"))
        .collect();
    assert!(missing.is_empty(), "routes of the data API that are not in the list above: {missing:?}");
    // And nothing of theirs was lost.
    assert_eq!(with.rows("select count(*) as n from public.boats where org_id = 'org_a'").await[0]["n"], 2000);
}

/// What cannot be helped: a key that is unique over all organizations says that it is taken, whoever has it. It says no more.
#[tokio::test]
async fn a_key_that_is_unique_over_all_tells_that_it_is_taken_and_nothing_else() {
    let server = server(true).await;
    let token = session().claim("o", serde_json::json!({ "id": "org_b", "rol": "admin", "slg": "b" })).bearer();
    let body = format!(r#"{{"id":"{THEIR_BOAT}","name":"x"}}"#);
    let plain = (Method::POST, "/rest/v1/boats".to_owned(), vec![], body.clone());
    let merging = (Method::POST, "/rest/v1/boats".to_owned(), vec![("prefer", "resolution=merge-duplicates")], body);
    for request in [plain, merging] {
        let told = told(&server, &token, &request).await;
        assert!(told.starts_with("409") || told.starts_with("403"), "{told}");
        assert!(!told.contains("Anna") && !told.contains("org_a"), "{told}");
    }
}

/// Functions that a careless or hostile author has put into the schema, and what the next caller on the connection finds.
#[tokio::test]
async fn nothing_that_a_request_does_reaches_the_next_one_on_its_connection() {
    let server = TestServer::with(|config| config.client_connections = 1).await;
    server
        .execute(
            "create function public.state() returns jsonb language sql stable as $$
               select jsonb_build_object('user', current_user, 'session', session_user, 'path', current_setting('search_path'),
                 'claims', current_setting('request.jwt.claims', true), 'mine', coalesce(current_setting('my.own', true), ''),
                 'timeout', current_setting('statement_timeout'), 'zone', current_setting('timezone'),
                 'temporary', (select count(*) from pg_class where relpersistence = 't'),
                 'locks', (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
                 'listens', (select count(*) from pg_listening_channels()),
                 'cursors', (select count(*) from pg_cursors where is_holdable)) $$;
             create function public.run(statement text) returns void language plpgsql as $$ begin execute statement; end $$;
             grant create on schema public to authenticated; notify pgrst",
        )
        .await;
    let bob = session().claim("sub", "user_bob").bearer();
    let state =
        async || Answer::to(server.request(Method::GET, "/rest/v1/rpc/state").header("authorization", &bob)).await;
    eventually("the functions are served", async || {
        server.execute("notify pgrst").await;
        state().await.status == 200
    })
    .await;
    let before = state().await.text;
    assert!(before.contains("user_bob") && before.contains("authenticated"), "{before}");
    let mallory = session().claim("sub", "user_mallory").bearer();
    for statement in [
        "set role anon",
        "set session authorization default",
        "reset role",
        "set search_path to pg_catalog",
        "set session my.own = 'left'",
        "select set_config('request.jwt.claims', '{\"sub\":\"user_ada\"}', false)",
        "select set_config('role', 'anon', false)",
        "set statement_timeout = 1",
        "set timezone = 'Asia/Tokyo'",
        "create temporary table boats (id int)",
        "select pg_advisory_lock(1)",
        "listen everything",
        "declare held cursor with hold for select 1",
        "deallocate all",
        "discard plans",
        "set local role none",
        "prepare p as select 1",
        "commit",
        "rollback",
        "select pg_sleep(0); select 1/0",
        "set role service_role",
        "set role postgres",
        "set session authorization postgres",
        "alter role authenticated set my.own = 'left'",
    ] {
        let body = serde_json::json!({ "statement": statement }).to_string();
        let request = server.request(Method::POST, "/rest/v1/rpc/run").header("authorization", &mallory).body(body);
        let answer = Answer::to(request).await;
        assert_eq!(state().await.text, before, "after `{statement}`, which was answered {answer}");
    }
    // Preferences are for one request, too.
    let request = server.request(Method::GET, "/rest/v1/rpc/state").header("authorization", &mallory);
    Answer::to(request.header("prefer", "timezone=Asia/Tokyo")).await;
    assert_eq!(state().await.text, before);
}
