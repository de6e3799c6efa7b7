//! What is rehearsed is what happens to requests.

use clerk::{Clock as _, SystemClock};
use policy::issuer::Issuer;
use postgres::Rehearsal;
use serde_json::json;
use tokens::{DatabaseRoles, Principal};

use crate::support::app::{execute, protected};

/// The rehearsal of `policy test` becomes the caller on the owner's connection; requests come over a login that owns nothing. Policies and
/// grants look at the role that is in force and at nothing else, so both get the same answers.
#[tokio::test]
async fn a_rehearsal_answers_as_the_login_of_clients_does() {
    let database = protected().await;
    execute(
        &database,
        "insert into public.notes (user_id, body) values ('user_1', 'a'), ('user_2', 'b');
         insert into public.projects (org_id, created_by, name) values ('org_1', 'user_1', 'a'), ('org_2', 'user_2', 'b');
         insert into public.announcements (author, body) values ('user_1', 'a');",
    )
    .await;
    let issuer = Issuer::new(SystemClock.now(), DatabaseRoles::default());
    let mut callers = vec![Principal::anonymous()];
    for claims in [
        json!({ "sub": "user_1" }),
        json!({ "sub": "user_1", "v": 2, "o": { "id": "org_1", "rol": "admin" } }),
        json!({ "sub": "user_2", "org_id": "org_2", "org_role": "org:member" }),
        json!({ "sub": "user_1", "v": 2, "sts": "pending", "o": { "id": "org_1", "rol": "admin" } }),
    ] {
        callers.push(issuer.principal(claims.as_object().unwrap()).await.unwrap().0);
    }
    let statements = [
        "select id::text from public.notes",
        "select id::text from public.projects",
        "select id::text from public.announcements",
        "select id::text from public.invoices",
        "select id::text from rowlock.inbox",
        "insert into public.notes (user_id, body) values ('user_1', 'c') returning user_id",
        "update public.projects set name = 'c' returning id::text",
        "delete from public.notes where body = 'c' returning user_id",
        "select current_user::text || coalesce(clerk.user_id(), '') || coalesce(clerk.org_id(), '')",
    ];
    for caller in &callers {
        for statement in statements {
            let rehearsal = Rehearsal::begin(&database.owner, &["anon", "authenticated"]).await.unwrap();
            let rehearsed = rehearsal.attempt(caller, (statement, &[]), None).await.unwrap().answer;
            rehearsal.end().await.unwrap();
            let asked = database.clients.as_principal(caller).query(statement, &[]).await;
            let rehearsed = rehearsed.map(|rows| rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
            let asked = asked.map(|rows| rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
            let refused = |error: postgres::Error| error.sql_state().map(|state| state.code().to_owned());
            let (rehearsed, asked) = (rehearsed.map_err(refused), asked.map_err(refused));
            assert_eq!(rehearsed, asked, "{statement} as {}", caller.claims_json());
        }
    }
}
