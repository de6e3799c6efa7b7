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
      + policy notes_not_pending as restrictive for all to authenticated using ((NOT ( SELECT clerk.is_pending() AS is_pending)))
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

    let (code, said) = run(&["policy", "test"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("nothing was reviewed yet: there is no policies.matrix"), "{said}");
    stdout(&["policy", "test", "--update"]);
    assert!(stdout(&["policy", "test"]).starts_with("✓ as reviewed in policies.matrix\n"));
    execute(&database, "create policy more on public.notes for delete to authenticated using (true); grant delete on public.notes to authenticated").await;
    let (code, said) = run(&["policy", "test"]);
    assert_eq!(code, Some(1));
    insta::with_settings!({ filters => vec![(r"\d+ attempts in \d+\.\d s", "[n] attempts in [time] s")] }, { insta::assert_snapshot!(said, @"
    exit: 1
    --- stdout
    ✗ leak public.notes: ada, org:admin of Acme may delete the rows of ben@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: ada, version 1 may delete the rows of ben@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: ada, no organization may delete the rows of ben@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: ada, impersonated may delete the rows of ben@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: ada, session ended may delete the rows of ben@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: ben, org:member of Acme may delete the rows of ada@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: ben, version 1 may delete the rows of ada@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: ben, claims of a template may delete the rows of ada@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: dan, all permissions in Acme may delete the rows of ada@Acme and ben@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: fay, left Acme a moment ago may delete the rows of ada@Acme and ben@Acme and cleo@Globex, across tenants
    ✗ leak public.notes: cleo, org:admin of Globex may delete the rows of ada@Acme and ben@Acme, across tenants
    ✗ leak public.notes: eve, signed in, nowhere may delete the rows of ada@Acme and ben@Acme and cleo@Globex, across tenants
      hint: another tenant's row was reached: look for a policy that asks too little, or row-level security that is off
    ✗ too-much public.notes: ada, org:admin of Acme may delete the row of ada@Acme, and should not
    ✗ too-much public.notes: ada, version 1 may delete the row of ada@Acme, and should not
    ✗ too-much public.notes: ada, no organization may delete the row of ada@Acme, and should not
    ✗ too-much public.notes: ada, impersonated may delete the row of ada@Acme, and should not
    ✗ too-much public.notes: ada, session ended may delete the row of ada@Acme, and should not
    ✗ too-much public.notes: ben, org:member of Acme may delete the row of ben@Acme, and should not
    ✗ too-much public.notes: ben, version 1 may delete the row of ben@Acme, and should not
    ✗ too-much public.notes: ben, claims of a template may delete the row of ben@Acme, and should not
    ✗ too-much public.notes: cleo, org:admin of Globex may delete the row of cleo@Globex, and should not
      hint: the database is not what rowlock.toml says: see `rowlock policy diff`
    ✗ not as reviewed in policies.matrix:

      public.notes: user               ada@Acme       ben@Acme       cleo@Globex
    -   ada, org:admin of Acme         ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ada, org:admin of Acme         ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   ada, version 1                 ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ada, version 1                 ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   ada, no organization           ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ada, no organization           ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   ada, impersonated              ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ada, impersonated              ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   ada, session ended             ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ada, session ended             ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   ben, org:member of Acme        ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ben, org:member of Acme        ✘ ✘ ✘ ✘ ✘ ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   ben, version 1                 ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ben, version 1                 ✘ ✘ ✘ ✘ ✘ ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   ben, claims of a template      ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   ben, claims of a template      ✘ ✘ ✘ ✘ ✘ ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   dan, all permissions in Acme   ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   dan, all permissions in Acme   ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   fay, left Acme a moment ago    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   fay, left Acme a moment ago    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔
    -   cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘
    +   cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✔ ✔ ✔ ✘ · ✔
    -   eve, signed in, nowhere        ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    +   eve, signed in, nowhere        ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔    ✘ ✘ ✘ ✘ ✘ ✔

      hint: if this is meant, keep it with `rowlock policy test --update`
    [n] attempts in [time] s: 12 leaks, 0 dead policies, 9 cells other than declared
    --- stderr
    ") });
    execute(&database, &migration).await;
    execute(&database, "drop policy more on public.notes").await;

    // The database and the migrations are both clean, and a mistake is shown where it stands.
    assert_eq!(stdout(&["policy", "lint"]).split(" in ").next(), Some("✓ nothing found"));
    assert_eq!(stdout(&["policy", "lint", "migrations"]), "✓ nothing found in 1 sources\n");
    std::fs::write(
        project.path().join("migrations/99999999999999_more.sql"),
        "alter policy notes_select on public.notes\n  using (user_id = clerk.user_id());\n",
    )
    .unwrap();
    let (code, said) = run(&["policy", "lint", "migrations"]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!(said, @"
    exit: 1
    --- stdout
    warning[unwrapped-call]: public.notes: a question about the caller is asked for every row
     --> migrations/99999999999999_more.sql:2:20
      |
    2 |   using (user_id = clerk.user_id());
      |                    ^^^^^^^^^^^^^^^ called for every row; write (select clerk.user_id())
      |
      = note: Bare, the function is called for each row: 143 ms on 100 000 rows. In a sub-select Postgres asks once: 0.1 ms with an index.
    help: write (select clerk.user_id()) (docs/lint.md#unwrapped-call)

    0 errors, 1 warning, 0 notes
    --- stderr
    ");
    let sarif =
        in_project(project.path(), &database, &["policy", "lint", "--sarif", "migrations"]).output().unwrap().stdout;
    let sarif: serde_json::Value = serde_json::from_slice(&sarif).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "unwrapped-call");
    // A server starts with the same file.
    let (code, said) = run(&["serve"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("cannot start, for these are missing"), "{said}");
}

#[tokio::test]
async fn a_person_is_told_why_nothing_is_there() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "create table public.projects (id bigint primary key, org_id text not null);
         insert into public.projects values (1, 'org_acme'), (2, 'org_acme'), (3, 'org_globex');
         insert into clerk.users (id, primary_email_address, clerk_updated_at, event_at, delivery_id, synced_at, source)
           values ('user_eve', 'eve@example.com', 1, 1, 'msg', now(), 'webhook');
         insert into clerk.organizations (id, slug, clerk_updated_at, event_at, delivery_id, synced_at, source)
           values ('org_initech', 'initech', 1, 1, 'msg', now(), 'webhook');
         insert into clerk.organization_memberships (id, organization_id, user_id, role, clerk_updated_at, event_at, delivery_id, synced_at, source)
           values ('orgmem_1', 'org_initech', 'user_eve', 'org:admin', 1, 1, 'msg', now(), 'webhook');",
    )
    .await;
    let project = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| told(&in_project(project.path(), &database, arguments).output().unwrap());
    run(&["policy", "add", "projects", "--organization", "org_id"]);
    let migration = in_project(project.path(), &database, &["policy", "generate", "--print"]).output().unwrap();
    execute(&database, &String::from_utf8(migration.stdout).unwrap()).await;

    insta::assert_snapshot!(run(&["policy", "explain", "--as", "eve@example.com@initech", "select * from projects"]), @"
    exit: 0
    --- stdout
    who      user_eve in org_initech as org:admin, as the mirror knows them
    role     authenticated
             clerk.user_id() = user_eve
             clerk.org_id() = org_initech
             clerk.org_role() = org:admin
             array(select clerk.my_org_ids()) = {org_initech}

    public.projects
      grant  ✓ select to authenticated
      rows   3
      policy projects_not_pending (restrictive): true for 3, false for 0
             (NOT ( SELECT clerk.is_pending() AS is_pending))
      policy projects_select: true for 0, false for 3
             (org_id = ( SELECT clerk.org_id() AS org_id))
             ✗ 1  org_id = org_acme  ← projects_select
             ✗ 2  org_id = org_acme  ← projects_select
             ✗ 3  org_id = org_globex  ← projects_select
      seen   0 of 3 rows

    0 rows: none of the 3 rows of public.projects is of the organization org_initech, or what else its policies ask does not hold
    --- stderr
    ");
    insta::assert_snapshot!(run(&["policy", "explain", "--as", "nobody", "select * from projects"]), @"
    exit: 0
    --- stdout
    who      nobody: no token was sent
    role     anon
             clerk.user_id() = null
             clerk.org_id() = null
             clerk.org_role() = null

    public.projects
      grant  ✗ anon may not select
      rows   3
      policy projects_not_pending (restrictive): not for anon
             (NOT ( SELECT clerk.is_pending() AS is_pending))
      policy projects_select: not for anon
             (org_id = ( SELECT clerk.org_id() AS org_id))
             ✗ 1  org_id = org_acme
             ✗ 2  org_id = org_acme
             ✗ 3  org_id = org_globex
      seen   0 of 3 rows

    answer   Postgres refused the statement: permission denied for table projects (42501)

    refused: role is anon because no token was sent, and anon has no grant for public.projects
    --- stderr
    ");
    insta::assert_snapshot!(run(&["policy", "explain", "--as", "eve@example.com@globex", "select * from projects"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: user_eve is no member of `globex`; the mirror knows: org_initech (initech)
    ");
    insta::assert_snapshot!(run(&["policy", "explain", "--token", "a.b.c", "--issuer", "http://127.0.0.1:9", "select * from projects"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: the server refuses this token, and no policy is ever asked
      cause: this is not a JSON Web Token: its signature is not unpadded base64url (Invalid input length: 1)
    ");
    let json = in_project(project.path(), &database, &["--json", "policy", "explain", "select * from projects"])
        .output()
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["explanation"]["role"], "anon");
}
