//! `rowlock deletion`: from a section in the file to the proof that somebody is erased.

use std::path::PathBuf;

use insta::assert_snapshot;
use mirror::deletion::Deletions;
use postgres::testing::TestDatabase;

use crate::support::{rowlock, told};

struct Shop {
    database: TestDatabase,
    config: PathBuf,
    _directory: tempfile::TempDir,
}

impl Shop {
    async fn start(config: &str) -> Self {
        let database = TestDatabase::create().await;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rowlock.toml");
        std::fs::write(&path, config).unwrap();
        let shop = Self { database, config: path, _directory: directory };
        shop.execute(
            "create table notes (id int primary key, owner_id text, gone_at timestamptz);
             create index on notes (owner_id);
             create table orders (id int primary key, buyer text, address text);
             insert into notes select n, 'user_ada' from generate_series(1, 3) as n;
             insert into orders select n, 'user_ada', 'Main Street' from generate_series(1, 2) as n",
        )
        .await;
        shop
    }

    async fn execute(&self, statement: &str) {
        self.database.owner.get().await.unwrap().batch_execute(statement).await.unwrap();
    }

    /// As a webhook would.
    async fn delete(&self, user: &str) {
        self.execute(&format!(
            "insert into clerk.users (id, clerk_updated_at, event_at, delivery_id, source, deleted_at, synced_at)
             values ('{user}', 0, 0, 'msg', 'webhook', '2026-11-22 00:00:00Z', now())"
        ))
        .await;
    }

    /// What the command says, without the times of today.
    fn run(&self, arguments: &[&str]) -> String {
        let mut all = vec!["deletion"];
        all.extend(arguments);
        if matches!(arguments[0], "apply" | "plan") {
            all.extend(["--config", self.config.to_str().unwrap()]);
        }
        told(&rowlock(&all).env("DATABASE_URL", self.database.url.expose()).output().unwrap())
    }
}

const RULES: &str = r#"
[[deletion]]
table = "notes"
column = "owner_id"
of = "user"
action = "soft"
mark = "gone_at"

[[deletion]]
table = "public.orders"
column = "buyer"
of = "user"
action = "anonymise"
clear = ["address"]
"#;

#[tokio::test]
async fn rules_are_rehearsed_applied_undone_and_proved() {
    let shop = Shop::start(RULES).await;
    assert_snapshot!(shop.run(&["plan", "--user", "user_ada"]), @"
    exit: 0
    --- stdout
     table and column       action     when        rows
     public.notes.owner_id  soft       at once     3
     public.orders.buyer    anonymise  after 72 h  2
    --- stderr
    warning: `public.orders` has no index that begins with `buyer`: every deletion reads the whole table
    ");
    assert_snapshot!(shop.run(&["apply"]), @"
    exit: 0
    --- stdout
    public.notes.owner_id of user (soft): at once
    public.orders.buyer of user (anonymise): after 72 h
    2 rules are in force for what is deleted from now on
    --- stderr
    warning: `public.orders` has no index that begins with `buyer`: every deletion reads the whole table
    ");
    assert_snapshot!(shop.run(&["list"]), @"
    exit: 0
    --- stdout
    no such deletions
    --- stderr
    ");
    assert_snapshot!(shop.run(&["report", "user_ada"]), @"
    exit: 0
    --- stdout
    user_ada: Clerk has not deleted it since there are rules
     what is left           rows  note
     public.notes.owner_id  3     soft
     public.orders.buyer    2     anonymise
     bodies of deliveries   0     what Clerk said in them
     deliveries             0     ids, types and times
     audit trail            0     ids and names of columns
     revocations            0     ids and times
    --- stderr
    ");
    shop.delete("user_ada").await;
    let deletions = Deletions::new(shop.database.owner.clone());
    while deletions.work_once().await.unwrap() {}
    assert_snapshot!(shop.run(&["plan"]), @"
    exit: 0
    --- stdout
    1 deletions are held; 2 rules
     table and column       action     when        rows
     public.notes.owner_id  soft       at once     0
     public.orders.buyer    anonymise  after 72 h  2
    --- stderr
    warning: `public.orders` has no index that begins with `buyer`: every deletion reads the whole table
    ");
    assert_snapshot!(shop.run(&["undo", "1"]), @"
    exit: 0
    --- stdout
    cancelled   public.orders.buyer
    cancelled   rowlock.inbox
    restored    public.notes.owner_id: 3 rows
    --- stderr
    ");
    assert_snapshot!(shop.run(&["undo", "1"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: deletion 1 was undone already
      hint:  `rowlock deletion report <id>` says what was done
    ");
    assert_snapshot!(shop.run(&["undo", "7"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: there is no deletion 7; `rowlock deletion list` shows those there are
      hint:  `rowlock deletion report <id>` says what was done
    ");
    assert_snapshot!(shop.run(&["retry", "1"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: nothing of deletion 1 waits to be tried again
      hint:  `rowlock deletion list --state dead` and `--state failed` show those that do
    ");
    let report = shop.run(&["report", "user_ada", "--json"]);
    let json: serde_json::Value = serde_json::from_str(report.lines().nth(2).unwrap()).unwrap();
    assert_eq!(json["deletion"]["steps"][0]["state"], "undone");
    assert_eq!(
        json["application"][1],
        serde_json::json!({ "table": "public.orders.buyer", "rows": 2, "live": null, "note": "anonymise" })
    );
}

#[tokio::test]
async fn what_was_done_is_gone_and_too_late_is_said() {
    let shop = Shop::start(&RULES.replace("clear = [\"address\"]", "clear = [\"address\"]\nhold = \"0s\"")).await;
    shop.run(&["apply"]);
    shop.delete("user_ada").await;
    let deletions = Deletions::new(shop.database.owner.clone());
    while deletions.work_once().await.unwrap() {}
    assert_snapshot!(shop.run(&["undo", "1"]), @"
    exit: 1
    --- stdout
    cancelled   rowlock.inbox
    restored    public.notes.owner_id: 3 rows
    gone        public.orders.buyer (2 rows)
    --- stderr
    ");
    shop.delete("user_bob").await;
    shop.execute("update rowlock.deletions set held_until = now()").await;
    assert_snapshot!(shop.run(&["undo", "2"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: deletion 2 cannot be undone any more: its hold is over
      hint:  `rowlock deletion report <id>` says what was done
    ");
}

#[tokio::test]
async fn sections_that_cannot_be_are_refused_with_what_is_wrong() {
    let sections = [
        "[[deletion]]\ntable = 'notes'",
        "[[deletion]]\ntable = 'notes'\ncolumn = 'owner_id'\nof = 'cat'\naction = 'keep'",
        "[[deletion]]\ntable = 'notes'\ncolumn = 'owner_id'\nof = 'user'\naction = 'keep'\nholt = '1h'",
        "[[deletion]]\ntable = 'notes'\ncolumn = 'owner_id'\nof = 'user'\naction = 'cascade'\nhold = '3 days'",
        "[[deletion]]\ntable = 'notes'\ncolumn = 'owner_id'\nof = 'user'\naction = 'soft'",
        "[[deletion]]\ntable = 'notes'\ncolumn = 'owner_id'\nof = 'user'\naction = 'anonymise'",
        "[[deletion]]\ntable = 'notes'\ncolumn = 'owner_id'\nof = 'user'\naction = 'anonymise'\nset = { id = 1.5 }",
        "[[deletion]]\ntable = 'a.b.c'\ncolumn = 'owner_id'\nof = 'user'\naction = 'keep'",
        "[erasure]\nhold = 'a while'",
        "[[deletion]]\ntable = 'nots'\ncolumn = 'owner_id'\nof = 'user'\naction = 'cascade'",
    ];
    let shop = Shop::start("").await;
    let mut said = String::new();
    for section in sections {
        std::fs::write(&shop.config, section).unwrap();
        let output = shop.run(&["apply"]).replace(shop.config.to_str().unwrap(), "rowlock.toml");
        said += output.split("--- stderr\n").nth(1).unwrap();
    }
    assert_snapshot!(said, @"
    error: `rowlock.toml` is not a configuration
      cause: missing field `column`
    in `deletion`

    error: `rowlock.toml` is not a configuration
      cause: unknown variant `cat`, expected `user` or `organization`
    in `deletion.of`

    error: `rowlock.toml` is not a configuration
      cause: unknown field `holt`, expected one of `table`, `column`, `of`, `action`, `hold`, `mark`, `clear`, `set`
    in `deletion`

    error: [[deletion]] cannot be used: of table `notes`: hold: found `3 days`; expected a number and s, m, h or d, such as `72h`, up to 3650d
    error: [[deletion]] cannot be used: of table `notes`: a soft deletion needs `mark`, the column that says since when a row is deleted
    error: [[deletion]] cannot be used: of table `notes`: an anonymisation needs `clear` or `set`: columns to empty or to overwrite
    error: [[deletion]] cannot be used: of table `notes`: `set.id` is a float; expected text, a whole number, true or false
    error: [[deletion]] cannot be used: of table `a.b.c`: expected `table` or `schema.table`
    error: erasure.hold cannot be used: found `a while`; expected a number and s, m, h or d, such as `72h`, up to 3650d
    error: the [[deletion]] sections do not fit the database: there is no table `public.nots`; there are: public.notes, public.orders
    ");
}
