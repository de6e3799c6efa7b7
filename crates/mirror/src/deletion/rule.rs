//! What a rule says: pure.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// Whose deletion a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User,
    /// An organization.
    Organization,
}

impl Subject {
    /// `user` or `organization`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Organization => "organization",
        }
    }
}

/// What is done to the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// They are deleted.
    Cascade,
    /// A column says since when they count as deleted.
    Soft {
        /// Which one.
        column: String,
    },
    /// Some columns are overwritten.
    Anonymise {
        /// With what: text, a number, a truth value, or null.
        constants: BTreeMap<String, Value>,
    },
    /// Nothing; they are counted for the report.
    Keep,
}

impl Action {
    /// `cascade`, `soft`, `anonymise` or `keep`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Cascade => "cascade",
            Self::Soft { .. } => "soft",
            Self::Anonymise { .. } => "anonymise",
            Self::Keep => "keep",
        }
    }
}

/// One `[[deletion]]` section: what becomes of the rows of a table when their owner is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column that holds the Clerk id of the owner.
    pub column: String,
    /// Who the owner is.
    pub subject: Subject,
    /// What is done.
    pub action: Action,
    /// How long it waits.
    pub hold: Duration,
}

impl Rule {
    /// What the rule is called: its table and column.
    pub fn name(&self) -> String {
        format!("{}.{}.{}", self.schema, self.table, self.column)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} ({})", self.name(), self.subject.as_str(), self.action.as_str())
    }
}

/// A rule whose table was found in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRule {
    /// The rule.
    pub rule: Rule,
    /// The columns of the table's primary key, in its order.
    pub(crate) key_columns: Vec<String>,
}

/// A rule that a newer release has written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnknownRule;

/// A row of `rowlock.deletion_rules`, as JSON.
#[derive(Debug, Deserialize)]
pub(crate) struct StoredRule {
    table_schema: String,
    table_name: String,
    column_name: String,
    key_columns: Vec<String>,
    subject: String,
    action: String,
    soft_column: Option<String>,
    constants: BTreeMap<String, Value>,
}

impl StoredRule {
    /// None for what this release does not know.
    pub(crate) fn checked(self) -> Option<CheckedRule> {
        let subject = match self.subject.as_str() {
            "user" => Subject::User,
            "organization" => Subject::Organization,
            _ => return None,
        };
        let action = match (self.action.as_str(), self.soft_column) {
            ("cascade", _) => Action::Cascade,
            ("soft", Some(column)) => Action::Soft { column },
            ("anonymise", _) => Action::Anonymise { constants: self.constants },
            ("keep", _) => Action::Keep,
            _ => return None,
        };
        let (schema, table, column) = (self.table_schema, self.table_name, self.column_name);
        // The hold is the database's matter from here on.
        let rule = Rule { schema, table, column, subject, action, hold: Duration::ZERO };
        Some(CheckedRule { rule, key_columns: self.key_columns })
    }
}
