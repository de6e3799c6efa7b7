//! A statement that writes in several places, as the statements that each do one of it.
//!
//! The parts of a `with` all see the database as it was before the statement, and do not see each other: each can be explained by
//! itself. What reads the rows that another part returns cannot, for those rows are not there yet, and is told to be left out.
//!
//! `merge` is taken apart at its `when`: `when matched then update` becomes an `update … from` the source under the same condition, less
//! what an earlier `when` takes; `when not matched then insert` becomes an `insert … select` of the source's rows that match none. In a
//! merge, a row that the policies for reading hide counts as not there, and one that the policies for changing keep is an error.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::statement::is_change;
use crate::lint::tree::{child, descendants, names};

/// A part of a statement.
pub(super) enum Part {
    /// As a statement of its own.
    Alone {
        /// Its text.
        text: String,
        /// Whether it is one of a merge's actions.
        of_merge: bool,
    },
    /// What is left out, and why.
    LeftOut(String),
}

/// The parts that write, in the order in which they are written.
pub(super) fn parts(statement: &SyntaxNode) -> Vec<Part> {
    let with = With::of(statement);
    let mut parts = Vec::new();
    for table in with.tables.iter().filter(|table| table.writes) {
        let what = format!("`{}`", table.name);
        with.add(&table.query, &what, &mut parts);
    }
    if is_change(statement) {
        with.add(statement, "the statement itself", &mut parts);
    }
    parts
}

/// What only reads: the tables of `with` that write nothing, and the statement itself where it does not.
pub(super) fn reading(statement: &SyntaxNode) -> Vec<SyntaxNode> {
    let with = With::of(statement);
    let read = with.tables.into_iter().filter(|table| !table.writes).map(|table| table.query);
    let own = statement.children().filter(|part| part.kind() != SyntaxKind::WITH_CLAUSE && !is_change(statement));
    read.chain(own).collect()
}

/// A `with` clause.
struct With {
    recursive: bool,
    tables: Vec<Table>,
}

struct Table {
    name: String,
    /// `name as (…)`
    text: String,
    query: SyntaxNode,
    /// Whether it is a change.
    writes: bool,
    /// Whether it reads, by however many steps, what a change returns.
    depends: bool,
}

impl With {
    fn of(statement: &SyntaxNode) -> Self {
        let clause = child(statement, SyntaxKind::WITH_CLAUSE);
        let mut tables: Vec<Table> = Vec::new();
        let recursive = clause.as_ref().is_some_and(|clause| has_word(clause, SyntaxKind::RECURSIVE_KW));
        for node in clause.iter().flat_map(SyntaxNode::children).filter(|node| node.kind() == SyntaxKind::WITH_TABLE) {
            let name = child(&node, SyntaxKind::CTE_NAME).and_then(|name| names(&name).pop());
            let (Some(name), Some(query)) = (name, node.last_child()) else { continue };
            let depends = refers(&query, &tables);
            tables.push(Table { name, text: node.text().to_string(), writes: is_change(&query), query, depends });
        }
        Self { recursive, tables }
    }

    /// The tables that only read, for a part that may name them.
    fn text(&self) -> String {
        let read = self.tables.iter().filter(|table| !table.writes && !table.depends);
        let texts: Vec<&str> = read.map(|table| table.text.as_str()).collect();
        let recursive = if self.recursive { " recursive" } else { "" };
        if texts.is_empty() { String::new() } else { format!("with{recursive} {}\n", texts.join(",\n")) }
    }

    fn add(&self, change: &SyntaxNode, what: &str, parts: &mut Vec<Part>) {
        let own_with = child(change, SyntaxKind::WITH_CLAUSE);
        let body = |node: &SyntaxNode| {
            let parts = node.children_with_tokens().filter(|part| part.kind() != SyntaxKind::WITH_CLAUSE);
            parts.map(|part| part.to_string()).collect::<String>()
        };
        let is_inner = change.parent().is_some_and(|outer| outer.kind() == SyntaxKind::WITH_TABLE);
        let left_out = |why: &str| Part::LeftOut(format!("{what}: {why}"));
        if change
            .children()
            .filter(|part| part.kind() != SyntaxKind::WITH_CLAUSE)
            .any(|part| refers(&part, &self.tables))
        {
            parts.push(left_out("it reads rows that another part of the statement returns, which are not there yet"));
        } else if is_inner && own_with.is_some() {
            parts.push(left_out("it has a `with` of its own inside of the `with`"));
        } else if change.kind() == SyntaxKind::MERGE {
            merge(change, &self.text(), parts);
        } else {
            parts.push(Part::Alone { text: format!("{}{}", self.text(), body(change).trim()), of_merge: false });
        }
    }
}

/// Whether it names a table of `with` that writes, or that depends on one.
fn refers(node: &SyntaxNode, tables: &[Table]) -> bool {
    descendants(node, SyntaxKind::RELATION_NAME_REF).any(|reference| {
        matches!(&names(&reference)[..], [name] if tables.iter().any(|table| table.name == *name && (table.writes || table.depends)))
    })
}

fn has_word(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.kind() == kind)
}

fn merge(merge: &SyntaxNode, with: &str, parts: &mut Vec<Part>) {
    let text = |node: Option<SyntaxNode>| node.map(|node| node.text().to_string()).unwrap_or_default();
    let alias = text(child(merge, SyntaxKind::OPTIONAL_AS_ALIAS));
    let relation = child(merge, SyntaxKind::TABLE_RELATION_NAME);
    let name = text(relation.as_ref().and_then(|relation| child(relation, SyntaxKind::TABLE_NAME_REF)));
    let target = format!("{} {alias}", text(relation));
    let Some(using) = child(merge, SyntaxKind::USING_ON_CLAUSE) else { return };
    let source = text(using.first_child());
    let on = text(child(&using, SyntaxKind::ON_CLAUSE).and_then(|on| on.last_child()));
    // What earlier clauses of a kind take, later ones do not get.
    let mut taken: Vec<(SyntaxKind, String)> = Vec::new();
    for when in merge.children() {
        let found = match when.kind() {
            SyntaxKind::MERGE_WHEN_MATCHED => format!("({on})"),
            SyntaxKind::MERGE_WHEN_NOT_MATCHED_TARGET => format!("not exists (select from {target} where {on})"),
            SyntaxKind::MERGE_WHEN_NOT_MATCHED_SOURCE => format!("not exists (select from {source} where {on})"),
            _ => continue,
        };
        let condition = child(&when, SyntaxKind::MERGE_CONDITION).and_then(|condition| condition.last_child());
        let condition = condition.map_or_else(|| "true".to_owned(), |condition| condition.text().to_string());
        let earlier: String = taken
            .iter()
            .filter(|(kind, _)| *kind == when.kind())
            .map(|(_, condition)| format!(" and ({condition}) is not true"))
            .collect();
        let all = format!("{found} and ({condition}){earlier}");
        taken.push((when.kind(), condition));
        let matched = when.kind() == SyntaxKind::MERGE_WHEN_MATCHED;
        let beside = |word: &str| if matched { format!("{word} {source}\n") } else { String::new() };
        let Some(action) = when.last_child() else { continue };
        let text = match action.kind() {
            SyntaxKind::MERGE_UPDATE => {
                let set = text(child(&action, SyntaxKind::SET_CLAUSE));
                format!("{with}update {target} {set}\n{}where {all}", beside("from"))
            }
            SyntaxKind::MERGE_DELETE => format!("{with}delete from {target}\n{}where {all}", beside("using")),
            SyntaxKind::MERGE_INSERT => match inserted(&action) {
                Some((columns, values)) => {
                    format!("{with}insert into {name} {columns}\nselect {values} from {source}\nwhere {all}")
                }
                None => {
                    let why = "its insert of defaults alone cannot be written as a statement of its own";
                    parts.push(Part::LeftOut(format!("`when not matched`: {why}")));
                    continue;
                }
            },
            _ => continue,
        };
        parts.push(Part::Alone { text, of_merge: true });
    }
}

/// The columns with their parentheses, and the values: those that are `default` are left to be so.
fn inserted(action: &SyntaxNode) -> Option<(String, String)> {
    let is_default = |value: &SyntaxNode| value.text().to_string().eq_ignore_ascii_case("default");
    let row = descendants(action, SyntaxKind::ROW).next()?;
    let values: Vec<SyntaxNode> = row.children().collect();
    let columns = child(action, SyntaxKind::COLUMN_TARGET_LIST);
    let is_overriding = |part: &SyntaxNode| {
        matches!(part.kind(), SyntaxKind::OVERRIDING_SYSTEM_VALUE | SyntaxKind::OVERRIDING_USER_VALUE)
    };
    let overriding = action.children().find(is_overriding).map(|clause| clause.text().to_string());
    let Some(columns) = columns else {
        let values: Vec<String> = values.iter().map(|value| value.text().to_string()).collect();
        let none = row.children().any(|value| is_default(&value));
        return (!none).then(|| (overriding.unwrap_or_default(), values.join(", ")));
    };
    let given: Vec<(SyntaxNode, SyntaxNode)> =
        columns.children().zip(values).filter(|(_, value)| !is_default(value)).collect();
    if given.is_empty() {
        return None;
    }
    let columns: Vec<String> = given.iter().map(|(column, _)| column.text().to_string()).collect();
    let values: Vec<String> = given.iter().map(|(_, value)| value.text().to_string()).collect();
    Some((format!("({}) {}", columns.join(", "), overriding.unwrap_or_default()), values.join(", ")))
}
