//! Which column a name means: names are looked up from the inside out, as Postgres looks them up.
//!
//! In `exists (select 1 from members where org_id = members.org_id)` both sides are the column of `members`, whoever the author had in
//! mind, as soon as `members` has such a column; and where it has none, both may be the row's. What no source says (a table that is made
//! elsewhere) stays undecided.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::schema::{Clause, Kind, Schema};
use super::syntax::{child, descendants, names, table_name};
use crate::TableName;

/// Where names are looked up: the condition of a policy of a table.
pub(super) struct Lookup<'a> {
    pub(super) schema: &'a Schema,
    pub(super) table: &'a TableName,
    pub(super) clause: &'a Clause,
}

/// A column, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Of the row that the policy is asked about.
    Row(String),
    /// Of what stands at this place of a `from`.
    Inner(usize, String),
    /// As it is written, where nobody can tell, inside of the sub-select at this place.
    Undecided(usize, Vec<String>),
}

impl Meaning {
    pub(super) fn column(&self) -> &str {
        match self {
            Self::Row(column) | Self::Inner(_, column) => column,
            Self::Undecided(_, names) => names.last().map_or("", String::as_str),
        }
    }
}

/// One table, function or sub-select of a `from`.
struct Item {
    place: usize,
    called: String,
    /// The columns, where they are known.
    columns: Option<Vec<String>>,
}

impl Lookup<'_> {
    /// What a name or a qualified name means.
    pub(super) fn meaning(&self, name: &SyntaxNode) -> Meaning {
        let written = names(name);
        let (qualifier, column) = match &written[..] {
            [column] => (None, column.clone()),
            [.., qualifier, column] => (Some(qualifier), column.clone()),
            [] => return Meaning::Undecided(0, written),
        };
        let mut innermost = None;
        for select in self.selects_around(name) {
            let place = usize::from(select.text_range().start());
            let innermost = *innermost.get_or_insert(place);
            let items = self.items(&select);
            if let Some(qualifier) = qualifier {
                if let Some(item) = items.iter().find(|item| item.called == *qualifier) {
                    return Meaning::Inner(item.place, column);
                }
                continue;
            }
            if let Some(item) = items.iter().find(|item| self.certainly_has(item, &select, &column)) {
                return Meaning::Inner(item.place, column);
            }
            if items.iter().any(|item| item.columns.is_none()) {
                return Meaning::Undecided(innermost, written);
            }
        }
        if qualifier.is_none_or(|qualifier| *qualifier == self.table.table) {
            return Meaning::Row(column);
        }
        Meaning::Undecided(innermost.unwrap_or_default(), written)
    }

    /// Whether it certainly asks about the row of the policy.
    pub(super) fn asks_row(&self, node: &SyntaxNode) -> bool {
        let of = |name: &SyntaxNode, kind: SyntaxKind| name.parent().filter(|parent| parent.kind() == kind);
        descendants(node, SyntaxKind::NAME_REF)
            .map(|name| of(&name, SyntaxKind::FIELD_EXPR).unwrap_or(name))
            .filter(|name| of(name, SyntaxKind::CALL_EXPR).is_none())
            .any(|name| match self.meaning(&name) {
                Meaning::Row(_) => true,
                // Qualified by the policy's own table, it is the row's.
                Meaning::Undecided(_, written) => written.iter().rev().nth(1) == Some(&self.table.table),
                Meaning::Inner(..) => false,
            })
    }

    /// The sub-selects whose tables can be named here, the innermost first.
    fn selects_around(&self, name: &SyntaxNode) -> Vec<SyntaxNode> {
        let mut selects = Vec::new();
        let mut below_from = false;
        for outer in name.ancestors().skip(1) {
            if outer.kind() == SyntaxKind::PAREN_FROM_ITEM {
                // What stands in a `from` beside a sub-select cannot be named in it.
                below_from = true;
            } else if outer.kind() == SyntaxKind::SELECT && child(&outer, SyntaxKind::FROM_CLAUSE).is_some() {
                if !below_from {
                    selects.push(outer.clone());
                }
                below_from = false;
            }
            if outer == self.clause.node {
                break;
            }
        }
        selects
    }

    fn items(&self, select: &SyntaxNode) -> Vec<Item> {
        let Some(from) = child(select, SyntaxKind::FROM_CLAUSE) else { return Vec::new() };
        let own = |node: &SyntaxNode| {
            let owner = node.ancestors().skip(1).find(|outer| outer.kind() == SyntaxKind::SELECT);
            owner.as_ref() == Some(select)
        };
        let is_item = |node: &SyntaxNode| {
            matches!(
                node.kind(),
                SyntaxKind::RELATION_FROM_ITEM | SyntaxKind::FUNCTION_FROM_ITEM | SyntaxKind::PAREN_FROM_ITEM
            )
        };
        from.descendants().filter(|node| is_item(node) && own(node)).map(|node| self.item(&node)).collect()
    }

    fn item(&self, node: &SyntaxNode) -> Item {
        let relation = child(node, SyntaxKind::RELATION_NAME_REF).and_then(|name| table_name(&name));
        let alias = child(node, SyntaxKind::FROM_ALIAS);
        let called = alias.as_ref().and_then(|alias| child(alias, SyntaxKind::TABLE_ALIAS));
        let called = called.and_then(|called| names(&called).pop());
        let known = relation.as_ref().and_then(|name| self.schema.relations.get(name));
        let columns = known
            .filter(|relation| relation.kind == Kind::Table && !relation.columns.is_empty())
            .map(|relation| relation.columns.iter().map(|column| column.name.clone()).collect());
        let called = called.or_else(|| relation.map(|name| name.table)).unwrap_or_default();
        Item { place: node.text_range().start().into(), called, columns }
    }

    /// Known from where it is made, or because the same condition names the column by its table.
    fn certainly_has(&self, item: &Item, select: &SyntaxNode, column: &str) -> bool {
        if let Some(columns) = &item.columns {
            return columns.iter().any(|known| known == column);
        }
        descendants(select, SyntaxKind::FIELD_EXPR).any(|field| {
            let names = names(&field);
            matches!(&names[..], [qualifier, named] if *qualifier == item.called && named == column)
        })
    }
}
