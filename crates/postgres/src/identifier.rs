//! The one place that quotes names and literals for SQL text.
//!
//! Values belong in parameters. Where Postgres takes none (`create role … password`, `create database`), text goes
//! through here.

/// `my "table"` → `"my ""table"""`. Refuses NUL, which no Postgres name can hold.
///
/// # Panics
/// On a NUL byte: such a name cannot have come out of a catalogue, and cutting it short would name something else.
pub fn quote_identifier(name: &str) -> String {
    assert!(!name.contains('\0'), "an identifier holds a NUL byte");
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `it's` → `'it''s'`, safe whatever `standard_conforming_strings` says.
///
/// # Panics
/// On a NUL byte, as [`quote_identifier`].
pub fn quote_literal(value: &str) -> String {
    assert!(!value.contains('\0'), "a literal holds a NUL byte");
    let quoted = value.replace('\'', "''");
    if quoted.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(quote_identifier(r#"my "table""#), r#""my ""table""""#);
        assert_eq!(quote_literal("it's"), "'it''s'");
    }

    #[test]
    fn a_backslash_never_escapes_the_closing_quote() {
        assert_eq!(quote_literal(r"\'; drop table users; --"), r" E'\\''; drop table users; --'");
    }

    #[test]
    #[should_panic(expected = "NUL")]
    fn a_nul_byte_is_refused() {
        quote_identifier("a\0b");
    }
}
