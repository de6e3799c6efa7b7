//! `PGRST2xx`: what is asked for is not in the schema, or is there more than once.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Value, json};

use super::Told;
use crate::request::media_type::MediaType;
use crate::schema_cache::relationship::{Cardinality, ColumnPairs, Found};
use crate::schema_cache::similar::{self, SimilarNames};
use crate::schema_cache::{Function, Relationship, SchemaCache};

/// What cannot be found.
#[derive(Debug)]
pub(crate) enum SchemaError {
    NoRelationship { parent: String, child: String, hint: Option<String>, schema: String, similar: Option<String> },
    AmbiguousRelationship { parent: String, child: String, candidates: Vec<Relationship> },
    NoFunction(Box<NoFunction>),
    AmbiguousFunction(Vec<Function>),
    NoColumn { table: String, column: String },
    NoTable { schema: String, table: String, similar: Option<String> },
}

/// A call that fits no function.
#[derive(Debug)]
pub(crate) struct NoFunction {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) arguments: BTreeSet<String>,
    pub(crate) content_type: MediaType,
    pub(crate) post: bool,
    pub(crate) similar: Option<String>,
}

impl SchemaError {
    pub(super) fn told(self) -> Told {
        match self {
            Self::NoRelationship { parent, child, hint, schema, similar } => {
                let using = hint.map(|hint| format!("' using the hint '{hint}")).unwrap_or_default();
                Told::new(
                    StatusCode::BAD_REQUEST,
                    "PGRST200",
                    format!("Could not find a relationship between '{parent}' and '{child}' in the schema cache"),
                )
                .details(format!(
                    "Searched for a foreign key relationship between '{parent}' and '{child}{using}' in the schema '{schema}', but no matches were found."
                ))
                .hint(similar)
            }
            Self::AmbiguousRelationship { parent, child, candidates } => {
                let found: Vec<&Found> = candidates
                    .iter()
                    .filter_map(|candidate| match candidate {
                        Relationship::Found(found) => Some(found),
                        Relationship::Computed(_) => None,
                    })
                    .collect();
                let described: Vec<Value> = found.iter().map(|found| described(found)).collect();
                let hints: Vec<String> = found.iter().map(|found| hint_for(found)).collect();
                Told::new(
                    StatusCode::MULTIPLE_CHOICES,
                    "PGRST201",
                    format!(
                        "Could not embed because more than one relationship was found for '{parent}' and '{child}'"
                    ),
                )
                .details(described)
                .hint(format!(
                    "Try changing '{child}' to one of the following: {}. Find the desired relationship in the 'details' key.",
                    hints.join(", ")
                ))
            }
            Self::NoFunction(no_function) => no_function.told(),
            Self::AmbiguousFunction(functions) => {
                let signatures: Vec<String> = functions.iter().map(Function::signature).collect();
                Told::new(
                    StatusCode::MULTIPLE_CHOICES,
                    "PGRST203",
                    format!("Could not choose the best candidate function between: {}", signatures.join(", ")),
                )
                .hint("Try renaming the parameters or the function itself in the database so function overloading can be resolved")
            }
            Self::NoColumn { table, column } => Told::new(
                StatusCode::BAD_REQUEST,
                "PGRST204",
                format!("Could not find the '{column}' column of '{table}' in the schema cache"),
            ),
            Self::NoTable { schema, table, similar } => Told::new(
                StatusCode::NOT_FOUND,
                "PGRST205",
                format!("Could not find the table '{schema}.{table}' in the schema cache"),
            )
            .hint(similar.map(|similar| format!("Perhaps you meant the table '{schema}.{similar}'"))),
        }
    }

    pub(crate) fn no_table(cache: &SchemaCache, schema: &str, table: &str) -> Self {
        let similar = cache.table_like(schema, table);
        Self::NoTable { schema: schema.to_owned(), table: table.to_owned(), similar }
    }

    pub(crate) fn no_relationship(
        cache: &SchemaCache,
        schema: &str,
        parent: &str,
        child: &str,
        hint: Option<&str>,
    ) -> Self {
        Self::NoRelationship {
            parent: parent.to_owned(),
            child: child.to_owned(),
            hint: hint.map(str::to_owned),
            schema: schema.to_owned(),
            similar: relation_like(cache, schema, parent, child),
        }
    }
}

/// Another parent, if this one has no relationships; otherwise another child, unless this one is right and the hint is not.
fn relation_like(cache: &SchemaCache, schema: &str, parent: &str, child: &str) -> Option<String> {
    let of_parent = cache
        .relationships
        .iter()
        .find(|((table, target), _)| table.schema == schema && table.name == parent && target == schema);
    match of_parent {
        Some((_, relationships)) => {
            let children: SimilarNames =
                relationships.iter().map(|relationship| relationship.foreign_table().name.as_str()).collect();
            let (score, similar) = children.ranked(child, similar::LOOSE).into_iter().next()?;
            (score < 1.0).then(|| format!("Perhaps you meant '{similar}' instead of '{child}'."))
        }
        None => {
            let parents: SimilarNames = cache
                .relationships
                .keys()
                .filter(|(_, target)| target == schema)
                .map(|(table, _)| table.name.as_str())
                .collect();
            let similar = parents.best(parent, similar::LOOSE)?;
            Some(format!("Perhaps you meant '{similar}' instead of '{parent}'."))
        }
    }
}

impl NoFunction {
    fn told(self) -> Told {
        let Self { schema, name, arguments, content_type, post, similar } = self;
        let whole_body = match content_type {
            MediaType::PlainText if post => Some("text"),
            MediaType::Xml if post => Some("xml"),
            MediaType::Bytes if post => Some("bytea"),
            _ => None,
        };
        let listed = arguments.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (shown, searched) = match arguments.len() {
            0 => (" without parameters".to_owned(), " without parameters".to_owned()),
            1 => (format!("({listed})"), format!(" with parameter {listed}")),
            _ => (format!("({listed})"), format!(" with parameters {listed}")),
        };
        let (shown, searched) = match whole_body {
            Some(kind) => (String::new(), format!(" with a single unnamed {kind} parameter")),
            None if post && content_type == MediaType::Json => {
                (shown, format!("{searched} or with a single unnamed json/jsonb parameter"))
            }
            None => (shown, searched),
        };
        Told::new(
            StatusCode::NOT_FOUND,
            "PGRST202",
            format!("Could not find the function {schema}.{name}{shown} in the schema cache"),
        )
        .details(format!(
            "Searched for the function {schema}.{name}{searched}, but no matches were found in the schema cache."
        ))
        .hint(similar.filter(|_| whole_body.is_none()))
    }

    /// A function with a name like this one or, where the name is right, with parameters like these.
    pub(crate) fn similar(
        cache: &SchemaCache,
        schema: &str,
        name: &str,
        arguments: &BTreeSet<String>,
    ) -> Option<String> {
        let written = |names: &BTreeSet<&str>| format!("({})", names.iter().copied().collect::<Vec<_>>().join(", "));
        let key = crate::identifier::Qualified::new(schema, name);
        let found = match cache.functions.get(&key) {
            None => {
                let names: SimilarNames = cache
                    .functions
                    .keys()
                    .filter(|function| function.schema == schema)
                    .map(|function| function.name.as_str())
                    .collect();
                names.best(name, similar::CLOSE)?.to_owned()
            }
            Some(overloads) => {
                let parameters: SimilarNames = overloads
                    .iter()
                    .map(|function| {
                        written(&function.parameters.iter().map(|parameter| parameter.name.as_str()).collect())
                    })
                    .collect();
                let wanted = written(&arguments.iter().map(String::as_str).collect());
                format!("{name}{}", parameters.best(&wanted, similar::LOOSE)?)
            }
        };
        Some(format!("Perhaps you meant to call the function {schema}.{found}"))
    }
}

fn described(found: &Found) -> Value {
    let side = |columns: &ColumnPairs, own: bool| {
        let names: Vec<&str> = columns.iter().map(|(one, two)| if own { one.as_str() } else { two.as_str() }).collect();
        format!("({})", names.join(", "))
    };
    let (table, foreign) = (&found.table.name, &found.foreign_table.name);
    let direct = |constraint: &str, columns: &ColumnPairs| {
        format!("{constraint} using {table}{} and {foreign}{}", side(columns, true), side(columns, false))
    };
    let (cardinality, relationship) = match &found.cardinality {
        Cardinality::ManyToMany(junction) => (
            "many-to-many",
            format!(
                "{} using {}{} and {}{}",
                junction.table.name,
                junction.source_constraint,
                side(&junction.source_columns, false),
                junction.target_constraint,
                side(&junction.target_columns, false),
            ),
        ),
        Cardinality::ManyToOne { constraint, columns } => ("many-to-one", direct(constraint, columns)),
        Cardinality::OneToOne { constraint, columns, .. } => ("one-to-one", direct(constraint, columns)),
        Cardinality::OneToMany { constraint, columns } => ("one-to-many", direct(constraint, columns)),
    };
    json!({
        "cardinality": cardinality,
        "embedding": format!("{table} with {foreign}"),
        "relationship": relationship,
    })
}

fn hint_for(found: &Found) -> String {
    let by = match &found.cardinality {
        Cardinality::ManyToMany(junction) => &junction.table.name,
        Cardinality::ManyToOne { constraint, .. }
        | Cardinality::OneToOne { constraint, .. }
        | Cardinality::OneToMany { constraint, .. } => constraint,
    };
    format!("'{}!{by}'", found.foreign_table.name)
}
