//! Which columns of a view are columns of a table, so that keys and relationships hold for views, too.
//!
//! Postgres knows: in the tree that it keeps of a view's query, each item of the target list says from which column of which
//! relation it came. That relation may be a view itself, so the way is followed down. The tree is read with a small reader
//! of its text form (`{NODE :field value …}`, `(list)`), which skips everything but those few fields.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::identifier::Qualified;

/// A view as it stands in the catalogue.
#[derive(Debug)]
pub(super) struct View {
    pub(super) oid: u32,
    pub(super) name: Qualified,
    pub(super) definition: String,
    /// Names by number.
    pub(super) columns: BTreeMap<i32, String>,
}

/// One side of a key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) side: KeySide,
    pub(super) relation: u32,
    pub(super) table: Qualified,
    pub(super) columns: Vec<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeySide {
    Primary,
    Foreign,
    Referenced,
}

/// A key all of whose columns a view passes on, each under one name or several.
#[derive(Debug)]
pub(super) struct KeyInView {
    pub(super) constraint: String,
    pub(super) side: KeySide,
    pub(super) table: Qualified,
    pub(super) view: Qualified,
    pub(super) columns: Vec<Vec<String>>,
}

impl KeyInView {
    /// Every way to take one name for each column.
    pub(super) fn choices(&self) -> Vec<Vec<String>> {
        self.columns.iter().fold(vec![Vec::new()], |choices, names| {
            choices
                .iter()
                .flat_map(|choice| names.iter().map(|name| choice.iter().cloned().chain([name.clone()]).collect()))
                .collect()
        })
    }
}

/// The keys that `views` in `shown` schemas pass on.
pub(super) fn keys_in_views(views: &[View], keys: &[Key], shown: &[String]) -> Vec<KeyInView> {
    let direct: HashMap<u32, Vec<Origin>> = views.iter().map(|view| (view.oid, origins(&view.definition))).collect();
    let mut by_relation: HashMap<u32, Vec<&Key>> = HashMap::new();
    for key in keys {
        by_relation.entry(key.relation).or_default().push(key);
    }
    let mut all = Vec::new();
    for view in views.iter().filter(|view| shown.contains(&view.name.schema)) {
        let mut names: BTreeMap<(u32, i32), Vec<String>> = BTreeMap::new();
        let mut relations = Vec::new();
        for origin in &direct[&view.oid] {
            let Some(name) = view.columns.get(&origin.position) else { continue };
            for (relation, column) in followed(origin, &direct) {
                let known = names.entry((relation, column)).or_default();
                if !known.contains(name) {
                    known.push(name.clone());
                }
                if !relations.contains(&relation) {
                    relations.push(relation);
                }
            }
        }
        for key in relations.iter().filter_map(|relation| by_relation.get(relation)).flatten() {
            let columns: Option<Vec<Vec<String>>> =
                key.columns.iter().map(|column| names.get(&(key.relation, *column)).cloned()).collect();
            if let Some(columns) = columns {
                all.push(KeyInView {
                    constraint: key.name.clone(),
                    side: key.side,
                    table: key.table.clone(),
                    view: view.name.clone(),
                    columns,
                });
            }
        }
    }
    all
}

/// Where a column of a view comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Origin {
    /// Its number in the view.
    position: i32,
    relation: u32,
    column: i32,
}

/// The origin itself, and the origins of that where it is a view.
fn followed(origin: &Origin, direct: &HashMap<u32, Vec<Origin>>) -> Vec<(u32, i32)> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut next = vec![(origin.relation, origin.column)];
    while let Some((relation, column)) = next.pop() {
        if relation == 0 || !seen.insert((relation, column)) {
            continue;
        }
        found.push((relation, column));
        for below in direct.get(&relation).into_iter().flatten().filter(|below| below.position == column) {
            next.push((below.relation, below.column));
        }
    }
    found
}

/// The origins of the columns of the outermost query.
fn origins(definition: &str) -> Vec<Origin> {
    let mut tokens = Tokens(definition).peekable();
    // `({QUERY :field value … :targetList ({TARGETENTRY …} …) …})`
    let mut depth = 0_usize;
    let mut found = Vec::new();
    let mut entry: Option<(i32, u32, i32)> = None;
    let mut in_target_list = false;
    while let Some(token) = tokens.next() {
        match token {
            "(" | "{" => depth += 1,
            ")" | "}" => {
                depth = depth.saturating_sub(1);
                if let (4, true, Some((position, relation, column))) = (depth + 1, in_target_list, entry) {
                    found.push(Origin { position, relation, column });
                    entry = None;
                }
                if depth == 2 && in_target_list {
                    return found;
                }
            }
            ":targetList" if depth == 2 => in_target_list = true,
            "TARGETENTRY" if depth == 4 && in_target_list => entry = Some((0, 0, 0)),
            ":resno" | ":resorigtbl" | ":resorigcol" if depth == 4 => {
                let number = tokens.peek().and_then(|value| value.parse::<i64>().ok()).unwrap_or_default();
                if let Some((position, relation, column)) = &mut entry {
                    match token {
                        ":resno" => *position = i32::try_from(number).unwrap_or_default(),
                        ":resorigtbl" => *relation = u32::try_from(number).unwrap_or_default(),
                        _ => *column = i32::try_from(number).unwrap_or_default(),
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The tokens of a node tree: brackets, and everything between brackets and blanks. A backslash keeps what follows it.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let first = text.chars().next()?;
        let length = if matches!(first, '(' | ')' | '{' | '}') {
            1
        } else {
            let mut escaped = false;
            text.char_indices()
                .find(|(_, character)| {
                    if std::mem::take(&mut escaped) {
                        return false;
                    }
                    escaped = *character == '\\';
                    matches!(character, ' ' | '\n' | '\t' | '(' | ')' | '{' | '}')
                })
                .map_or(text.len(), |(at, _)| at)
        };
        let (token, rest) = text.split_at(length);
        self.0 = rest;
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_lists_of_inner_queries_are_not_the_views() {
        let tree = r"({QUERY :commandType 1 :rtable ({RANGETBLENTRY :subquery {QUERY :targetList ({TARGETENTRY :expr {VAR :varno 1} :resno 9 :resname \{x :resorigtbl 99 :resorigcol 9 :resjunk false}) :x <>}}) :targetList ({TARGETENTRY :expr {VAR :varno 1 :varattno 2} :resno 1 :resname odd\ \(name :ressortgroupref 0 :resorigtbl 16385 :resorigcol 2 :resjunk false} {TARGETENTRY :expr {CONST :resno 7} :resno 2 :resname b :resorigtbl 0 :resorigcol 0 :resjunk false}) :override 0})";
        assert_eq!(
            origins(tree),
            [Origin { position: 1, relation: 16385, column: 2 }, Origin { position: 2, relation: 0, column: 0 }]
        );
    }

    #[test]
    fn a_column_under_two_names_gives_two_choices() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let key = KeyInView {
            constraint: String::new(),
            side: KeySide::Foreign,
            table: Qualified::default(),
            view: Qualified::default(),
            columns: vec![names(&["a", "b"]), names(&["c"])],
        };
        assert_eq!(key.choices(), [names(&["a", "c"]), names(&["b", "c"])]);
    }
}
