//! Names of tables and columns: as people write them, and as SQL that people read.

use std::fmt;

use squawk_syntax::quote::quote_ident;

/// A name as SQL: quoted where Postgres would read something else, and only there.
///
/// # Panics
/// On a NUL byte, which no Postgres name can hold.
pub fn quote_name(name: &str) -> String {
    assert!(!name.contains('\0'), "a name holds a NUL byte");
    quote_ident(name)
}

/// A table with its schema.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// `public` unless it was named.
    pub schema: String,
    /// The name without schema.
    pub table: String,
}

impl TableName {
    /// Reads `projects` or `public.projects`. Each part stands for itself: no quotes, upper case stays upper case.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (schema, table) = text.split_once('.').unwrap_or(("public", text));
        let is_name = |part: &str| !part.is_empty() && part.len() <= 63 && !part.contains(['.', '\0', '"']);
        if is_name(schema) && is_name(table) {
            return Ok(Self { schema: schema.to_owned(), table: table.to_owned() });
        }
        Err(format!("`{text}` is no table; expected `table` or `schema.table`, without quotes"))
    }
}

/// As SQL.
impl fmt::Display for TableName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", quote_name(&self.schema), quote_name(&self.table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_postgres_would_read_something_else() {
        for (name, sql) in [
            ("org_id", "org_id"),
            ("user", "\"user\""),
            ("Owner", "\"Owner\""),
            ("it\"s", "\"it\"\"s\""),
            ("select", "\"select\""),
            ("2nd", "\"2nd\""),
        ] {
            assert_eq!(quote_name(name), sql);
        }
    }

    #[test]
    fn a_table_without_schema_is_in_public() {
        assert_eq!(TableName::parse("projects").unwrap().to_string(), "public.projects");
        assert_eq!(TableName::parse("crm.Order").unwrap().to_string(), "crm.\"Order\"");
        for odd in ["", ".", "a.", ".b", "a.b.c", "\"a\""] {
            assert!(TableName::parse(odd).is_err(), "{odd}");
        }
    }
}
