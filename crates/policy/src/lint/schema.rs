//! What the sources come to: tables, policies, grants, views, functions, each with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use squawk_syntax::SyntaxNode;

use crate::TableName;

/// Where something is said.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) source: usize,
    pub(super) range: Range<usize>,
}

impl Place {
    pub(super) fn of(origin: Origin, node: &SyntaxNode) -> Self {
        let range = node.text_range();
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        Self { source: origin.source, range: origin.offset + start..origin.offset + end }
    }
}

/// Where a tree comes from: a statement inside of a block is a tree of its own, and counts from its own beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) source: usize,
    /// Where in the source the tree begins.
    pub(super) offset: usize,
}

#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) relations: BTreeMap<TableName, Relation>,
    pub(super) functions: Vec<Function>,
    pub(super) triggers: Vec<Trigger>,
    /// Whether some file grants on all tables of a schema, now or by default: then grants cannot be counted.
    pub(super) grants_on_all: Vec<String>,
    /// Statements whose literals are worth a look.
    pub(super) statements: Vec<(Origin, SyntaxNode)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Named by other statements; where it is made is not known.
    Unknown,
    Table,
    View,
    MaterializedView,
    ForeignTable,
}

#[derive(Debug)]
pub(super) struct Relation {
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) row_security: bool,
    pub(super) security_invoker: bool,
    pub(super) columns: Vec<Column>,
    pub(super) policies: Vec<Policy>,
    pub(super) grants: Vec<Grant>,
    /// Somebody took everything from client roles.
    pub(super) revoked: bool,
    /// First columns of indexes and keys.
    pub(super) indexed: Vec<String>,
    pub(super) keys_to: Vec<Key>,
    /// Columns that allow each value once.
    pub(super) unique: Vec<(String, Place)>,
    /// Definitions of checks.
    pub(super) checks: Vec<(String, Place)>,
    /// Columns of indexes that were made by name and hold all rows.
    pub(super) indexes: Vec<(Vec<String>, Place)>,
    /// What they are called.
    pub(super) index_names: Vec<String>,
    pub(super) has_primary_key: bool,
    /// Whether it was written down from a catalogue.
    pub(super) is_catalogued: bool,
}

/// A foreign key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) columns: Vec<String>,
    pub(super) target: TableName,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct Trigger {
    pub(super) table: TableName,
    pub(super) function: TableName,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) not_null: bool,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) place: Place,
    /// `select`, …, `all`.
    pub(super) command: String,
    pub(super) permissive: bool,
    /// Empty: `public`.
    pub(super) roles: Vec<String>,
    pub(super) using: Option<Clause>,
    pub(super) check: Option<Clause>,
}

/// A condition, with the tree that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub(super) origin: Origin,
    /// `using (…)` as a whole.
    pub(super) node: SyntaxNode,
    pub(super) expression: SyntaxNode,
}

#[derive(Debug)]
pub(super) struct Grant {
    pub(super) role: String,
    pub(super) privilege: String,
    pub(super) columns: Vec<String>,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: TableName,
    pub(super) place: Place,
    pub(super) definer: bool,
    pub(super) search_path: bool,
    pub(super) trigger: bool,
    /// Whether everybody may call it, as is so until somebody revokes it.
    pub(super) public: bool,
    /// What it does, as text.
    pub(super) body: String,
}

impl Policy {
    pub(super) fn clauses(&self) -> impl Iterator<Item = &Clause> {
        self.using.iter().chain(&self.check)
    }

    pub(super) fn concerns(&self, command: &str) -> bool {
        self.command == command || self.command == "all"
    }

    pub(super) fn is_for(&self, role: &str) -> bool {
        self.roles.is_empty() || self.roles.iter().any(|own| own == role || own == "public")
    }
}

impl Relation {
    pub(super) fn new(kind: Kind, place: Place) -> Self {
        Self {
            kind,
            place,
            row_security: false,
            security_invoker: false,
            columns: Vec::new(),
            policies: Vec::new(),
            grants: Vec::new(),
            revoked: false,
            indexed: Vec::new(),
            keys_to: Vec::new(),
            unique: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            index_names: Vec::new(),
            has_primary_key: false,
            is_catalogued: false,
        }
    }

    pub(super) fn grant_of(&self, role: &str, privilege: &str) -> Option<&Grant> {
        self.grants.iter().find(|grant| {
            (grant.role == role || grant.role == "public") && (grant.privilege == privilege || grant.privilege == "all")
        })
    }

    /// A grant that lets clients at it.
    pub(super) fn client_grant(&self) -> Option<&Grant> {
        self.grants.iter().find(|grant| matches!(grant.role.as_str(), "anon" | "authenticated" | "public"))
    }
}
