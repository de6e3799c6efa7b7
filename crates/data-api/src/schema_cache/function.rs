//! Functions that can be called by name.

use serde::Deserialize;

use crate::identifier::Qualified;

/// A function; of an overloaded name there are several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Function {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) returns: Returns,
    pub(crate) volatility: Volatility,
    pub(crate) variadic: bool,
    pub(crate) isolation: Option<String>,
    /// What it sets for the whole transaction.
    pub(crate) settings: Vec<(String, String)>,
}

/// An input parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Parameter {
    /// Empty for the one parameter that takes the whole body.
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// The type without a length that would cut values off.
    pub(crate) wide_type: String,
    pub(crate) required: bool,
    pub(crate) variadic: bool,
}

/// What a function gives back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Returns {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) set: bool,
    pub(crate) composite: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) enum Volatility {
    #[serde(rename = "v")]
    Volatile,
    #[serde(rename = "s")]
    Stable,
    #[serde(rename = "i")]
    Immutable,
}

impl Function {
    pub(crate) fn qualified(&self) -> Qualified {
        Qualified::new(&self.schema, &self.name)
    }

    /// One value.
    pub(crate) fn returns_scalar(&self) -> bool {
        !self.returns.set && !self.returns.composite
    }

    /// One row.
    pub(crate) fn returns_single_composite(&self) -> bool {
        !self.returns.set && self.returns.composite
    }

    pub(crate) fn returns_set_of_scalar(&self) -> bool {
        self.returns.set && !self.returns.composite
    }

    /// One row or one value.
    pub(crate) fn returns_single(&self) -> bool {
        !self.returns.set
    }

    pub(crate) fn returns_void(&self) -> bool {
        self.returns_scalar() && self.returns.schema == "pg_catalog" && self.returns.name == "void"
    }

    /// The relation whose rows it gives, if it gives rows.
    pub(crate) fn table_name(&self) -> Option<&str> {
        self.returns.composite.then_some(self.returns.name.as_str())
    }

    /// `api.add(a => integer, b => integer)`.
    pub(crate) fn signature(&self) -> String {
        let parameters: Vec<String> =
            self.parameters.iter().map(|parameter| format!("{} => {}", parameter.name, parameter.type_name)).collect();
        format!("{}.{}({})", self.schema, self.name, parameters.join(", "))
    }
}
