//! What follows from a deletion, in an application's own tables.

use std::time::Duration;

use mirror::Outcome;
use mirror::deletion::{Action, DeletionFilter, DeletionPolicy, Deletions, Rule, RuleError, Subject, UndoError};
use serde_json::{Value, json};
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::support::{Test, deleted, event, organization, user};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Fail-points belong to the process: whoever sets one works alone.
static FAIL_POINTS: RwLock<()> = RwLock::const_new(());

struct App {
    _in_company: Option<RwLockReadGuard<'static, ()>>,
    test: Test,
    deletions: Deletions,
}

impl App {
    async fn start() -> Self {
        Self { _in_company: Some(FAIL_POINTS.read().await), ..Self::alone().await }
    }

    /// For whoever holds the fail-points.
    async fn alone() -> Self {
        let test = Test::start().await;
        test.execute(
            "create table public.notes (id bigint generated always as identity primary key, owner_id text, title text, deleted_at timestamptz);
             create index on public.notes (owner_id);
             create table public.profiles (tenant integer, id integer, user_id varchar(64) not null, name text not null, email text, age integer, primary key (tenant, id));
             insert into public.notes (owner_id, title) select 'user_ada', 'a' || n from generate_series(1, 5) as n;
             insert into public.notes (owner_id, title) select 'user_bob', 'b' || n from generate_series(1, 3) as n;
             insert into public.profiles select n, n, 'user_ada', 'Ada', 'ada@example.com', 36 from generate_series(1, 3) as n",
        )
        .await;
        let deletions = Deletions::new(test.database.owner.clone());
        Self { _in_company: None, test, deletions }
    }

    async fn apply(&self, rules: Vec<Rule>, hold: Duration) {
        self.deletions.apply(&DeletionPolicy { rules, hold }).await.unwrap();
    }

    async fn delete_ada(&self) {
        self.test.deliver(&event("user.created", 1, &user("user_ada", 1, "Ada"))).await;
        let gone = event("user.deleted", 2, &deleted("user_ada", "user"));
        assert_eq!(self.test.deliver(&gone).await, Outcome::Applied);
    }

    /// Works until nothing is due; how many batches there were.
    async fn work(&self) -> usize {
        let mut batches = 0;
        while self.deletions.work_once().await.unwrap() {
            batches += 1;
            assert!(batches < 100, "it never ends");
        }
        batches
    }

    /// As if so much time had passed.
    async fn later(&self, interval: &str) {
        self.test
            .execute(&format!(
                "update rowlock.deletion_steps set next_attempt_at = next_attempt_at - interval '{interval}';
                 update rowlock.deletions set held_until = held_until - interval '{interval}'"
            ))
            .await;
    }

    /// State, rows and reason of every step.
    async fn steps(&self) -> Value {
        self.test.value("select rule, state, rows, reason from rowlock.deletion_steps order by position, rule").await
    }

    async fn count(&self, what: &str) -> i64 {
        self.test.value(&format!("select count(*) as number from {what}")).await[0]["number"].as_i64().unwrap()
    }
}

fn rule(table: &str, column: &str, action: Action, hold: Duration) -> Rule {
    let (table, column) = (table.to_owned(), column.to_owned());
    Rule { schema: "public".to_owned(), table, column, subject: Subject::User, action, hold }
}

fn notes(action: Action, hold: Duration) -> Rule {
    rule("notes", "owner_id", action, hold)
}

fn soft() -> Action {
    Action::Soft { column: "deleted_at".to_owned() }
}

fn anonymise(constants: Value) -> Action {
    Action::Anonymise { constants: serde_json::from_value(constants).unwrap() }
}

fn step(rule: &str, state: &str, rows: i64, reason: Value) -> Value {
    json!({ "rule": rule, "state": state, "rows": rows, "reason": reason })
}

#[tokio::test]
async fn nothing_happens_during_the_hold_and_everything_after_it() {
    let app = App::start().await;
    app.apply(vec![notes(Action::Cascade, 72 * HOUR)], 72 * HOUR).await;
    app.delete_ada().await;
    assert_eq!(app.work().await, 0);
    assert_eq!(app.count("notes").await, 8);
    app.later("71 hours").await;
    assert_eq!(app.work().await, 0);
    app.later("1 hour").await;
    assert_eq!(app.work().await, 2, "the table, and the bodies");
    assert_eq!(app.count("notes where owner_id = 'user_ada'").await, 0);
    assert_eq!(app.count("notes").await, 3, "what is Bob's stays");
    let expected =
        json!([step("public.notes.owner_id", "done", 5, Value::Null), step("rowlock.inbox", "done", 2, Value::Null)]);
    assert_eq!(app.steps().await, expected);
    assert_eq!(app.work().await, 0);
}

#[tokio::test]
async fn every_action_does_what_it_says() {
    let app = App::start().await;
    let constants = json!({ "name": "it's nobody", "email": null, "age": 0 });
    app.apply(
        vec![notes(soft(), Duration::ZERO), rule("profiles", "user_id", anonymise(constants), Duration::ZERO)],
        HOUR,
    )
    .await;
    app.test.execute("update notes set deleted_at = '2020-01-01' where id = 1").await;
    app.delete_ada().await;
    app.work().await;
    assert_eq!(
        app.count("notes where owner_id = 'user_ada' and deleted_at > '2021-01-01'").await,
        4,
        "one was deleted before"
    );
    let profiles = app.test.value("select distinct user_id, name, email, age from profiles").await;
    assert_eq!(profiles, json!([{ "user_id": "user_ada", "name": "it's nobody", "email": null, "age": 0 }]));

    app.apply(vec![rule("profiles", "user_id", Action::Keep, Duration::ZERO)], HOUR).await;
    app.test.execute("update profiles set user_id = 'org_acme'").await;
    let mut kept = rule("profiles", "user_id", Action::Keep, Duration::ZERO);
    kept.subject = Subject::Organization;
    app.apply(vec![kept], HOUR).await;
    app.test.deliver(&event("organization.created", 1, &organization("org_acme", 1, "Acme"))).await;
    app.test.deliver(&event("organization.deleted", 2, &deleted("org_acme", "organization"))).await;
    app.work().await;
    assert_eq!(app.count("profiles").await, 3);
    let steps =
        app.deletions.list(&DeletionFilter { subject_id: Some("org_acme".to_owned()), state: None }, 10).await.unwrap();
    assert_eq!((steps[0].steps[0].state.as_str(), steps[0].steps[0].rows), ("done", 3));
}

#[tokio::test]
async fn many_rows_go_in_batches() {
    let app = App::start().await;
    app.test.execute("insert into notes (owner_id) select 'user_ada' from generate_series(1, 4500)").await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    assert_eq!(app.work().await, 3);
    assert_eq!(app.steps().await[0], step("public.notes.owner_id", "done", 4505, Value::Null));
}

/// What an application's tables refuse is no matter of the delivery, and passes when the reason does.
#[tokio::test]
async fn foreign_keys_that_refuse_are_a_state_with_a_reason() {
    let app = App::start().await;
    app.test.execute("create table comments (id int primary key, note bigint references notes); insert into comments values (1, 1)").await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    assert_eq!(app.work().await, 1);
    let steps = app.steps().await;
    let reason = "update or delete on table \"notes\" violates foreign key constraint \"comments_note_fkey\" on table \"comments\" (23503)";
    assert_eq!(steps[0], step("public.notes.owner_id", "failed", 0, json!(reason)));
    assert_eq!(app.count("notes").await, 8, "all or nothing");
    app.test.execute("delete from comments").await;
    assert_eq!(app.work().await, 0, "it waits a little");
    assert_eq!(app.deletions.retry(1).await.unwrap(), 1);
    app.work().await;
    assert_eq!(app.steps().await[0], step("public.notes.owner_id", "done", 5, Value::Null));
}

#[tokio::test]
async fn what_fails_for_long_is_given_up() {
    let app = App::start().await;
    app.test.execute("create table comments (id int primary key, note bigint references notes); insert into comments values (1, 1)").await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], 72 * HOUR).await;
    app.delete_ada().await;
    for _ in 0..16 {
        assert_eq!(app.work().await, 1);
        app.later("2 hours").await;
    }
    assert_eq!(app.steps().await[0]["state"], "dead");
    assert_eq!(app.work().await, 0);
}

#[tokio::test]
async fn a_renamed_table_is_repaired_by_the_rule() {
    let app = App::start().await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    app.test.execute("alter table notes rename to pages").await;
    app.work().await;
    assert_eq!(
        app.steps().await[0],
        step("public.notes.owner_id", "failed", 0, json!("relation \"public.notes\" does not exist (42P01)"))
    );
    let error = app
        .deletions
        .apply(&DeletionPolicy { rules: vec![notes(Action::Cascade, HOUR)], hold: HOUR })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("there is no table `public.notes`; there are: public.pages"), "{error}");
    app.test.execute("alter table pages rename to notes").await;
    app.deletions.retry(1).await.unwrap();
    app.work().await;
    assert_eq!(app.steps().await[0]["state"], "done");
}

#[tokio::test]
async fn a_rule_that_is_taken_away_does_nothing_more() {
    let app = App::start().await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    app.apply(vec![], HOUR).await;
    app.work().await;
    assert_eq!(
        app.steps().await[0],
        step("public.notes.owner_id", "cancelled", 0, json!("there is no rule for this table any more"))
    );
    assert_eq!(app.count("notes").await, 8);
}

/// A trigger that swallows the deletion would be worked on for ever, or taken for done.
#[tokio::test]
async fn rows_that_stay_are_noticed() {
    let app = App::start().await;
    app.test
        .execute(
            "create function keep_it() returns trigger language plpgsql as $$ begin return null; end $$;
             create trigger keep_it before delete on notes for each row execute function keep_it()",
        )
        .await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    app.work().await;
    let reason = "rows remain: a trigger or rule of the table keeps them from being changed";
    assert_eq!(app.steps().await[0], step("public.notes.owner_id", "failed", 0, json!(reason)));
}

#[tokio::test]
async fn what_an_applications_triggers_say_is_not_repeated() {
    let app = App::start().await;
    app.test
        .execute(
            "create function cry() returns trigger language plpgsql as $$ begin raise exception 'Ada Lovelace is %', old.title; end $$;
             create trigger cry before delete on notes for each row execute function cry()",
        )
        .await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    app.work().await;
    assert_eq!(app.steps().await[0]["reason"], "SQLSTATE P0001; the database's log has the message");
}

#[tokio::test]
async fn two_workers_do_everything_once() {
    let app = App::start().await;
    app.test
        .execute(
            "insert into notes (owner_id) select 'user_' || n % 20 from generate_series(1, 2000) as n;
             create table counted (id bigint);
             create function count_it() returns trigger language plpgsql as $$ begin insert into counted values (old.id); return old; end $$;
             create trigger count_it before delete on notes for each row execute function count_it()",
        )
        .await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    for number in 0..20 {
        app.test.deliver(&event("user.deleted", 2, &deleted(&format!("user_{number}"), "user"))).await;
    }
    let (one, other) = tokio::join!(app.work(), app.work());
    assert_eq!(one + other, 20, "{one} and {other}");
    assert_eq!(app.count("counted").await, 2000);
    assert_eq!(app.count("rowlock.deletion_steps where state = 'done' and rows = 100").await, 20);
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_has_done_nothing() {
    let _alone = FAIL_POINTS.write().await;
    let app = App::alone().await;
    app.test.execute("insert into notes (owner_id) select 'user_ada' from generate_series(1, 2500)").await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    for point in ["deletion-claimed", "deletion-batch-done", "deletion-batch-noted"] {
        fail::cfg(point, "return").unwrap();
        assert!(app.deletions.work_once().await.is_err(), "{point}");
        fail::remove(point);
        assert_eq!(app.count("notes where owner_id = 'user_ada'").await, 2505, "{point}");
        assert_eq!(app.steps().await[0], step("public.notes.owner_id", "held", 0, Value::Null), "{point}");
    }
    assert!(app.deletions.work_once().await.unwrap());
    fail::cfg("deletion-batch-done", "return").unwrap();
    assert!(app.deletions.work_once().await.is_err());
    fail::remove("deletion-batch-done");
    assert_eq!(
        app.steps().await[0],
        step("public.notes.owner_id", "held", 2000, Value::Null),
        "the first batch stays done"
    );
    app.work().await;
    assert_eq!(app.steps().await[0], step("public.notes.owner_id", "done", 2505, Value::Null));
}

#[tokio::test]
async fn what_is_held_is_undone_and_what_was_soft_comes_back() {
    let app = App::start().await;
    let rules = vec![notes(soft(), Duration::ZERO), rule("profiles", "user_id", Action::Cascade, 72 * HOUR)];
    app.apply(rules, 72 * HOUR).await;
    app.test.execute("update notes set deleted_at = '2020-01-01' where id = 1").await;
    app.delete_ada().await;
    app.work().await;
    let undone = app.deletions.undo(1).await.unwrap();
    assert_eq!(undone.restored, [("public.notes.owner_id".to_owned(), 4)]);
    assert_eq!(undone.cancelled, ["public.profiles.user_id", "rowlock.inbox"]);
    assert_eq!(undone.gone, Vec::<String>::new());
    assert_eq!(app.count("notes where deleted_at is null").await, 7, "what somebody deleted before stays deleted");
    app.later("100 hours").await;
    assert_eq!(app.work().await, 0);
    assert_eq!(app.count("profiles").await, 3);
    assert!(matches!(app.deletions.undo(1).await, Err(UndoError::Already(1))));
}

#[tokio::test]
async fn what_is_over_cannot_be_undone() {
    let app = App::start().await;
    app.apply(vec![notes(soft(), Duration::ZERO)], HOUR).await;
    app.delete_ada().await;
    app.later("2 hours").await;
    assert!(matches!(app.deletions.undo(1).await, Err(UndoError::TooLate(1))));
    assert!(matches!(app.deletions.undo(7).await, Err(UndoError::Unknown(7))));
    app.apply(vec![rule("profiles", "user_id", Action::Cascade, Duration::ZERO)], Duration::ZERO).await;
    app.test.deliver(&event("user.deleted", 2, &deleted("user_bob", "user"))).await;
    assert!(matches!(app.deletions.undo(2).await, Err(UndoError::TooLate(2))));
}

#[tokio::test]
async fn everything_that_is_wrong_with_rules_is_said_at_once() {
    let app = App::start().await;
    app.test
        .execute(
            "create table plain (owner_id text);
             create table numbered (id int primary key, owner_id uuid);
             create view seen as select * from notes;
             create table guarded (id int primary key, owner_id text);
             create function double(integer) returns integer language sql immutable as 'select 2 * $1';
             create table made (id int primary key, owner_id text, x int, y int generated always as (x * 2) stored)",
        )
        .await;
    let mut foreign = notes(Action::Cascade, HOUR);
    (foreign.schema, foreign.table) = ("clerk".to_owned(), "users".to_owned());
    let rules = vec![
        foreign,
        rule("nowhere", "owner_id", Action::Cascade, HOUR),
        notes(Action::Cascade, HOUR),
        notes(soft(), HOUR),
        rule("notes", "author", Action::Cascade, HOUR),
        rule("plain", "owner_id", Action::Cascade, HOUR),
        rule("numbered", "owner_id", Action::Cascade, HOUR),
        rule("seen", "owner_id", Action::Cascade, HOUR),
        rule("guarded", "owner_id", Action::Soft { column: "id".to_owned() }, HOUR),
        rule("profiles", "user_id", anonymise(json!({ "name": null })), HOUR),
        rule("profiles", "name", anonymise(json!({ "age": "old" })), HOUR),
        rule("profiles", "email", anonymise(json!({ "tenant": 1 })), HOUR),
        rule("made", "owner_id", anonymise(json!({ "y": 1 })), HOUR),
    ];
    let error = app.deletions.check(&rules).await.unwrap_err();
    let RuleError::Unfit(problems) = error else { panic!("{error}") };
    insta::assert_snapshot!(problems.join("\n"), @r#"
    `clerk.users` is not a table of the application: rules are about your own tables
    there is no table `public.nowhere`; there are: public.guarded, public.made, public.notes, public.numbered, public.plain, public.profiles
    `public.notes.owner_id` has two sections; expected one for a table and column
    `public.notes` has no column `author`; there are: id, owner_id, title, deleted_at
    `public.plain` has no primary key; rows are worked on in batches, by their key
    `public.numbered.owner_id` has type uuid; expected text, for Clerk's ids are `user_…` and `org_…`
    `public.seen` is no table: rules are about tables, not about views or foreign tables
    `public.guarded.id` has type integer; expected a column of type timestamp with time zone
    `public.profiles.name` is not nullable; give it a constant under `set`
    `public.profiles.name` cannot be done: invalid input syntax for type integer: "old"
    `public.profiles.tenant` cannot be overwritten: it is generated, or of the primary key
    `public.made.y` cannot be overwritten: it is generated, or of the primary key
    "#);
    let good =
        app.deletions.check(&[notes(soft(), HOUR), rule("profiles", "user_id", Action::Keep, HOUR)]).await.unwrap();
    insta::assert_snapshot!(good.warnings.join("\n"), @"`public.profiles` has no index that begins with `user_id`: every deletion reads the whole table");
}

#[tokio::test]
async fn the_words_of_somebody_who_is_erased_are_gone_also_those_that_come_late() {
    let app = App::start().await;
    app.apply(vec![], HOUR).await;
    app.test.deliver(&event("user.created", 1, &user("user_bob", 1, "Bob"))).await;
    app.delete_ada().await;
    app.later("1 hour").await;
    app.work().await;
    let bodies = "rowlock.inbox where body is not null";
    assert_eq!(app.count(bodies).await, 1, "Bob's");
    app.test.deliver(&event("user.updated", 3, &user("user_ada", 3, "Ada"))).await;
    assert_eq!(app.count(bodies).await, 2);
    assert_eq!(app.deletions.erase_late_bodies().await.unwrap(), 1);
    assert_eq!(app.count(bodies).await, 1);
    let report = app.deletions.report("user_ada").await.unwrap();
    assert_eq!((report.deliveries, report.bodies), (3, 0));
    assert!(report.mirror.iter().all(|table| table.live == Some(0)), "{report:?}");
}

#[tokio::test]
async fn a_report_says_what_was_done_and_what_is_left() {
    let app = App::start().await;
    let rules = vec![notes(Action::Cascade, Duration::ZERO), rule("profiles", "user_id", Action::Keep, Duration::ZERO)];
    app.apply(rules.clone(), HOUR).await;
    let checked = app.deletions.check(&rules).await.unwrap();
    let plan = app.deletions.plan(&checked.rules, "user_ada").await.unwrap();
    assert_eq!(plan.iter().map(|table| table.rows).collect::<Vec<_>>(), [Some(5), Some(3)]);
    let alive = app.deletions.report("user_ada").await.unwrap();
    assert_eq!((alive.deletion, alive.application[0].rows), (None, Some(5)));
    app.delete_ada().await;
    app.work().await;
    let report = app.deletions.report("user_ada").await.unwrap();
    let left: Vec<_> = report.application.iter().map(|table| (table.table.as_str(), table.rows)).collect();
    assert_eq!(left, [("public.notes.owner_id", Some(0)), ("public.profiles.user_id", Some(3))]);
    assert_eq!(report.bodies, 2, "held for another hour");
    app.test.execute("drop table profiles").await;
    let report = app.deletions.report("user_ada").await.unwrap();
    assert_eq!(
        (report.application[1].rows, report.application[1].note.as_str()),
        (None, "relation \"public.profiles\" does not exist (42P01)")
    );
}

/// Whatever the application's tables are like, the tombstone is written.
#[tokio::test]
async fn a_delivery_never_waits_for_the_application() {
    let app = App::start().await;
    app.apply(vec![notes(Action::Cascade, Duration::ZERO)], HOUR).await;
    let mut holder = app.test.database.owner.get().await.unwrap();
    let held = holder.transaction().await.unwrap();
    held.batch_execute("lock table notes in access exclusive mode").await.unwrap();
    let delivered = tokio::time::timeout(Duration::from_secs(5), app.delete_ada()).await;
    delivered.expect("nobody waits");
    held.rollback().await.unwrap();
}
