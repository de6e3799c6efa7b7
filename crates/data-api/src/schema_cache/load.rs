//! Reading the catalogue.

use std::collections::HashMap;

use postgres::{Error as PostgresError, Pool};
use serde::de::DeserializeOwned;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Transaction};

use super::media_handler::{MediaHandlers, Target};
use super::relationship::relationships;
use super::view::{Key, KeySide, View, keys_in_views};
use super::{Function, Representations, SchemaCache, Table};
use crate::config::Config;
use crate::identifier::Qualified;

const TABLES: &str = include_str!("../../../../sql/data-api/tables.sql");
const RELATIONSHIPS: &str = include_str!("../../../../sql/data-api/relationships.sql");
const VIEWS: &str = include_str!("../../../../sql/data-api/views.sql");
const KEYS: &str = include_str!("../../../../sql/data-api/keys.sql");
pub(crate) const FUNCTIONS: &str = include_str!("../../../../sql/data-api/functions.sql");
const COMPUTED: &str = include_str!("../../../../sql/data-api/computed_relationships.sql");
const REPRESENTATIONS: &str = include_str!("../../../../sql/data-api/representations.sql");
const HANDLERS: &str = include_str!("../../../../sql/data-api/media_handlers.sql");

/// Why the catalogue could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Postgres could not be asked.
    #[error("the schema cannot be read")]
    Postgres(#[from] PostgresError),
    /// Postgres answered something that was not expected: a mistake of ours.
    #[error("the catalogue has an entry that is not understood: {0}")]
    Entry(#[from] serde_json::Error),
    /// Nobody was left to understand it.
    #[error("the reading was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

impl SchemaCache {
    /// Reads everything in one transaction, so that it belongs together.
    pub(crate) async fn load(pool: &Pool, config: &Config) -> Result<Self, LoadError> {
        let mut connection = pool.get().await?;
        let transaction = connection.build_transaction().read_only(true).start().await.map_err(failed)?;
        // Without a search path every name that Postgres prints is qualified.
        transaction.batch_execute("set local search_path = ''").await.map_err(failed)?;
        // Eight queries at once make a large future; it is read rarely.
        let catalogue = Box::pin(Catalogue::read(&transaction, config)).await?;
        transaction.commit().await.map_err(failed)?;
        // Of thousands of tables that takes a while, for which no request is to wait.
        let schemas = config.schemas.clone();
        tokio::task::spawn_blocking(move || catalogue.understood(&schemas)).await.map_err(LoadError::Interrupted)?
    }
}

fn failed(error: tokio_postgres::Error) -> LoadError {
    LoadError::Postgres(PostgresError::Statement(error))
}

/// What the catalogue says, as it says it.
struct Catalogue {
    tables: Vec<Row>,
    foreign_keys: Vec<Row>,
    views: Vec<Row>,
    sides: Vec<Row>,
    functions: Vec<Row>,
    computed: Vec<Row>,
    representations: Vec<Row>,
    handlers: Vec<Row>,
}

impl Catalogue {
    async fn read(transaction: &Transaction<'_>, config: &Config) -> Result<Self, LoadError> {
        let schemas = &config.schemas;
        let with_extra: Vec<&String> = schemas.iter().chain(&config.extra_search_path).collect();
        let of_schemas = [(schemas as &(dyn ToSql + Sync), Type::TEXT_ARRAY)];
        let of_all = [(&with_extra as &(dyn ToSql + Sync), Type::TEXT_ARRAY)];
        let of_functions: [(&(dyn ToSql + Sync), Type); 3] =
            [(schemas, Type::TEXT_ARRAY), (&config.hoisted_settings, Type::TEXT_ARRAY), (&false, Type::BOOL)];
        // One flight: none of these needs another's answer. Without a name, because what is asked once need not be kept, and a pooler
        // in transaction mode knows no names.
        let (tables, foreign_keys, views, sides, functions, computed, representations, handlers) =
            futures_util::try_join!(
                transaction.query_typed(TABLES, &of_schemas),
                transaction.query_typed(RELATIONSHIPS, &[]),
                transaction.query_typed(VIEWS, &of_all),
                transaction.query_typed(KEYS, &[]),
                transaction.query_typed(FUNCTIONS, &of_functions),
                transaction.query_typed(COMPUTED, &[]),
                transaction.query_typed(REPRESENTATIONS, &[]),
                transaction.query_typed(HANDLERS, &of_schemas),
            )
            .map_err(failed)?;
        Ok(Self { tables, foreign_keys, views, sides, functions, computed, representations, handlers })
    }

    fn understood(&self, schemas: &[String]) -> Result<SchemaCache, LoadError> {
        let views = self.views.iter().map(view).collect::<Result<Vec<_>, _>>()?;
        let sides: Vec<Key> = self.sides.iter().map(key).collect();
        let in_views = keys_in_views(&views, &sides, schemas);
        let mut tables: HashMap<Qualified, Table> =
            entries(texts(&self.tables))?.into_iter().map(|table: Table| (table.qualified(), table)).collect();
        for key in in_views.iter().filter(|key| key.side == KeySide::Primary) {
            if let Some(view) = tables.get_mut(&key.view) {
                // Under several names the first will do: nobody has to name it.
                view.primary_key.extend(key.columns.iter().filter_map(|names| names.first().cloned()));
            }
        }
        let (keys, computed) = (entries(texts(&self.foreign_keys))?, entries(texts(&self.computed))?);
        let relationships = relationships(keys, computed, &in_views, &tables, schemas);
        tables.retain(|table, _| schemas.contains(&table.schema));
        Ok(SchemaCache {
            tables,
            relationships,
            functions: functions_of(texts(&self.functions))?,
            representations: self.representations.iter().map(representation).collect::<Representations>(),
            media_handlers: media_handlers(&self.handlers),
        })
    }
}

/// The functions that the statement gave, by name; those with the fewest parameters first.
pub(crate) fn functions_of<'a>(
    texts: impl Iterator<Item = &'a str>,
) -> Result<HashMap<Qualified, Vec<Function>>, LoadError> {
    let mut functions: HashMap<Qualified, Vec<Function>> = HashMap::new();
    for function in entries::<Function>(texts)? {
        functions.entry(function.qualified()).or_default().push(function);
    }
    for overloads in functions.values_mut() {
        overloads.sort_by(|one, two| one.parameters.len().cmp(&two.parameters.len()).then_with(|| one.cmp(two)));
    }
    Ok(functions)
}

fn entries<'a, T: DeserializeOwned>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<T>, LoadError> {
    Ok(texts.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Rows of one JSON column.
fn texts(rows: &[Row]) -> impl Iterator<Item = &str> {
    rows.iter().map(|row| row.get(0))
}

fn view(row: &Row) -> Result<View, LoadError> {
    Ok(View {
        oid: row.get("oid"),
        name: Qualified::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
        definition: row.get("definition"),
        columns: match row.get::<_, Option<&str>>("columns") {
            Some(text) => serde_json::from_str(text)?,
            None => Default::default(),
        },
    })
}

fn key(row: &Row) -> Key {
    Key {
        name: row.get("name"),
        side: match row.get("side") {
            "primary" => KeySide::Primary,
            "foreign" => KeySide::Foreign,
            _ => KeySide::Referenced,
        },
        relation: row.get("relation"),
        table: Qualified::new(row.get::<_, String>("schema"), row.get::<_, String>("table")),
        columns: row.get("columns"),
    }
}

fn representation(row: &Row) -> ((String, String), Qualified) {
    let function = Qualified::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
    ((row.get("source"), row.get("target")), function)
}

fn media_handlers(rows: &[Row]) -> MediaHandlers {
    let mut handlers = MediaHandlers::new();
    for row in rows {
        let function = Qualified::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
        let target = match (row.get::<_, Option<String>>("target_schema"), row.get::<_, Option<String>>("target_name"))
        {
            (Some(schema), Some(name)) => Target::Relation(Qualified { schema, name }),
            _ => Target::Anything,
        };
        handlers.insert(function, target, row.get("media_type"));
    }
    handlers
}
