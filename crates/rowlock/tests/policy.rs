//! `rowlock policy` as its user runs it, from an empty directory to a migration that was applied.

use std::path::Path;
use std::process::Command;

use postgres::testing::TestDatabase;

use crate::support::{rowlock, told};

/// `rowlock` in a project's directory, against a database.
fn in_project(directory: &Path, database: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = rowlock(arguments);
    command.current_dir(directory).env("DATABASE_URL", database.url.expose());
    command
}

async fn execute(database: &TestDatabase, statements: &str) {
    database.owner.get().await.unwrap().batch_execute(statements).await.unwrap();
}

#[tokio::test]
async fn from_a_table_to_policies() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "create table public.notes (id bigint generated always as identity primary key, user_id text not null)",
    )
    .await;
    let project = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = in_project(project.path(), &database, arguments).output().unwrap();
        (output.status.code(), told(&output))
    };

    let (code, said) = run(&["policy", "diff"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(said, @"
    exit: 1
    --- stdout
    --- stderr
    error: `rowlock.toml` has no [[table]]; expected one for each table with row-level security
      hint:  `rowlock policy add projects --organization org_id` writes one
    ");
    let (code, said) = run(&["policy", "add", "notes"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(said, @"
    exit: 1
    --- stdout
    --- stderr
    error: nothing says whose the rows of `notes` are
      hint:  give --owner, --organization or --parent, or say it with --access
    ");
    let (code, said) = run(&["policy", "add", "notes", "--owner", "user_id", "--delete", "nobody"]);
    assert_eq!(code, Some(0), "{said}");
    insta::assert_snapshot!(said, @r#"
    exit: 0
    --- stdout
    ✓ added to rowlock.toml; next: `rowlock policy diff`, then `rowlock policy generate`

    [[table]]
    name = "notes"
    access = "user"
    owner = "user_id"
    delete = "nobody"

    --- stderr
    "#);
    // A second entry for the table is refused, and the file stays as it was.
    let (code, said) = run(&["policy", "add", "notes", "--owner", "user_id"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(said, @"
    exit: 1
    --- stdout
    --- stderr
    error: this table would make no sense
      cause: public.notes: `name` cannot be used: it stands there twice; expected one entry for each table
    ");
    let (code, said) = run(&["policy", "diff"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(said, @"
    exit: 1
    --- stdout
    public.notes
      - row-level security off
      - column user_id text
      + row-level security on
      + policy notes_insert for insert to authenticated with check ((user_id = ( SELECT clerk.user_id() AS user_id)))
      + policy notes_not_pending as restrictive for all to authenticated using ((NOT ( SELECT clerk.is_pending() AS is_pending))) with check ((NOT ( SELECT clerk.is_pending() AS is_pending)))
      + policy notes_select for select to authenticated using ((user_id = ( SELECT clerk.user_id() AS user_id)))
      + policy notes_update for update to authenticated using ((user_id = ( SELECT clerk.user_id() AS user_id))) with check ((user_id = ( SELECT clerk.user_id() AS user_id)))
      + grant insert to authenticated
      + grant select to authenticated
      + grant update to authenticated
      + grant delete to service_role
      + grant insert to service_role
      + grant references to service_role
      + grant select to service_role
      + grant trigger to service_role
      + grant truncate to service_role
      + grant update to service_role
      + index notes_user_id_idx on (user_id)
      + column user_id text default clerk.user_id()
    `rowlock policy generate` writes the migration
    --- stderr
    ");

    let stdout = |arguments: &[&str]| {
        let output = in_project(project.path(), &database, arguments).output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    stdout(&["policy", "generate"]);
    let written: Vec<_> =
        std::fs::read_dir(project.path().join("migrations")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(written.len(), 1, "{written:?}");
    let migration = std::fs::read_to_string(&written[0]).unwrap();
    assert_eq!(stdout(&["policy", "generate", "--print"]).trim_end(), migration.trim_end());
    execute(&database, &migration).await;

    assert_eq!(stdout(&["policy", "diff"]), "✓ the database has all of rowlock.toml\n");
    assert_eq!(stdout(&["policy", "diff", "--json"]), "{\"tables\":[]}\n");
    assert_eq!(stdout(&["policy", "generate"]), "✓ nothing to write: the database has all of rowlock.toml\n");
    // A server starts with the same file.
    let (code, said) = run(&["serve"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("cannot start, for these are missing"), "{said}");
}
