//! Whose rows a table holds, and who may do what to them: the declaration in `rowlock.toml`.
//!
//! ```toml
//! [[table]]
//! name = "projects"
//! access = "organization"      # rows belong to an organization
//! organization = "org_id"
//! owner = "created_by"
//! delete = ["owner", "org:admin"]
//! ```
//!
//! A model is small on purpose: seven kinds of access cover what applications do, and the eighth, `custom`, takes conditions as SQL.
//! Whatever the kind, a command that nothing is said about has the default of its kind, and what is not allowed gets neither policy
//! nor grant. Invariant: a [`Model`] that exists makes sense (its settings fit the kind of access, its parents exist).

mod access;
mod condition;
mod entry;
mod error;
mod plan;
mod requirement;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

pub use access::{Access, Command, CustomPolicy, Membership, Rules};
pub use condition::Condition;
pub use error::ModelError;
pub use plan::{Index, Plan, PlannedPolicy, Role};
pub use requirement::{Requirement, Requirements};

use crate::TableName;
use entry::TableEntry;

/// Everything that `rowlock.toml` says about policies.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// `[policies]`.
    pub settings: Settings,
    /// `[[table]]`, in the order of the file.
    pub tables: Vec<Table>,
    /// `[[persona]]`: callers that the matrix tries besides its own.
    pub personas: Vec<PersonaEntry>,
}

/// What holds for all tables.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where migrations are written.
    pub directory: String,
    /// Where the reviewed matrix is kept.
    pub matrix: String,
    /// What a session with an unfinished task may do.
    pub pending: Exception,
    /// What somebody who impersonates a user may do.
    pub impersonated: Exception,
    /// What a token may do that is void before it expires: of a user who was banned, a session that was ended, a membership that
    /// was lost or changed its role.
    pub revoked: Exception,
    /// Findings of the linter that are meant: `rule`, or `rule schema.table`.
    pub allow: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            directory: "migrations".to_owned(),
            matrix: "policies.matrix".to_owned(),
            pending: Exception::Refuse,
            impersonated: Exception::Accept,
            revoked: Exception::Accept,
            allow: Vec::new(),
        }
    }
}

/// How callers are treated who are not quite the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exception {
    /// As anybody.
    Accept,
    /// They may look.
    ReadOnly,
    /// They may do nothing that needs a session.
    Refuse,
}

/// A caller of the application's own, for the matrix: claims over those of Ada, the administrator of Acme.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonaEntry {
    /// How the matrix calls it.
    pub name: String,
    /// Claims beside the registered ones, as the token has them.
    pub claims: toml::Table,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Which.
    pub name: TableName,
    /// Whose its rows are.
    pub access: Access,
    /// Whether the columns of owner and organization fill themselves in.
    pub defaults: bool,
    /// Values for the rows that the matrix makes: column → value, `{n}` being another number for each row.
    pub sample: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    policies: Settings,
    #[serde(default)]
    table: Vec<toml::Spanned<toml::Value>>,
    #[serde(default)]
    persona: Vec<PersonaEntry>,
}

impl Model {
    /// Reads the file of that path; one that does not exist has no tables.
    ///
    /// # Errors
    /// [`ModelError`] names the table and the setting.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::parse(""),
            Err(source) => Err(ModelError::Unreadable { path: path.to_path_buf(), source }),
        }
    }

    /// Reads `[policies]`, `[[table]]` and `[[persona]]`; what else the file holds is not ours.
    ///
    /// # Errors
    /// [`ModelError`] names the table and the setting.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let file: File = toml::from_str(text).map_err(ModelError::Malformed)?;
        let mut tables: Vec<Table> = Vec::new();
        for value in file.table {
            let line = text[..value.span().start].lines().count().max(1);
            let entry: TableEntry =
                value.into_inner().try_into().map_err(|source| ModelError::Table { line, source })?;
            let table = entry.check()?;
            if tables.iter().any(|earlier| earlier.name == table.name) {
                return Err(ModelError::setting(
                    &table.name,
                    "name",
                    "it stands there twice; expected one entry for each table",
                ));
            }
            tables.push(table);
        }
        let model = Self { settings: file.policies, tables, personas: file.persona };
        for table in &model.tables {
            model.check_parents(table)?;
        }
        Ok(model)
    }

    /// The table of that name.
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// A child needs its parent in the model, and no chain of parents may come back to where it began.
    fn check_parents(&self, table: &Table) -> Result<(), ModelError> {
        let mut seen = vec![&table.name];
        let mut current = table;
        while let Access::Child { parent, .. } = &current.access {
            if seen.contains(&parent) {
                return Err(ModelError::setting(
                    &table.name,
                    "parent",
                    "the chain of parents comes back to where it began",
                ));
            }
            seen.push(parent);
            current = self.table(parent).ok_or_else(|| {
                ModelError::setting(
                    &current.name,
                    "parent",
                    format!("`{parent}` has no [[table]] of its own; expected one, for its rules decide"),
                )
            })?;
        }
        Ok(())
    }
}
