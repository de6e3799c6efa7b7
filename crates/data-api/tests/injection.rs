//! Requests that want to become SQL, against a live database.
//!
//! Thousands of them, made of the language's own pieces and of what breaks out of quotes, in every place that a request has. Whatever
//! becomes of one, the text that Postgres was sent must still be a statement of ours: nothing that was not asked for has happened, and
//! Postgres has never found a mistake in its syntax. A mistake is how a successful escape begins.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Request;
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};

use crate::support::{Harbour, token};

/// More in a long run: `ROWLOCK_INJECTIONS=100000 cargo test -p data-api injection`.
const REQUESTS: usize = 4000;

/// What would be seen if anything were run: a bell that no rollback makes unheard, and that rings as an error where nothing may be
/// written. It is reached over SQL, and not over the API.
const BELL: &str = "
    create schema cellar;
    grant usage on schema cellar to anon, authenticated;
    create sequence cellar.bell;
    create function cellar.trip() returns text language sql volatile security definer as $$
      select nextval('cellar.bell')::text $$;
";

/// What breaks out of somewhere.
const HOSTILE: &[&str] = &[
    "'",
    "''",
    "\"",
    "\"\"",
    "\\",
    "\\'",
    ";",
    "--",
    "/*",
    "*/",
    "$$",
    "$1",
    "$tag$",
    "\0",
    "\n",
    "\u{2019}",
    "\u{ff07}",
    "\u{0}",
    "%00",
    "%27",
    "%22",
    ")",
    "(",
    "')",
    "\")",
    "'; select cellar.trip(); --",
    "\"; select cellar.trip(); --",
    "1; select cellar.trip()",
    "') or cellar.trip() is not null --",
    "\" from harbour.ships where cellar.trip() is not null --",
    "{\"'\"}",
    "{a,b",
    "]",
    "[",
    "::text",
    "::cellar.trip",
    "cellar.trip()",
    "E'\\''",
    "U&'\\0027'",
    "(select cellar.trip())",
    "null",
    "-1",
    "99999999999999999999",
    "\u{1f6a3}",
    "a\u{301}",
    "//",
    "..",
    "*",
];

/// What a request is made of.
const PIECES: &[&str] = &[
    "id",
    "name",
    "captain_id",
    "ships",
    "captains",
    "ports",
    "secrets",
    "harbour",
    "select",
    "order",
    "limit",
    "offset",
    "and",
    "or",
    "not",
    "on_conflict",
    "columns",
    "eq",
    "neq",
    "in",
    "is",
    "like",
    "ilike",
    "match",
    "fts",
    "plfts(english)",
    "cs",
    "cd",
    "ov",
    "any",
    "all",
    "isdistinct",
    "asc",
    "desc.nullsfirst",
    "count()",
    "sum()",
    "inner",
    "left",
    "papers->a->>b",
    "papers->0",
    "tonnage",
    "flag",
    "text",
    "int",
    "json",
];

const GLUE: &[&str] = &[
    "=", "=eq.", "=in.(", ".", ",", "(", ")", ":", "::", "!", "->", "->>", "&", "...", "\"", "=not.", "=or.(", "{",
    "}", "",
];

const HEADERS: &[&str] =
    &["prefer", "accept-profile", "content-profile", "range", "accept", "content-type", "x-anything", "cookie"];

const LINES: &[(&str, &str)] = &[
    ("GET", "/ships"),
    ("GET", "/captains"),
    ("GET", "/rpc/ships_of?captain=1"),
    ("HEAD", "/ships"),
    ("POST", "/ships"),
    ("POST", "/rpc/christen"),
    ("PATCH", "/ships"),
    ("PUT", "/ships"),
    ("DELETE", "/ships"),
    ("GET", "/secrets"),
    ("GET", "/"),
];

struct Dice(TestRng);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.0.next_u32()).unwrap() % bound
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// Pieces, glue and what breaks out.
    fn text(&mut self, longest: usize) -> String {
        let mut text = String::new();
        for _ in 0..=self.below(longest) {
            let list = [PIECES, GLUE, HOSTILE][self.below(3)];
            text.push_str(self.pick(list));
        }
        text
    }

    fn body(&mut self) -> String {
        match self.below(5) {
            0 => self.text(6),
            1 => format!("{},{}\n{},{}", self.text(2), self.text(2), self.text(2), self.text(2)),
            2 => format!("{}={}&{}={}", self.text(2), self.text(2), self.text(2), self.text(2)),
            _ => {
                let mut object = serde_json::Map::new();
                for _ in 0..=self.below(3) {
                    let key = if self.below(2) == 0 { self.pick(PIECES).to_owned() } else { self.text(3) };
                    object.insert(key, self.text(3).into());
                }
                serde_json::Value::Object(object).to_string()
            }
        }
    }

    /// None when it is no HTTP.
    fn request(&mut self, token: &str) -> Option<Request<Bytes>> {
        let (method, path) = LINES[self.below(LINES.len())];
        let path = if self.below(8) == 0 { format!("/{}", encoded(&self.text(3))) } else { path.to_owned() };
        let mut query = String::new();
        for _ in 0..self.below(4) {
            let separator = if query.is_empty() && !path.contains('?') { '?' } else { '&' };
            // Names and values apart, so that many are understood; and sometimes anything at all.
            let parameter = match self.below(6) {
                0 => encoded(&self.text(8)),
                1 => format!("select={}", encoded(&self.text(6))),
                2 => format!("order={}", encoded(&self.text(4))),
                3 => format!("or=({})", encoded(&self.text(6))),
                4 => {
                    format!("{}={}.{}", encoded(self.pick(PIECES)), encoded(self.pick(PIECES)), encoded(&self.text(3)))
                }
                _ => format!("{}=eq.{}", encoded(&self.text(2)), encoded(&self.text(3))),
            };
            write!(query, "{separator}{parameter}").unwrap();
        }
        let mut request = Request::builder().method(method).uri(format!("{path}{query}"));
        for _ in 0..self.below(3) {
            let name = HEADERS[self.below(HEADERS.len())];
            let value = match (name, self.below(2)) {
                ("prefer", 0) => "return=representation, count=planned".to_owned(),
                ("content-type", 0) => "text/csv".to_owned(),
                _ => self.text(3),
            };
            request = request.header(name, http::HeaderValue::from_bytes(value.as_bytes()).ok()?);
        }
        if self.below(2) == 0 {
            request = request.header("authorization", token);
        }
        request.body(Bytes::from(self.body())).ok()
    }
}

/// As clients do it; what is encoded already stays, to be decoded twice by whoever does that.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace("%25", "%").replace('+', "%20")
}

#[tokio::test]
async fn no_part_of_a_request_becomes_sql() {
    let harbour = Harbour::open_with(&[("DB_PLAN_ENABLED", "true"), ("DB_TX_END", "rollback")]).await;
    let owner = harbour.database.owner.get().await.unwrap();
    owner.batch_execute(BELL).await.unwrap();
    harbour.api.reload().await.unwrap();
    let count = async |statement: &str| owner.query_one(statement, &[]).await.unwrap().get::<_, i64>(0);
    let relations = "select count(*) from pg_class where relnamespace::regnamespace::text !~ '^pg_'";
    let relations_before = count(relations).await;
    let token = token(r#"{"role":"authenticated","sub":"mallory"}"#);
    let mut dice = Dice(TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let wanted = std::env::var("ROWLOCK_INJECTIONS").map_or(REQUESTS, |number| number.parse().unwrap());
    let (mut asked, mut reached, mut answered) = (0, 0, 0);
    while asked < wanted {
        let Some(request) = dice.request(&token) else { continue };
        asked += 1;
        let line = format!("{request:?}");
        let answer = harbour.api.answer(request).await;
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        let code = serde_json::from_str::<serde_json::Value>(&body)
            .ok()
            .and_then(|body| body["code"].as_str().map(str::to_owned));
        let is_ours = code.as_deref().is_some_and(|code| code.starts_with("PGRST"));
        reached += usize::from(!is_ours);
        answered += usize::from(answer.status().is_success());
        // Mistakes in a search or a pattern, which are languages of their own, and a name of no letters: quoted, it is still a name.
        let own_language = ["tsquery", "regular expression", "zero-length delimited identifier"];
        let is_harmless = own_language.iter().any(|words| body.contains(words));
        assert!(code.as_deref() != Some("42601") || is_harmless, "a mistake in the syntax: {line}\n{body}");
        assert!(answer.status().as_u16() != 500 && !body.contains("nextval"), "{line}\n{body}");
    }
    // Requests that end before they reach Postgres prove nothing.
    assert!(
        reached > asked / 10 && answered > asked / 50,
        "{asked} asked, {reached} reached Postgres, {answered} answered"
    );
    let rung = owner.query_one("select is_called from cellar.bell", &[]).await.unwrap().get::<_, bool>(0);
    assert!(!rung, "something was run");
    assert_eq!(count(relations).await, relations_before);
}
