//! Finding the relationship between a node and its parent.

use super::read::{JoinCondition, OrderKey, ReadNode, Spread};
use crate::error::{Error, RequestError, SchemaError};
use crate::identifier::Qualified;
use crate::request::Action;
use crate::schema_cache::relationship::{Cardinality, Found};
use crate::schema_cache::{Relationship, SchemaCache};

/// The result of a write or a call, which the read that follows starts from.
pub(crate) const SOURCE: &str = "pgrst_source";

/// Gives every node its relationship to its parent, and the root the result of the write or call before it.
pub(super) fn relate(cache: &SchemaCache, schema: &str, action: &Action, root: &mut ReadNode) -> Result<(), Error> {
    if matches!(action, Action::Mutate { .. } | Action::Call { .. }) {
        // Under its table's name, so that relationships are still found.
        root.from_alias = Some(std::mem::replace(&mut root.from, Qualified::local(SOURCE)).name);
    }
    relate_children(cache, schema, root)
}

fn relate_children(cache: &SchemaCache, schema: &str, parent: &mut ReadNode) -> Result<(), Error> {
    let origin = match (&parent.from_alias, parent.depth) {
        (Some(alias), 0) => alias.clone(),
        _ => parent.from.name.clone(),
    };
    for child in &mut parent.children {
        let relationship = find(cache, schema, &origin, &child.name, child.hint.as_deref())?;
        join(child, relationship, parent.from_alias.as_deref());
        relate_children(cache, schema, child)?;
    }
    Ok(())
}

fn join(node: &mut ReadNode, relationship: Relationship, parent_alias: Option<&str>) {
    let depth = node.depth;
    let own_alias = format!("{}_{depth}", relationship.foreign_table().name);
    node.subquery = format!("{}_{}_{depth}", relationship.table().name, node.shown_name());
    node.from = relationship.foreign_table().clone();
    if node.spread.is_some() && !relationship.is_to_one() {
        node.spread = Some(Spread::ToMany { extra: Vec::new(), order: Vec::new() });
    }
    match &relationship {
        Relationship::Computed(computed) => {
            node.computed_from = parent_alias.map_or_else(|| computed.table.clone(), Qualified::local);
            node.from_alias = Some(own_alias);
        }
        Relationship::Found(found) => {
            // Over a junction, tables are joined under their own names.
            let alias = (!matches!(found.cardinality, Cardinality::ManyToMany(_))).then_some(own_alias);
            node.joins = join_conditions(found, alias.as_deref(), parent_alias);
            node.from_alias = alias;
        }
    }
    node.relationship = Some(relationship);
}

fn join_conditions(found: &Found, alias: Option<&str>, parent_alias: Option<&str>) -> Vec<JoinCondition> {
    let schema = &found.table.schema;
    let called = |alias: Option<&str>, name: &str| alias.map_or_else(|| Qualified::new(schema, name), Qualified::local);
    let equal = |one: Qualified, two: Qualified, (near, far): &(String, String)| JoinCondition {
        one: (one, far.clone()),
        two: (two, near.clone()),
    };
    match &found.cardinality {
        Cardinality::ManyToMany(junction) => {
            let between = || Qualified::new(schema, &junction.table.name);
            let target = || called(None, &found.foreign_table.name);
            let source = || called(parent_alias, &found.table.name);
            let targets = junction.target_columns.iter().map(|pair| equal(between(), target(), pair));
            let sources = junction.source_columns.iter().map(|pair| equal(between(), source(), pair));
            targets.chain(sources).collect()
        }
        Cardinality::OneToMany { columns, .. }
        | Cardinality::ManyToOne { columns, .. }
        | Cardinality::OneToOne { columns, .. } => columns
            .iter()
            .map(|pair| equal(called(alias, &found.foreign_table.name), called(parent_alias, &found.table.name), pair))
            .collect(),
    }
}

/// The one relationship from `origin` that `target` and `hint` mean.
fn find(
    cache: &SchemaCache,
    schema: &str,
    origin: &str,
    target: &str,
    hint: Option<&str>,
) -> Result<Relationship, SchemaError> {
    let key = (Qualified::new(schema, origin), schema.to_owned());
    let mut candidates: Vec<Relationship> = cache
        .relationships
        .get(&key)
        .into_iter()
        .flatten()
        .filter(|relationship| match relationship {
            Relationship::Computed(computed) => computed.function.name == target,
            Relationship::Found(found) if found.is_self => means_self(found, target, hint),
            Relationship::Found(found) => means(found, target, hint),
        })
        .cloned()
        .collect();
    match (candidates.pop(), candidates.len()) {
        (None, _) => Err(SchemaError::no_relationship(cache, schema, origin, target, hint)),
        (Some(only), 0) => Ok(only),
        (Some(last), _) => {
            candidates.push(last);
            Err(SchemaError::AmbiguousRelationship { parent: origin.to_owned(), child: target.to_owned(), candidates })
        }
    }
}

/// By the other table's name, the foreign key or, from its own side, its only column; `hint` makes sure.
fn means(found: &Found, target: &str, hint: Option<&str>) -> bool {
    let direct = found.cardinality.direct();
    let is_constraint = |name: &str| direct.is_some_and(|(constraint, _)| constraint == name);
    let is_own_column =
        |name: &str| matches!(direct, Some((_, columns)) if matches!(columns.as_slice(), [(own, _)] if own == name));
    let is_their_column = |name: &str| matches!(direct, Some((_, columns)) if matches!(columns.as_slice(), [(_, other)] if other == name));
    let is_junction =
        |name: &str| matches!(&found.cardinality, Cardinality::ManyToMany(junction) if junction.table.name == name);
    let is_table = target == found.foreign_table.name;
    match hint {
        None => is_table || (!found.foreign_table_is_view && (is_constraint(target) || is_own_column(target))),
        Some(hint) => {
            is_table && (is_constraint(hint) || is_own_column(hint) || is_their_column(hint) || is_junction(hint))
        }
    }
}

/// A table that refers to itself is two relationships in one key. The table's name means the many, the column's name the one.
fn means_self(found: &Found, target: &str, hint: Option<&str>) -> bool {
    let is_table = target == found.foreign_table.name;
    match (&found.cardinality, hint) {
        (Cardinality::OneToMany { .. }, None) => is_table,
        (Cardinality::ManyToOne { columns, .. }, None) => matches!(columns.as_slice(), [(own, _)] if own == target),
        (Cardinality::OneToMany { columns, .. }, Some(hint)) => {
            is_table && matches!(columns.as_slice(), [(_, other)] if other == hint)
        }
        _ => false,
    }
}

/// `order=clients(name)`: the relation has to be embedded, and there has to be one of it.
pub(super) fn relate_orders(node: &mut ReadNode) -> Result<(), RequestError> {
    for term in &mut node.order {
        let OrderKey::Related { relation, .. } = &mut term.key else { continue };
        let Some(child) = node.children.iter().find(|child| child.shown_name() == relation) else {
            return Err(RequestError::NotEmbedded { name: relation.clone(), alias: None });
        };
        if !child.relationship.as_ref().is_some_and(Relationship::is_to_one) {
            let target = child.shown_name().to_owned();
            return Err(RequestError::OrderNotToOne { origin: node.from.name.clone(), target });
        }
        relation.clone_from(&child.subquery);
    }
    node.children.iter_mut().try_for_each(relate_orders)
}
