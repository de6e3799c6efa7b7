//! What personas may do to the small app, and what is found when its policies are wrong.

use insta::assert_snapshot;
use policy::difference::difference;
use policy::matrix::{Finding, Matrix, run, untried};
use policy::model::Model;
use postgres::testing::TestDatabase;

use crate::support::app::{DECLARATION, STRICT_DECLARATION, STRICT_SCHEMA, declared, execute, model, protected};

async fn matrix(model: &Model, database: &TestDatabase) -> Matrix {
    match run(model, &database.owner).await {
        Ok(matrix) => matrix,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

fn told(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{}: {finding}\n", finding.kind())).collect()
}

/// The findings after the app's database was changed by these statements.
async fn found_after(statements: &str) -> String {
    let database = protected().await;
    execute(&database, statements).await;
    told(&matrix(&model(), &database).await.findings)
}

#[tokio::test]
async fn the_generated_policies_do_what_the_declaration_says() {
    let database = protected().await;
    let matrix = matrix(&model(), &database).await;
    assert_eq!(told(&matrix.findings), "");
    assert_snapshot!(matrix.to_string(), @"
    # What every persona may do, as Postgres answered. Written by `rowlock policy test --update`; review every change.
    # S select, I insert one like it, U update, G give it away, T take it for oneself, D delete
    # ✔ done   ✘ refused, or not reached   · nothing to try

    public.projects: organization    ada@Acme       ben@Acme       cleo@Globex
                                     S I U G T D    S I U G T D    S I U G T D
      nobody                         ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme         ✔ ✔ ✔ ✔ · ✔    ✔ ✘ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, version 1                 ✔ ✔ ✔ ✔ · ✔    ✔ ✘ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, no organization           ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, pending                   ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, impersonated              ✔ ✔ ✔ ✔ · ✔    ✔ ✘ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, session ended             ✔ ✔ ✔ ✔ · ✔    ✔ ✘ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme        ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, version 1                 ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template      ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme   ✔ ✘ ✔ ✔ ✔ ✘    ✔ ✘ ✔ ✔ ✔ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      fay, left Acme a moment ago    ✔ ✘ ✔ ✔ ✔ ✔    ✔ ✘ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔
      eve, signed in, nowhere        ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘

    public.tasks: child              ada@Acme       ben@Acme       cleo@Globex
                                     S I U G T D    S I U G T D    S I U G T D
      nobody                         ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme         ✔ ✔ ✔ ✔ · ✔    ✔ ✔ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, version 1                 ✔ ✔ ✔ ✔ · ✔    ✔ ✔ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, no organization           ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, pending                   ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, impersonated              ✔ ✔ ✔ ✔ · ✔    ✔ ✔ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, session ended             ✔ ✔ ✔ ✔ · ✔    ✔ ✔ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme        ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, version 1                 ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template      ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme   ✔ ✔ ✔ ✔ · ✔    ✔ ✔ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      fay, left Acme a moment ago    ✔ ✔ ✔ ✔ · ✔    ✔ ✔ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔
      eve, signed in, nowhere        ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘

    public.notes: user               ada@Acme       ben@Acme       cleo@Globex
                                     S I U G T D    S I U G T D    S I U G T D
      nobody                         ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme         ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, version 1                 ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, no organization           ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, pending                   ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, impersonated              ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, session ended             ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme        ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, version 1                 ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template      ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme   ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      fay, left Acme a moment ago    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔
      eve, signed in, nowhere        ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘

    public.profiles: profile         ada@Acme       ben@Acme       cleo@Globex    dan, shown
                                     S I U G T D    S I U G T D    S I U G T D    S I U G T D
      nobody                         ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme         ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, version 1                 ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, no organization           ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, pending                   ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, impersonated              ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, session ended             ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme        ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ben, version 1                 ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template      ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme   ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘
      fay, left Acme a moment ago    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘
      eve, signed in, nowhere        ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘

    public.announcements: public     ada@Acme       ben@Acme       cleo@Globex
                                     S I U G T D    S I U G T D    S I U G T D
      nobody                         ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme         ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, version 1                 ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, no organization           ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, pending                   ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, impersonated              ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ada, session ended             ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme        ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘
      ben, version 1                 ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template      ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔    ✔ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme   ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      fay, left Acme a moment ago    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex      ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔
      eve, signed in, nowhere        ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘

    public.invoices: organization    ada@Acme       ben@Acme       cleo@Globex
                                     S I U G T D    S I U G T D    S I U G T D
      nobody                         ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme         ✔ ✔ ✔ ✘ · ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, version 1                 ✔ ✔ ✔ ✘ · ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, no organization           ✔ ✔ ✔ ✘ · ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, pending                   ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, impersonated              ✔ ✔ ✔ ✘ · ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, session ended             ✔ ✔ ✔ ✘ · ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme        ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, version 1                 ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template      ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme   ✔ ✔ ✔ ✘ · ✔    ✔ ✔ ✔ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      fay, left Acme a moment ago    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✔ ✘ · ✔
      eve, signed in, nowhere        ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘

    public.audit_log: audit          ada@Acme       ben@Acme       cleo@Globex
                                     S I U G T D    S I U G T D    S I U G T D
      nobody                         ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme         ✔ ✔ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, version 1                 ✔ ✔ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, no organization           ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, pending                   ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, impersonated              ✔ ✔ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, session ended             ✔ ✔ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme        ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✔ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, version 1                 ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✔ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✔ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme   ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      fay, left Acme a moment ago    ✔ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex      ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✔ ✘ ✘ · ✘
      eve, signed in, nowhere        ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘

    public.reports: gated            ada@Acme       ben@Acme       cleo@Globex
                                     S I U G T D    S I U G T D    S I U G T D
      nobody                         ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, org:admin of Acme         ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘
      ada, version 1                 ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, no organization           ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, pending                   ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, impersonated              ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘
      ada, session ended             ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘
      ben, org:member of Acme        ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ben, version 1                 ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ben, claims of a template      ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      dan, all permissions in Acme   ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      fay, left Acme a moment ago    ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘
      cleo, org:admin of Globex      ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘    ✔ ✘ ✘ · · ✘
      eve, signed in, nowhere        ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
    ");
    // Nothing stays behind, and the same again gives the same.
    let left = "select (select count(*) from public.projects) + (select count(*) from clerk.users)";
    assert_eq!(database.owner.get().await.unwrap().query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(run(&model(), &database.owner).await.unwrap().to_string(), matrix.to_string());
}

#[tokio::test]
async fn a_leak_between_tenants_is_found() {
    assert_snapshot!(found_after("create policy open on public.invoices for select to authenticated using (true)").await, @"
    leak: public.invoices: ada, org:admin of Acme may select the row of cleo@Globex, across tenants
    leak: public.invoices: ada, version 1 may select the row of cleo@Globex, across tenants
    leak: public.invoices: ada, no organization may select the row of cleo@Globex, across tenants
    leak: public.invoices: ada, impersonated may select the row of cleo@Globex, across tenants
    leak: public.invoices: ada, session ended may select the row of cleo@Globex, across tenants
    leak: public.invoices: ben, org:member of Acme may select the row of cleo@Globex, across tenants
    leak: public.invoices: ben, version 1 may select the row of cleo@Globex, across tenants
    leak: public.invoices: ben, claims of a template may select the row of cleo@Globex, across tenants
    leak: public.invoices: dan, all permissions in Acme may select the row of cleo@Globex, across tenants
    leak: public.invoices: fay, left Acme a moment ago may select the row of cleo@Globex, across tenants
    too-much: public.invoices: fay, left Acme a moment ago may select the rows of ada@Acme and ben@Acme, and should not
    leak: public.invoices: cleo, org:admin of Globex may select the rows of ada@Acme and ben@Acme, across tenants
    leak: public.invoices: eve, signed in, nowhere may select the rows of ada@Acme and ben@Acme and cleo@Globex, across tenants
    ");
}

#[tokio::test]
async fn a_hole_in_writing_is_found_though_nothing_can_be_read() {
    // Without a condition in the statement, the policies for reading are not asked.
    assert_snapshot!(found_after(
        "drop policy notes_delete on public.notes;
         create policy notes_delete on public.notes for delete to authenticated using (user_id is not null)").await, @"
    leak: public.notes: ada, org:admin of Acme may delete the rows of ben@Acme and cleo@Globex, across tenants
    leak: public.notes: ada, version 1 may delete the rows of ben@Acme and cleo@Globex, across tenants
    leak: public.notes: ada, no organization may delete the rows of ben@Acme and cleo@Globex, across tenants
    leak: public.notes: ada, impersonated may delete the rows of ben@Acme and cleo@Globex, across tenants
    leak: public.notes: ada, session ended may delete the rows of ben@Acme and cleo@Globex, across tenants
    leak: public.notes: ben, org:member of Acme may delete the rows of ada@Acme and cleo@Globex, across tenants
    leak: public.notes: ben, version 1 may delete the rows of ada@Acme and cleo@Globex, across tenants
    leak: public.notes: ben, claims of a template may delete the rows of ada@Acme and cleo@Globex, across tenants
    leak: public.notes: dan, all permissions in Acme may delete the rows of ada@Acme and ben@Acme and cleo@Globex, across tenants
    leak: public.notes: fay, left Acme a moment ago may delete the rows of ada@Acme and ben@Acme and cleo@Globex, across tenants
    leak: public.notes: cleo, org:admin of Globex may delete the rows of ada@Acme and ben@Acme, across tenants
    leak: public.notes: eve, signed in, nowhere may delete the rows of ada@Acme and ben@Acme and cleo@Globex, across tenants
    ");
}

#[tokio::test]
async fn a_missing_check_is_found() {
    assert_snapshot!(found_after("alter policy projects_update on public.projects with check (true)").await, @"
    leak: public.projects: ada, org:admin of Acme may give away the rows of ada@Acme and ben@Acme, across tenants
    leak: public.projects: ada, version 1 may give away the rows of ada@Acme and ben@Acme, across tenants
    leak: public.projects: ada, impersonated may give away the rows of ada@Acme and ben@Acme, across tenants
    leak: public.projects: ada, session ended may give away the rows of ada@Acme and ben@Acme, across tenants
    leak: public.projects: ben, org:member of Acme may give away the row of ben@Acme, across tenants
    too-much: public.projects: ben, org:member of Acme may give away the row of ben@Acme, and should not
    leak: public.projects: ben, version 1 may give away the row of ben@Acme, across tenants
    too-much: public.projects: ben, version 1 may give away the row of ben@Acme, and should not
    leak: public.projects: ben, claims of a template may give away the row of ben@Acme, across tenants
    too-much: public.projects: ben, claims of a template may give away the row of ben@Acme, and should not
    leak: public.projects: dan, all permissions in Acme may give away the rows of ada@Acme and ben@Acme, across tenants
    leak: public.projects: fay, left Acme a moment ago may give away the rows of ada@Acme and ben@Acme, across tenants
    leak: public.projects: cleo, org:admin of Globex may give away the row of cleo@Globex, across tenants
    ");
}

#[tokio::test]
async fn too_little_is_found() {
    assert_snapshot!(found_after("revoke delete on public.projects from authenticated").await, @"
    too-little: public.projects: ada, org:admin of Acme may not delete the rows of ada@Acme and ben@Acme, and should
    too-little: public.projects: ada, version 1 may not delete the rows of ada@Acme and ben@Acme, and should
    too-little: public.projects: ada, impersonated may not delete the rows of ada@Acme and ben@Acme, and should
    too-little: public.projects: ada, session ended may not delete the rows of ada@Acme and ben@Acme, and should
    too-little: public.projects: fay, left Acme a moment ago may not delete the rows of ada@Acme and ben@Acme, and should
    too-little: public.projects: cleo, org:admin of Globex may not delete the row of cleo@Globex, and should
    dead-policy: public.projects: policy projects_delete lets no persona reach any row: ((org_id = ( SELECT clerk.org_id() AS org_id)) AND ( SELECT clerk.has_role('org:admin'::text) AS has_role))
    ");
}

/// The classic of Clerk's own guide: there is no claim of that name, so the policy lets nobody in.
#[tokio::test]
async fn a_policy_that_no_token_satisfies_is_found() {
    let told = found_after(
        "create policy everybody_reads on public.projects for select to authenticated
           using (org_id = (select clerk.claims() ->> 'o.id'));
         create policy by_uuid on public.notes for select to authenticated
           using (user_id = (select nullif(current_setting('request.jwt.claims', true)::jsonb ->> 'user_id', '')))",
    )
    .await;
    assert_snapshot!(told, @r#"
    dead-policy: public.projects: policy everybody_reads lets no persona reach any row: (org_id = ( SELECT (clerk.claims() ->> 'o.id'::text)))
    dead-policy: public.notes: policy by_uuid lets no persona reach any row: (user_id = ( SELECT NULLIF(((current_setting('request.jwt.claims'::text, true))::jsonb ->> 'user_id'::text), ''::text) AS "nullif"))
    "#);
}

#[tokio::test]
async fn rows_are_made_whatever_tables_want() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "create schema crm;
         create domain crm.positive as integer check (value > 0);
         create type crm.stage as enum ('lead', 'won');
         create table crm.currencies (code char(3) primary key check (code ~ '^[A-Z]{3}$'));
         create table crm.people (id text primary key, email text not null unique check (email like '%@%'));
         create table crm.deals (
           org_id text not null, number integer not null, owner text not null references crm.people (id),
           currency char(3) not null references crm.currencies, stage crm.stage not null, amount crm.positive not null,
           kind text not null check (kind in ('new', 'renewal')), site text not null check (site like 'https://%'),
           during tstzrange, tags text[] not null, starts date not null, ends date not null check (ends > starts),
           total bigint generated always as (amount * 2) stored, sealed bytea not null, network inet not null,
           primary key (org_id, number));",
    )
    .await;
    let deals = Model::parse(
        "[[table]]\nname = 'crm.deals'\naccess = 'organization'\norganization = 'org_id'\nowner = 'owner'\ndelete = 'org:billing'
         [table.sample]\nends = '2027-01-01'
         [[persona]]\nname = 'ada, clerk of the books'\nclaims = { o = { id = 'org_rehearsal_acme', rol = 'billing' } }",
    )
    .unwrap();
    let migration = policy::difference::difference(&deals, &database.owner).await.unwrap().migration;
    execute(&database, &migration).await;
    let matrix = matrix(&deals, &database).await;
    assert_eq!(told(&matrix.findings), "");
    let text = matrix.to_string();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("billing") || line.contains("books") || line.contains("org:admin of Acme"))
        .collect();
    assert_snapshot!(lines.join("\n"), @"
    ada, org:admin of Acme         ✔ ✔ ✔ ✔ · ✘    ✔ ✘ ✔ ✔ ✔ ✘    ✘ ✘ ✘ ✘ ✘ ✘
    dan, org:billing of Acme       ✔ ✘ ✔ ✔ ✔ ✔    ✔ ✘ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
    ada, clerk of the books        ✔ ✔ ✔ ✔ · ✔    ✔ ✘ ✔ ✔ ✔ ✔    ✘ ✘ ✘ ✘ ✘ ✘
    ");
}

#[tokio::test]
async fn a_table_that_takes_no_rows_is_told_with_the_reason() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "create table public.notes (id int primary key, user_id text not null, body text not null check (body = upper(body) || '!'));
         create table public.logs (user_id text)",
    )
    .await;
    let refused = async |text: &str| run(&Model::parse(text).unwrap(), &database.owner).await.unwrap_err();
    assert_snapshot!(refused("[[table]]\nname = 'notes'\naccess = 'user'\nowner = 'user_id'").await, @r#"no row could be made in public.notes: new row for relation "notes" violates check constraint "notes_body_check"; give values in its [[table]]: sample = { column = "value" }"#);
    assert_snapshot!(refused("[[table]]\nname = 'logs'\naccess = 'user'\nowner = 'user_id'").await, @"public.logs has no primary key; expected one, for what was reached is told by it");
    assert_snapshot!(refused("[[table]]\nname = 'nots'\naccess = 'user'\nowner = 'user_id'").await, @"the database has no table public.nots; expected every [[table]] of rowlock.toml to be there");
    let persona = "[[table]]\nname = 'notes'\naccess = 'user'\nowner = 'user_id'\n[[persona]]\nname = 'odd'\nclaims = { sub = 'bob' }";
    assert_snapshot!(refused(persona).await, @"persona `odd` has claims that no Clerk token has");
}

/// A token lives on for a minute after its reason has gone; policies that ask end it at once.
#[tokio::test]
async fn what_was_revoked_ends_at_once_where_the_declaration_says_so() {
    let database = TestDatabase::create().await;
    execute(
        &database,
        "create table public.notes (id int primary key generated always as identity, org_id text not null)",
    )
    .await;
    let declared = |settings: &str| {
        Model::parse(&format!(
            "{settings}\n[[table]]\nname = 'notes'\naccess = 'organization'\norganization = 'org_id'"
        ))
        .unwrap()
    };
    for (settings, ends) in [
        ("", [true, true]),
        ("[policies]\nrevoked = 'read-only'", [true, false]),
        ("[policies]\nrevoked = 'refuse'", [false, false]),
    ] {
        let model = declared(settings);
        execute(&database, &difference(&model, &database.owner).await.unwrap().migration).await;
        let matrix = run(&model, &database.owner).await.unwrap();
        assert_eq!(matrix.findings, [], "{settings}");
        let table = matrix.to_string();
        let cells = |persona: &str| {
            let line = table.lines().find(|line| line.contains(persona)).unwrap();
            let marks: Vec<char> = line.chars().filter(|mark| matches!(mark, '✔' | '✘' | '·')).collect();
            [marks[0] == '✔', marks[1] == '✔']
        };
        for persona in ["ada, session ended", "fay, left Acme a moment ago"] {
            assert_eq!(cells(persona), ends, "{persona}: {settings}\n{table}");
        }
        assert_eq!(cells("ada, org:admin of Acme"), [true, true], "{settings}");
    }
    // And a policy that does not ask although it should is found.
    execute(&database, "drop policy notes_not_revoked on public.notes").await;
    let found = run(&declared("[policies]\nrevoked = 'refuse'"), &database.owner).await.unwrap().findings;
    let told: Vec<String> = found.iter().map(|finding| format!("{}: {finding}", finding.kind())).collect();
    assert!(
        told.contains(&"too-much: public.notes: fay, left Acme a moment ago may select the rows of ada@Acme and ben@Acme, and should not".to_owned()),
        "{told:#?}"
    );
}

/// Whoever goes by a list does not see what is not on it.
#[tokio::test]
async fn a_table_that_nobody_declared_is_told() {
    let database = protected().await;
    let untried = async || told(&untried(&model(), &database.owner).await.unwrap());
    assert_eq!(untried().await, "");
    execute(
        &database,
        "create table public.secrets (id bigint primary key, org_id text); alter table public.secrets enable row level security;
         create policy open on public.secrets for select to authenticated using (true); grant select, delete on public.secrets to authenticated;
         create table public.closed (id bigint primary key); create schema hidden; create table hidden.away (id bigint primary key);
         grant select on hidden.away to anon",
    )
    .await;
    assert_snapshot!(untried().await, @"untried: public.secrets: authenticated may select, delete, and rowlock.toml does not declare it");
    let allowing = Model::parse(&format!("[policies]\nallow = ['untried public.secrets']\n{DECLARATION}")).unwrap();
    assert_eq!(told(&policy::matrix::untried(&allowing, &database.owner).await.unwrap()), "");
}

/// A role counts as the mirror has it, for every organization; and columns of one's own are told by what policies compare them with.
#[tokio::test]
async fn what_the_app_does_not_declare_is_tried_as_well() {
    let model = Model::parse(STRICT_DECLARATION).unwrap();
    let database = declared(STRICT_SCHEMA, &model).await;
    let matrix = matrix(&model, &database).await;
    assert_eq!(told(&matrix.findings), "");
    let table = matrix.to_string();
    let of = |name: &str| {
        let begin = table.find(&format!("{name}:")).unwrap();
        table[begin..].split("\n\n").next().unwrap().to_owned()
    };
    assert_snapshot!(of("public.ledgers"), @"
    public.ledgers: organization           ada@Acme       ben@Acme       cleo@Globex
                                           S I U G T D    S I U G T D    S I U G T D
      nobody                               ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, org:admin of Acme               ✔ ✘ ✘ ✘ · ✔    ✔ ✘ ✘ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, version 1                       ✔ ✘ ✘ ✘ · ✔    ✔ ✘ ✘ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, no organization                 ✔ ✘ ✘ ✘ · ✔    ✔ ✘ ✘ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ada, pending                         ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, impersonated                    ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ada, session ended                   ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, org:member of Acme              ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, version 1                       ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, claims of a template            ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      dan, all permissions in Acme         ✔ ✘ ✘ ✘ · ✔    ✔ ✘ ✘ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      fay, left Acme a moment ago          ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      cleo, org:admin of Globex            ✘ ✘ ✘ ✘ ✘ ✘    ✘ ✘ ✘ ✘ ✘ ✘    ✔ ✘ ✘ ✘ · ✔
      eve, signed in, nowhere              ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      dan, org:bookkeeper, impersonated    ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘
      dan, org:bookkeeper of Acme          ✔ ✔ ✔ ✘ · ✘    ✔ ✔ ✔ ✘ · ✘    ✔ ✘ ✘ ✘ ✘ ✘
      gil, org:admin without permissions   ✔ ✘ ✘ ✘ · ✔    ✔ ✘ ✘ ✘ · ✔    ✘ ✘ ✘ ✘ ✘ ✘
      ben, feature:reports alone           ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
      ben, plan:user:pro alone             ✔ ✘ ✘ ✘ · ✘    ✔ ✘ ✘ ✘ · ✘    ✘ ✘ ✘ ✘ ✘ ✘
    ");
    assert_snapshot!(of("public.messages"), @"
    public.messages: custom                ada@Acme       ben@Acme       cleo@Globex
                                           S I U G T D    S I U G T D    S I U G T D
      nobody                               ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, org:admin of Acme               ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, version 1                       ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, no organization                 ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, pending                         ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, impersonated                    ✔ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ada, session ended                   ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ben, org:member of Acme              ✘ ✘ ✘ · · ✘    ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘
      ben, version 1                       ✘ ✘ ✘ · · ✘    ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘
      ben, claims of a template            ✘ ✘ ✘ · · ✘    ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘
      dan, all permissions in Acme         ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      fay, left Acme a moment ago          ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      cleo, org:admin of Globex            ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✔ ✔ ✘ · · ✔
      eve, signed in, nowhere              ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      dan, org:bookkeeper, impersonated    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      dan, org:bookkeeper of Acme          ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      gil, org:admin without permissions   ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘    ✘ ✘ ✘ · · ✘
      ben, feature:reports alone           ✘ ✘ ✘ · · ✘    ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘
      ben, plan:user:pro alone             ✘ ✘ ✘ · · ✘    ✔ ✔ ✘ · · ✔    ✘ ✘ ✘ · · ✘
    ");
}
