//! What is written.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::column::{ColumnRef, Resolver};
use super::read::{Condition, ReadNode, condition, filtered};
use crate::error::{Error, RequestError, SchemaError};
use crate::identifier::Qualified;
use crate::request::ast::{Filter, Operation, QuantifiableOperator};
use crate::request::preferences::{Missing, Representation, Resolution};
use crate::request::{ApiRequest, Mutation};
use crate::schema_cache::relationship::Cardinality;
use crate::schema_cache::{Relationship, SchemaCache, Table};

/// One statement that writes.
#[derive(Debug, Clone)]
pub(crate) enum MutatePlan {
    Insert(Insert),
    Update(Update),
    Delete(Delete),
}

#[derive(Debug, Clone)]
pub(crate) struct Insert {
    pub(crate) into: Qualified,
    pub(crate) columns: Vec<ColumnRef>,
    pub(crate) body: Bytes,
    pub(crate) conflict: Option<(Resolution, Vec<String>)>,
    /// `PUT`: what the row in the body must meet.
    pub(crate) conditions: Vec<Condition>,
    pub(crate) returning: Vec<String>,
    pub(crate) primary_key: Vec<String>,
    pub(crate) defaults: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) table: Qualified,
    pub(crate) columns: Vec<ColumnRef>,
    pub(crate) body: Bytes,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) returning: Vec<String>,
    pub(crate) defaults: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Delete {
    pub(crate) from: Qualified,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) returning: Vec<String>,
}

/// The write that `request` asks for, returning what `read` will show of it.
pub(super) fn plan(
    cache: &SchemaCache,
    request: &ApiRequest,
    table: &Table,
    mutation: Mutation,
    read: &ReadNode,
) -> Result<MutatePlan, Error> {
    let qualified = table.qualified();
    let resolver = Resolver::new(cache, qualified.clone());
    let query = &request.query;
    let returning = match request.preferences.representation {
        None | Some(Representation::Minimal) => Vec::new(),
        _ => needed(read, &table.primary_key).into_iter().collect(),
    };
    let columns = || -> Result<Vec<ColumnRef>, Error> {
        let known = |name: &String| {
            let missing = || SchemaError::NoColumn { table: table.name.clone(), column: name.clone() };
            resolver.written(name).ok_or_else(missing)
        };
        Ok(request.columns.iter().map(known).collect::<Result<_, _>>()?)
    };
    let conditions = || -> Vec<Condition> {
        let filters = query.root_filters().map(|filter| filtered(&resolver, filter));
        let trees = query.logic.iter().filter(|(path, _)| path.is_empty());
        filters.chain(trees.map(|(_, tree)| condition(&resolver, tree))).collect()
    };
    let body = request.payload.as_ref().and_then(|payload| payload.raw()).cloned().unwrap_or_default();
    let defaults = request.preferences.missing == Some(Missing::Default);
    Ok(match mutation {
        Mutation::Create => {
            let targets = query.on_conflict.clone().unwrap_or_else(|| table.primary_key.clone());
            MutatePlan::Insert(Insert {
                into: qualified,
                columns: columns()?,
                body,
                conflict: request.preferences.resolution.map(|resolution| (resolution, targets)),
                conditions: Vec::new(),
                returning,
                primary_key: table.primary_key.clone(),
                defaults,
            })
        }
        Mutation::SingleUpsert => {
            check_put(request, table)?;
            MutatePlan::Insert(Insert {
                into: qualified,
                columns: columns()?,
                body,
                conflict: Some((Resolution::MergeDuplicates, table.primary_key.clone())),
                conditions: conditions(),
                returning,
                primary_key: Vec::new(),
                defaults: false,
            })
        }
        Mutation::Update => MutatePlan::Update(Update {
            table: qualified,
            columns: columns()?,
            body,
            conditions: conditions(),
            returning,
            defaults,
        }),
        Mutation::Delete => MutatePlan::Delete(Delete { from: qualified, conditions: conditions(), returning }),
    })
}

/// `PUT` names one row by its whole primary key, and nothing else.
fn check_put(request: &ApiRequest, table: &Table) -> Result<(), RequestError> {
    let key: BTreeSet<String> = table.primary_key.iter().cloned().collect();
    let equal = |filter: &Filter| {
        !filter.negated && matches!(filter.operation, Operation::Quantifiable(QuantifiableOperator::Equal, None, _))
    };
    let query = &request.query;
    let fits = query.logic.is_empty() && !key.is_empty() && query.filter_keys == key && query.root_filters().all(equal);
    if fits { Ok(()) } else { Err(RequestError::PutFilters) }
}

/// The columns that a result must have, so that `read` can show what it shows and join what it embeds.
pub(super) fn needed(read: &ReadNode, primary_key: &[String]) -> BTreeSet<String> {
    let star = || BTreeSet::from(["*".to_owned()]);
    let mut names: BTreeSet<String> = read.select.iter().map(|column| column.column.name.clone()).collect();
    if names.contains("*") {
        return star();
    }
    for child in &read.children {
        match &child.relationship {
            // Whatever the function looks at.
            Some(Relationship::Computed(_)) => return star(),
            Some(Relationship::Found(found)) => {
                let pairs = match &found.cardinality {
                    Cardinality::OneToMany { columns, .. }
                    | Cardinality::ManyToOne { columns, .. }
                    | Cardinality::OneToOne { columns, .. } => columns,
                    Cardinality::ManyToMany(junction) => &junction.source_columns,
                };
                names.extend(pairs.iter().map(|(own, _)| own.clone()));
            }
            None => {}
        }
    }
    names.extend(primary_key.iter().cloned());
    names
}
