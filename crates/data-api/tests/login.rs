//! What the database says about its logins.

use data_api::{login_settings, role_settings};
use postgres::{Pool, PoolOptions};

use crate::support::Harbour;

#[tokio::test]
async fn settings_of_the_login_win_over_those_of_a_function() {
    let harbour = Harbour::open().await;
    let owner = harbour.database.owner.get().await.unwrap();
    owner
        .batch_execute(
            "create function harbour.rules() returns void language sql as $$
               select set_config('pgrst.db_max_rows', '7', true), set_config('pgrst.jwt_aud', 'quay', true) $$;
             do $$ begin
               execute format('alter role rowlock_client in database %I set pgrst.db_max_rows = ''5''', current_database());
             end $$;",
        )
        .await
        .unwrap();
    let found = login_settings(&login(&harbour), Some("harbour.rules")).await;
    assert!(found.is_err(), "the login has no right to the schema");
    owner.batch_execute("grant usage on schema harbour to rowlock_client").await.unwrap();
    let found = login_settings(&login(&harbour), Some("harbour.rules")).await.unwrap();
    let pairs: Vec<String> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
    insta::assert_snapshot!(pairs.join(" "), @"db_max_rows=7 jwt_aud=quay db_max_rows=5");
    // A later one wins.
    let config = crate::support::configured(&[]).with_database(found).config(Default::default()).unwrap();
    harbour.api.configure(config);
    assert_eq!(harbour.got("/ships?select=id&order=id&limit=1").await, r#"200 [{"id":1}]"#);
}

#[tokio::test]
async fn what_is_set_for_a_role_holds_in_its_transactions() {
    let harbour = Harbour::open().await;
    let owner = harbour.database.owner.get().await.unwrap();
    let role = format!("pilot_{}", std::process::id());
    owner
        .batch_execute(&format!(
            "create role {role} nologin; alter role {role} set statement_timeout = '77s';
             grant {role} to rowlock_client; grant usage on schema harbour to {role};
             create function harbour.patience() returns text language sql stable as $$ select current_setting('statement_timeout') $$;"
        ))
        .await
        .unwrap();
    let settings = role_settings(&login(&harbour)).await.unwrap();
    assert_eq!(settings[&role], [("statement_timeout".to_owned(), "77s".to_owned())]);
    let config = crate::support::configured(&[("DB_ANON_ROLE", &role)]).config(settings).unwrap();
    harbour.api.configure(config);
    harbour.api.reload().await.unwrap();
    assert_eq!(harbour.got("/rpc/patience").await, r#"200 "77s""#);
}

/// Logged in as the login for clients, to ask it about itself.
fn login(harbour: &Harbour) -> Pool {
    Pool::new(&harbour.database.url.for_clients(), &PoolOptions::default()).unwrap()
}
