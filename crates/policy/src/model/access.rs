//! The kinds of access.

use std::fmt;

use super::{Condition, Requirements, Role};
use crate::TableName;

/// What can be done to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// Read it.
    Select,
    /// Make it.
    Insert,
    /// Change it.
    Update,
    /// Remove it.
    Delete,
}

impl Command {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Select, Self::Insert, Self::Update, Self::Delete];

    /// In SQL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Whose rows a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// `user`: each row is one user's own.
    User {
        /// The column with the user's id.
        owner: String,
        /// Who may do what.
        rules: Rules,
    },
    /// `organization`: each row is one organization's.
    Organization {
        /// The column with the organization's id.
        organization: String,
        /// The column with the id of the user who made the row.
        owner: Option<String>,
        /// Which of the caller's organizations count.
        membership: Membership,
        /// Who may do what.
        rules: Rules,
    },
    /// `gated`: rows are nobody's; a role, a plan, a feature decide.
    Gated {
        /// Who may do what.
        rules: Rules,
    },
    /// `public`: everybody reads.
    Public {
        /// The column with the id of the user who may write, where there is one.
        owner: Option<String>,
        /// The column with the id of the organization whose members may write, where there is one.
        organization: Option<String>,
        /// Who may do what.
        rules: Rules,
    },
    /// `profile`: a user's own row, which the user may show to everybody.
    Profile {
        /// The column with the user's id.
        owner: String,
        /// The boolean column that shows the row.
        visible: String,
        /// Who may do what to a row that is not shown.
        rules: Rules,
    },
    /// `audit`: rows are added and never changed.
    Audit {
        /// The column with the id of the user who acted.
        actor: String,
        /// The column with the organization's id, where there is one.
        organization: Option<String>,
        /// Who may do what; nobody may update or delete.
        rules: Rules,
    },
    /// `child`: rows are seen with their parent, and changed by whoever may change the parent.
    Child {
        /// The table of the parents.
        parent: TableName,
        /// The column that points at the parent.
        foreign_key: String,
        /// The column it points at.
        parent_key: String,
    },
    /// `custom`: conditions as SQL.
    Custom {
        /// The policies, as written.
        policies: Vec<CustomPolicy>,
        /// Whether callers of other organizations are meant to reach rows.
        shared: bool,
    },
}

impl Access {
    /// As the file names it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User { .. } => "user",
            Self::Organization { .. } => "organization",
            Self::Gated { .. } => "gated",
            Self::Public { .. } => "public",
            Self::Profile { .. } => "profile",
            Self::Audit { .. } => "audit",
            Self::Child { .. } => "child",
            Self::Custom { .. } => "custom",
        }
    }

    /// The column that names a user.
    pub fn owner_column(&self) -> Option<&str> {
        match self {
            Self::User { owner, .. } | Self::Profile { owner, .. } | Self::Audit { actor: owner, .. } => Some(owner),
            Self::Organization { owner, .. } | Self::Public { owner, .. } => owner.as_deref(),
            Self::Gated { .. } | Self::Child { .. } | Self::Custom { .. } => None,
        }
    }

    /// The column that names an organization.
    pub fn organization_column(&self) -> Option<&str> {
        match self {
            Self::Organization { organization, .. } => Some(organization),
            Self::Public { organization, .. } | Self::Audit { organization, .. } => organization.as_deref(),
            _ => None,
        }
    }

    /// Who may do what, for the kinds that say it so.
    pub fn rules(&self) -> Option<&Rules> {
        match self {
            Self::User { rules, .. }
            | Self::Organization { rules, .. }
            | Self::Gated { rules }
            | Self::Public { rules, .. }
            | Self::Profile { rules, .. }
            | Self::Audit { rules, .. } => Some(rules),
            Self::Child { .. } | Self::Custom { .. } => None,
        }
    }
}

/// Which organizations a caller acts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// `active`: the one that is active in the token.
    Active,
    /// `mirror`: every one that the caller is a member of now, as the mirror knows.
    Mirror,
}

/// Requirements for each command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// To read a row.
    pub select: Requirements,
    /// To make one.
    pub insert: Requirements,
    /// To change one.
    pub update: Requirements,
    /// To remove one.
    pub delete: Requirements,
}

impl Rules {
    /// The requirement for a command.
    pub fn of(&self, command: Command) -> &Requirements {
        match command {
            Command::Select => &self.select,
            Command::Insert => &self.insert,
            Command::Update => &self.update,
            Command::Delete => &self.delete,
        }
    }
}

/// A policy whose conditions are the author's SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomPolicy {
    /// Its name.
    pub name: String,
    /// For which command.
    pub command: Command,
    /// For which role.
    pub role: Role,
    /// Which rows.
    pub using: Option<Condition>,
    /// Which rows may come of it.
    pub check: Option<Condition>,
}
