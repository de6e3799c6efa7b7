//! What a statement is about: which tables it reads, or which rows of which table it means to write.
//!
//! A statement that writes is taken apart as text, along its tree: the rows that it means become a `select` of its own, and the list of
//! what it returns goes, so that both can be asked for while policies stand aside.

use std::collections::BTreeSet;
use std::ops::Range;

use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::ExplainError;
use super::parts::{self, Part};
use crate::TableName;
use crate::lint::tree::{child, descendants, names, table_name};

/// Where a row is, as text: no two rows of a table, or of its partitions, are in one place.
pub(super) const PLACE: &str = "tableoid::text || ctid::text";

/// Stands where the place of each row is selected.
const MEANT: &str = "/* the place of each row */";

/// One statement.
pub(super) struct Statement {
    /// Tables that it reads.
    pub(super) reads: Vec<TableName>,
    /// What it writes: one change, or the parts of a `with` or of a `merge`.
    pub(super) changes: Vec<Change>,
    /// Whether it gives rows and not a number of them that were written.
    pub(super) selects: bool,
    /// Parts that are not explained, and why.
    pub(super) left_out: Vec<String>,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Insert,
    Update,
    Delete,
}

impl Command {
    /// As in policies and grants.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// A statement that writes into one table.
pub(super) struct Change {
    pub(super) command: Command,
    pub(super) table: TableName,
    /// Tables that it only reads.
    pub(super) reads_from: Vec<TableName>,
    /// The statement with this list behind `returning`, instead of its own.
    without_returning: String,
    /// The same without its `on conflict`.
    without_conflict: Option<String>,
    /// `select … from … where …`: the rows that it means; none for an insert.
    means: Option<String>,
    /// How the table is called in it.
    called: String,
    /// Columns that it writes; none where it names none, which means all.
    pub(super) writes: Option<Vec<String>>,
    /// Columns that `on conflict do update` writes.
    pub(super) rewrites: Vec<String>,
    /// What reads which columns; a star is all of them.
    pub(super) reads: Vec<(&'static str, Vec<String>)>,
    /// What becomes of a row that exists already.
    pub(super) conflict: Conflict,
    /// Whether it is an action of a `merge`: what may not be changed is then an error.
    pub(super) of_merge: bool,
}

/// `on conflict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conflict {
    /// An error.
    Refused,
    /// `do nothing`
    Ignored,
    /// `do update`
    Updated,
}

impl Change {
    /// The statement, returning these expressions.
    pub(super) fn returning(&self, expressions: &str) -> String {
        format!("{} returning {expressions}", self.without_returning)
    }

    /// The same as if nothing were there to conflict with.
    pub(super) fn returning_without_conflict(&self, expressions: &str) -> String {
        format!("{} returning {expressions}", self.without_conflict.as_ref().unwrap_or(&self.without_returning))
    }

    /// The places of the rows that it means, where it means rows that are there.
    pub(super) fn meant(&self) -> Option<String> {
        self.means.as_ref().map(|rest| rest.replacen(MEANT, &self.place(), 1))
    }

    /// How the table is called in it.
    pub(super) fn called(&self) -> &str {
        &self.called
    }

    /// The place of one of its rows.
    pub(super) fn place(&self) -> String {
        format!("{0}.tableoid::text || {0}.ctid::text", self.called)
    }
}

/// Reads one statement.
///
/// # Errors
/// When it is none, several, or of a kind that is not explained.
pub(super) fn read(text: &str) -> Result<Statement, ExplainError> {
    let parse = SourceFile::parse(text);
    let refused = |found: String| Err(ExplainError::NotOneStatement { found });
    if let Some(error) = parse.errors().first() {
        return refused(format!("it cannot be read ({})", error.message()));
    }
    let statements: Vec<_> = parse.syntax_node().children().collect();
    let [one] = &statements[..] else { return refused(format!("found {} statements", statements.len())) };
    let selects = matches!(one.kind(), SyntaxKind::SELECT | SyntaxKind::COMPOUND_SELECT | SyntaxKind::PAREN_SELECT);
    if !selects && !is_change(one) {
        return refused(format!("found {:?}", one.kind()).to_lowercase().replace('_', " "));
    }
    let mut statement = Statement { reads: Vec::new(), changes: Vec::new(), selects, left_out: Vec::new() };
    let in_parts = one.kind() == SyntaxKind::MERGE || one.descendants().skip(1).any(|inner| is_change(&inner));
    if in_parts {
        let defined = defined(one);
        let read = parts::reading(one).into_iter().flat_map(|node| tables(&node));
        statement.reads.extend(read.filter(|name| !(name.schema == "public" && defined.contains(&name.table))));
        for part in parts::parts(one) {
            match part {
                Part::LeftOut(why) => statement.left_out.push(why),
                Part::Alone { text, of_merge } => {
                    let parse = SourceFile::parse(&text);
                    let change = parse.syntax_node().children().next().and_then(|node| change(&node));
                    match change {
                        Some(change) => statement.changes.push(Change { of_merge, ..change }),
                        None => return refused(format!("a part of it cannot be read: {text}")),
                    }
                }
            }
        }
    } else if selects {
        statement.reads = tables(one);
    } else {
        match change(one) {
            Some(change) => statement.changes.push(change),
            None => return refused(format!("found {:?} without a table", one.kind()).to_lowercase()),
        }
    }
    statement.reads.extend(statement.changes.iter().flat_map(|change| change.reads_from.clone()));
    let mut named = BTreeSet::new();
    statement.reads.retain(|name| named.insert(name.clone()));
    Ok(statement)
}

/// Whether it is a statement that writes.
pub(super) fn is_change(node: &SyntaxNode) -> bool {
    matches!(node.kind(), SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::MERGE)
}

/// What `with` defines.
fn defined(node: &SyntaxNode) -> Vec<String> {
    descendants(node, SyntaxKind::CTE_NAME).filter_map(|name| names(&name).pop()).collect()
}

/// Every table that is named, once; what `with` defines is none.
fn tables(node: &SyntaxNode) -> Vec<TableName> {
    let defined = defined(node);
    let mut found = Vec::new();
    for reference in descendants(node, SyntaxKind::RELATION_NAME_REF) {
        let is_defined = matches!(&names(&reference)[..], [name] if defined.contains(name));
        if let Some(name) = table_name(&reference).filter(|name| !is_defined && !found.contains(name)) {
            found.push(name);
        }
    }
    found
}

fn change(node: &SyntaxNode) -> Option<Change> {
    let command = match node.kind() {
        SyntaxKind::INSERT => Command::Insert,
        SyntaxKind::UPDATE => Command::Update,
        SyntaxKind::DELETE => Command::Delete,
        _ => return None,
    };
    let target = node
        .children()
        .find(|part| matches!(part.kind(), SyntaxKind::RELATION_NAME | SyntaxKind::RELATION_NAME_REF))?;
    let reference = descendants(&target, SyntaxKind::RELATION_NAME_REF).next()?;
    let table = table_name(&reference)?;
    let alias = descendants(node, SyntaxKind::TABLE_ALIAS)
        .find(|alias| alias.parent().is_some_and(|outer| outer.parent().as_ref() == Some(node)));
    let called = alias.as_ref().map_or_else(|| crate::quote_name(&table.table), |alias| alias.text().to_string());
    let name = alias.as_ref().and_then(|alias| names(alias).pop()).unwrap_or_else(|| table.table.clone());

    let returning = child(node, SyntaxKind::RETURNING_CLAUSE);
    let conflict = child(node, SyntaxKind::ON_CONFLICT_CLAUSE);
    let rewritten = conflict.as_ref().and_then(|conflict| child(conflict, SyntaxKind::CONFLICT_DO_UPDATE_SET));
    let targets = |node: &SyntaxNode| -> Vec<String> {
        descendants(node, SyntaxKind::COLUMN_TARGET)
            .filter_map(|target| descendants(&target, SyntaxKind::COLUMN_NAME_REF).next())
            .filter_map(|column| names(&column).pop())
            .collect()
    };
    let writes = match command {
        Command::Insert => child(node, SyntaxKind::COLUMN_TARGET_LIST).map(|list| targets(&list)),
        Command::Update => child(node, SyntaxKind::SET_CLAUSE).map(|set| targets(&set)),
        Command::Delete => Some(Vec::new()),
    };
    let mut reads = Vec::new();
    for part in node.children() {
        let what = match part.kind() {
            SyntaxKind::WHERE_CLAUSE => "where",
            SyntaxKind::SET_CLAUSE => "set",
            SyntaxKind::RETURNING_CLAUSE => "returning",
            SyntaxKind::ON_CONFLICT_CLAUSE => "on conflict",
            _ => continue,
        };
        let columns = columns_read(&part, &name);
        if !columns.is_empty() {
            reads.push((what, columns));
        }
    }
    let mut reads_from = tables(node);
    // A table that is read beside being written is named twice.
    let named = descendants(node, SyntaxKind::RELATION_NAME_REF).filter_map(|name| table_name(&name));
    if named.filter(|name| *name == table).count() < 2 {
        reads_from.retain(|name| *name != table);
    }
    Some(Change {
        command,
        reads_from,
        without_returning: without(node, &[returning.as_ref()]),
        without_conflict: conflict.as_ref().map(|conflict| without(node, &[returning.as_ref(), Some(conflict)])),
        means: (command != Command::Insert).then(|| means(node, &target)),
        called,
        writes,
        rewrites: rewritten.as_ref().map(targets).unwrap_or_default(),
        reads,
        conflict: match (&conflict, rewritten) {
            (None, _) => Conflict::Refused,
            (Some(_), None) => Conflict::Ignored,
            (Some(_), Some(_)) => Conflict::Updated,
        },
        of_merge: false,
        table,
    })
}

/// The statement's text without some of its parts.
fn without(node: &SyntaxNode, parts: &[Option<&SyntaxNode>]) -> String {
    let mut text = node.text().to_string();
    let start = usize::from(node.text_range().start());
    let mut ranges: Vec<Range<usize>> = parts
        .iter()
        .flatten()
        .map(|part| part.text_range())
        .map(|range| range.start().into()..range.end().into())
        .collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.start));
    for range in ranges {
        text.replace_range(range.start - start..range.end - start, "");
    }
    // A comment at the end would swallow what follows.
    format!("{}\n", text.trim_end().trim_end_matches(';'))
}

/// `with … select from the table, and what else it reads, where …`, without what is selected.
fn means(node: &SyntaxNode, target: &SyntaxNode) -> String {
    let text = |kind: SyntaxKind| child(node, kind).map(|part| part.text().to_string());
    let alias = node
        .children()
        .find(|part| matches!(part.kind(), SyntaxKind::OPTIONAL_AS_ALIAS | SyntaxKind::REQUIRED_AS_ALIAS));
    let other = child(node, SyntaxKind::FROM_CLAUSE).or_else(|| child(node, SyntaxKind::USING_CLAUSE));
    // `from a, b` and `using a, b` without their first word.
    let other = other.map(|part| {
        let text = part.text().to_string();
        let word = text.find(|character: char| !character.is_alphabetic()).unwrap_or(text.len());
        format!(",\n{}", &text[word..])
    });
    let with = text(SyntaxKind::WITH_CLAUSE).unwrap_or_default();
    let alias = alias.map(|alias| alias.text().to_string()).unwrap_or_default();
    let condition = text(SyntaxKind::WHERE_CLAUSE).unwrap_or_default();
    format!("{with}\nselect {MEANT} from {} {alias}{}\n{condition}\n", target.text(), other.unwrap_or_default())
}

/// The columns of the table that a part reads; a star for all.
fn columns_read(part: &SyntaxNode, table: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |column: String| {
        if !found.contains(&column) {
            found.push(column);
        }
    };
    let in_sub_select = |node: &SyntaxNode| {
        node.ancestors()
            .take_while(|outer| outer != part)
            .any(|outer| outer.kind() == SyntaxKind::SELECT && child(&outer, SyntaxKind::FROM_CLAUSE).is_some())
    };
    for node in part.descendants() {
        match node.kind() {
            SyntaxKind::FIELD_EXPR => {
                let names = names(&node);
                if let [.., qualifier, column] = &names[..]
                    && (qualifier == table || qualifier == "excluded")
                {
                    add(column.clone());
                }
            }
            SyntaxKind::NAME_REF => {
                let qualified = node
                    .parent()
                    .is_some_and(|outer| matches!(outer.kind(), SyntaxKind::FIELD_EXPR | SyntaxKind::CALL_EXPR));
                if !qualified && !in_sub_select(&node) {
                    names(&node).pop().into_iter().for_each(&mut add);
                }
            }
            SyntaxKind::TARGET if node.text() == "*" => add("*".to_owned()),
            _ => {}
        }
    }
    found
}
