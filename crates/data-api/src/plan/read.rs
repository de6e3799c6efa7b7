//! The tree of what is read: the relation asked for, and within it the relations embedded.
//!
//! A tree is planted from `select=`, then filters, orders, ranges and conditions find their nodes, and then, step by step, each
//! node learns its relationship, its aliases and what it shows of its children. The order of the steps is the order in which
//! errors are found, and children stand in the order in which they were last spoken of: both can be seen from outside.

use super::column::{ColumnRef, Resolver};
use super::{embed, spread, stars};
use crate::config::Config;
use crate::error::{Error, RequestError};
use crate::identifier::Qualified;
use crate::request::ast::{
    Aggregate, CastType, Direction, EmbedPath, Field, Filter, IsValue, Join, JsonOperand, LogicOperator, LogicTree,
    Nulls, Operation, OrderTerm, SelectItem, SelectRelation,
};
use crate::request::range::RowRange;
use crate::request::{Action, ApiRequest};
use crate::schema_cache::{Relationship, SchemaCache};

/// A relation and what is read of it.
#[derive(Debug, Clone)]
pub(crate) struct ReadNode {
    pub(crate) select: Vec<SelectColumn>,
    pub(crate) from: Qualified,
    pub(crate) from_alias: Option<String>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) order: Vec<OrderBy>,
    pub(crate) range: RowRange,
    /// As the request names it.
    pub(crate) name: String,
    pub(crate) alias: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) join: Option<Join>,
    pub(crate) spread: Option<Spread>,
    /// To the node above; none at the root.
    pub(crate) relationship: Option<Relationship>,
    /// What a computed relationship is computed from.
    pub(crate) computed_from: Qualified,
    pub(crate) joins: Vec<JoinCondition>,
    /// What the subquery is called in the statement.
    pub(crate) subquery: String,
    /// What is shown of the children.
    pub(crate) embeds: Vec<Embed>,
    pub(crate) depth: usize,
    /// Spoken of by its own name although it has an alias.
    pub(crate) by_legacy_name: bool,
    pub(crate) children: Vec<ReadNode>,
}

/// A column that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelectColumn {
    pub(crate) column: ColumnRef,
    pub(crate) aggregate: Option<Aggregate>,
    pub(crate) aggregate_cast: Option<CastType>,
    pub(crate) cast: Option<CastType>,
    pub(crate) alias: Option<String>,
}

impl SelectColumn {
    pub(crate) fn plain(column: ColumnRef) -> Self {
        Self { column, aggregate: None, aggregate_cast: None, cast: None, alias: None }
    }
}

/// What a row must meet.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a handful exist for each request, and none is kept")]
pub(crate) enum Condition {
    Junction {
        negated: bool,
        operator: LogicOperator,
        branches: Vec<Condition>,
    },
    Filter {
        column: ColumnRef,
        negated: bool,
        operation: Operation,
    },
    /// Whether there are embedded rows.
    HasRows {
        subquery: String,
        expected: bool,
    },
}

/// What rows are ordered by.
#[derive(Debug, Clone)]
pub(crate) struct OrderBy {
    pub(crate) key: OrderKey,
    pub(crate) direction: Option<Direction>,
    pub(crate) nulls: Option<Nulls>,
}

#[derive(Debug, Clone)]
pub(crate) enum OrderKey {
    Own(ColumnRef),
    /// A field of an embedded relation.
    Related {
        relation: String,
        field: Field,
    },
}

/// Two columns that must be equal.
#[derive(Debug, Clone)]
pub(crate) struct JoinCondition {
    pub(crate) one: (Qualified, String),
    pub(crate) two: (Qualified, String),
}

/// What a node shows of a child.
#[derive(Debug, Clone)]
pub(crate) enum Embed {
    /// An object or an array under the child's name.
    Json { name: String, subquery: String, to_one: bool, empty: bool },
    /// The child's columns among its own.
    Spread { columns: Vec<SpreadColumn>, subquery: String },
}

impl Embed {
    pub(crate) fn subquery(&self) -> &str {
        match self {
            Self::Json { subquery, .. } | Self::Spread { subquery, .. } => subquery,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct SpreadColumn {
    pub(crate) name: String,
    pub(crate) aggregate: Option<Aggregate>,
    pub(crate) aggregate_cast: Option<CastType>,
    pub(crate) alias: Option<String>,
}

/// How a child's columns get among its parent's.
#[derive(Debug, Clone)]
pub(crate) enum Spread {
    ToOne,
    /// As arrays; what they are ordered by has to be selected, too.
    ToMany {
        extra: Vec<(Option<String>, SelectColumn)>,
        order: Vec<OrderBy>,
    },
}

/// A read or, after a write or a call, what is shown of its result.
pub(crate) fn plan(
    config: &Config,
    cache: &SchemaCache,
    request: &ApiRequest,
    relation: &Qualified,
) -> Result<ReadNode, Error> {
    let resolver = Resolver::new(cache, relation.clone());
    let mut root = planted(&resolver, &request.query.select);
    let legacy = config.legacy_target_names;
    let mutation = matches!(request.action, Action::Mutate { .. });
    add_filters(&resolver, request, mutation, legacy, &mut root)?;
    for (path, terms) in request.query.order.iter().rev() {
        let terms: Vec<OrderBy> = terms.iter().map(|term| ordered(&resolver, term)).collect();
        at(&mut root, path, legacy, move |node| node.order = terms)?;
    }
    if !mutation {
        root.range = request.range;
        for (path, range) in request.query.ranges.iter().filter(|(path, _)| !path.is_empty()) {
            at(&mut root, path, legacy, |node| node.range = *range)?;
        }
    }
    add_logic(&resolver, request, mutation, legacy, &mut root)?;
    embed::relate(cache, &request.schema, &request.action, &mut root)?;
    stars::expand(&resolver, &mut root);
    each(&mut root, &mut stars::add_aliases);
    embed::relate_orders(&mut root)?;
    each(&mut root, &mut add_null_filters);
    spread::show_children(&mut root);
    if !config.aggregates && has_aggregates(&root) {
        return Err(RequestError::AggregatesOff.into());
    }
    spread::hoist_aggregates(&mut root);
    spread::order_to_many(&mut root)?;
    if !mutation {
        each(&mut root, &mut |node| node.range = node.range.capped(config.max_rows));
    }
    Ok(root)
}

impl ReadNode {
    fn new(from: Qualified, depth: usize) -> Self {
        Self {
            select: Vec::new(),
            name: from.name.clone(),
            from,
            from_alias: None,
            conditions: Vec::new(),
            order: Vec::new(),
            range: RowRange::ALL,
            alias: None,
            hint: None,
            join: None,
            spread: None,
            relationship: None,
            computed_from: Qualified::default(),
            joins: Vec::new(),
            subquery: String::new(),
            embeds: Vec::new(),
            depth,
            by_legacy_name: false,
            children: Vec::new(),
        }
    }

    /// The name under which it is shown.
    pub(crate) fn shown_name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// Whether everything is shown, and nothing else.
    pub(crate) fn shows_whole_rows(&self) -> bool {
        self.children.is_empty() && matches!(self.select.as_slice(), [only] if only.column.name == "*")
    }

    /// Whether the same rows come back as are embedded: `!inner`.
    pub(crate) fn is_inner(&self) -> bool {
        self.join == Some(Join::Inner)
    }

    /// Relations that were spoken of by their own name although they have an alias, with that alias.
    pub(crate) fn legacy_names(&self) -> Vec<(&str, &str)> {
        let own = self.alias.as_deref().filter(|_| self.by_legacy_name).map(|alias| (self.name.as_str(), alias));
        own.into_iter().chain(self.children.iter().flat_map(Self::legacy_names)).collect()
    }
}

fn planted(resolver: &Resolver<'_>, items: &[SelectItem]) -> ReadNode {
    let mut root = ReadNode::new(resolver.relation.clone(), 0);
    grow(resolver, &mut root, items);
    root
}

fn grow(resolver: &Resolver<'_>, node: &mut ReadNode, items: &[SelectItem]) {
    let own = Resolver::new(resolver.cache, node.from.clone());
    for item in items {
        match item {
            SelectItem::Field(field) => node.select.push(SelectColumn {
                column: own.shown(&field.field),
                aggregate: field.aggregate,
                aggregate_cast: field.aggregate_cast.clone(),
                cast: field.cast.clone(),
                alias: field.alias.clone(),
            }),
            SelectItem::Relation(SelectRelation { name, alias, hint, join, spread, items }) => {
                let mut child = ReadNode::new(Qualified::new(&resolver.relation.schema, name), node.depth + 1);
                child.alias.clone_from(alias);
                child.hint.clone_from(hint);
                child.join = *join;
                child.spread = spread.then_some(Spread::ToOne);
                grow(resolver, &mut child, items);
                node.children.push(child);
            }
        }
    }
}

/// Lets `change` have the node at the end of `path`. Whoever is spoken of comes first among their siblings.
fn at(
    root: &mut ReadNode,
    path: &[String],
    legacy: bool,
    change: impl FnOnce(&mut ReadNode),
) -> Result<(), RequestError> {
    let Some((name, rest)) = path.split_first() else {
        change(root);
        return Ok(());
    };
    let by_own_name = |child: &ReadNode| child.name == *name || child.alias.as_ref() == Some(name);
    let found = if legacy {
        root.children.iter().position(by_own_name)
    } else {
        root.children.iter().position(|child| child.shown_name() == name)
    };
    let Some(index) = found else {
        let alias =
            root.children.iter().find(|child| !legacy && by_own_name(child)).and_then(|child| child.alias.clone());
        return Err(RequestError::NotEmbedded { name: name.clone(), alias });
    };
    let mut child = root.children.remove(index);
    if child.name == *name && child.alias.as_ref().is_some_and(|alias| alias != name) {
        child.by_legacy_name = true;
    }
    let result = at(&mut child, rest, legacy, change);
    root.children.insert(0, child);
    result
}

/// Lets `change` have every node, from the root on.
fn each(node: &mut ReadNode, change: &mut impl FnMut(&mut ReadNode)) {
    change(node);
    for child in &mut node.children {
        each(child, change);
    }
}

fn add_filters(
    resolver: &Resolver<'_>,
    request: &ApiRequest,
    mutation: bool,
    legacy: bool,
    root: &mut ReadNode,
) -> Result<(), RequestError> {
    // A write has applied those of its own level itself.
    let theirs = request.query.filters.iter().filter(|(path, _)| !(mutation && path.is_empty()));
    for (path, filter) in theirs.rev() {
        at(root, path, legacy, |node| {
            let own = Resolver::new(resolver.cache, node.from.clone());
            node.conditions.insert(0, filtered(&own, filter));
        })?;
    }
    Ok(())
}

fn add_logic(
    resolver: &Resolver<'_>,
    request: &ApiRequest,
    mutation: bool,
    legacy: bool,
    root: &mut ReadNode,
) -> Result<(), RequestError> {
    let theirs: Vec<&(EmbedPath, LogicTree)> =
        request.query.logic.iter().filter(|(path, _)| !(mutation && path.is_empty())).collect();
    for (path, tree) in theirs.into_iter().rev() {
        at(root, path, legacy, |node| {
            let own = Resolver::new(resolver.cache, node.from.clone());
            node.conditions.insert(0, condition(&own, tree));
        })?;
    }
    Ok(())
}

pub(super) fn filtered(resolver: &Resolver<'_>, filter: &Filter) -> Condition {
    Condition::Filter {
        column: resolver.compared(&filter.field, &filter.operation),
        negated: filter.negated,
        operation: filter.operation.clone(),
    }
}

pub(super) fn condition(resolver: &Resolver<'_>, tree: &LogicTree) -> Condition {
    match tree {
        LogicTree::Filter(filter) => filtered(resolver, filter),
        LogicTree::Junction { negated, operator, branches } => Condition::Junction {
            negated: *negated,
            operator: *operator,
            branches: branches.iter().map(|branch| condition(resolver, branch)).collect(),
        },
    }
}

fn ordered(resolver: &Resolver<'_>, term: &OrderTerm) -> OrderBy {
    let key = match &term.relation {
        Some(relation) => OrderKey::Related { relation: relation.clone(), field: term.field.clone() },
        None => OrderKey::Own(resolver.plain(&term.field)),
    };
    OrderBy { key, direction: term.direction, nulls: term.nulls }
}

/// `clients=not.is.null` asks for rows of the embedded `clients`, where there is such.
fn add_null_filters(node: &mut ReadNode) {
    fn look(condition: &mut Condition, children: &[ReadNode]) {
        match condition {
            Condition::Junction { branches, .. } => branches.iter_mut().for_each(|branch| look(branch, children)),
            Condition::Filter { column, negated, operation: Operation::Is(IsValue::Null) }
                if column.path.is_empty() =>
            {
                if let Some(child) = children.iter().find(|child| child.shown_name() == column.name) {
                    *condition = Condition::HasRows { subquery: child.subquery.clone(), expected: *negated };
                }
            }
            _ => {}
        }
    }
    for condition in &mut node.conditions {
        look(condition, &node.children);
    }
}

fn has_aggregates(node: &ReadNode) -> bool {
    node.select.iter().any(|column| column.aggregate.is_some()) || node.children.iter().any(has_aggregates)
}

/// The last key of a JSON path: what the value is called when nobody names it.
pub(super) fn last_key(column: &ColumnRef) -> Option<String> {
    let key = |operand: &JsonOperand| match operand {
        JsonOperand::Key(key) => Some(key.clone()),
        JsonOperand::Index(_) => None,
    };
    let last = column.path.last()?;
    key(&last.operand)
        .or_else(|| column.path.iter().rev().find_map(|step| key(&step.operand)))
        .or_else(|| Some(column.name.clone()))
}
