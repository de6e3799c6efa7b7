//! What stands in a database already and is in the way.

/// Of one table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Existing {
    /// Policies that the model does not know. Permissive policies add up: one that is left over opens what the others close.
    pub foreign_policies: Vec<String>,
    /// Columns that hold Clerk ids and are not text.
    pub conversions: Vec<Conversion>,
    /// Sequences that inserts draw from (`serial`): they need a grant of their own.
    pub sequences: Vec<String>,
}

/// A column whose type cannot hold a Clerk id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Which.
    pub column: String,
    /// Its type now.
    pub from: String,
    /// Keys that point from it to tables of the old login.
    pub foreign_keys: Vec<ForeignKey>,
}

/// A foreign key that has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint's name.
    pub name: String,
    /// The table it points at.
    pub to: String,
}
