//! The small organization app: its schema, its declaration, and a database that has both.

use policy::difference::difference;
use policy::model::Model;
use postgres::testing::TestDatabase;

pub(crate) const SCHEMA: &str = include_str!("../app/schema.sql");
pub(crate) const DECLARATION: &str = include_str!("../app/rowlock.toml");

pub(crate) fn model() -> Model {
    Model::parse(DECLARATION).unwrap()
}

/// The same for the forms of access that the app has no use for.
pub(crate) const STRICT_SCHEMA: &str = include_str!("../app/strict.sql");
pub(crate) const STRICT_DECLARATION: &str = include_str!("../app/strict.toml");

/// A database with a schema and everything that its declaration generates.
pub(crate) async fn declared(schema: &str, model: &Model) -> TestDatabase {
    let database = TestDatabase::create().await;
    execute(&database, schema).await;
    let migration = difference(model, &database.owner).await.unwrap().migration;
    execute(&database, &migration).await;
    database
}

/// A database with the app's tables and nothing that protects them.
pub(crate) async fn unprotected() -> TestDatabase {
    let database = TestDatabase::create().await;
    execute(&database, SCHEMA).await;
    database
}

/// A database with everything that the app's declaration generates.
pub(crate) async fn protected() -> TestDatabase {
    declared(SCHEMA, &model()).await
}

pub(crate) async fn execute(database: &TestDatabase, statements: &str) {
    database.owner.get().await.unwrap().batch_execute(statements).await.unwrap_or_else(|error| panic!("{error:?}"));
}
