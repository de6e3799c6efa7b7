//! Values for columns that nobody cares about, so that rows can exist: by type, and by what the checks want.

use crate::catalogue::Column;

/// Values to try for a column, best first, as text that Postgres reads. `number` makes rows differ.
pub(super) fn candidates(column: &Column, number: usize, checks: &[String]) -> Vec<String> {
    if !column.labels.is_empty() {
        return column.labels.clone();
    }
    // What a check compares the column with is the best guess at what it wants.
    let mut values: Vec<String> =
        checks.iter().filter(|check| mentions(check, &column.name)).flat_map(|check| literals(check)).collect();
    let number_text = number.to_string();
    let by_type: Vec<String> = match column.base_type.as_str() {
        "text" | "character varying" | "character" | "citext" | "name" => [
            format!("rehearsal {number}"),
            format!("rehearsal_{number}"),
            format!("rehearsal{number}@example.com"),
            format!("https://example.com/{number}"),
            format!("+1555555{number:04}"),
            format!("r{number}"),
            "USD".to_owned(),
            "en".to_owned(),
            format!("{:064x}", number),
            format!("00000000-0000-4000-8000-{number:012}"),
            number_text,
            "x".to_owned(),
        ]
        .into(),
        "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "money" => {
            values.retain(|value| value.parse::<f64>().is_ok());
            [
                number_text,
                "1".to_owned(),
                "0".to_owned(),
                "10".to_owned(),
                "100".to_owned(),
                "2000".to_owned(),
                "-1".to_owned(),
                "0.5".to_owned(),
            ]
            .into()
        }
        "boolean" => ["false".to_owned(), "true".to_owned()].into(),
        "uuid" => [format!("00000000-0000-4000-8000-{number:012}")].into(),
        "date" => ["2026-01-01".to_owned(), "2126-01-01".to_owned()].into(),
        "timestamp without time zone" | "timestamp with time zone" => {
            ["2026-01-01 12:00".to_owned(), "2126-01-01 12:00".to_owned()].into()
        }
        "time without time zone" | "time with time zone" => ["12:00".to_owned()].into(),
        "interval" => ["1 hour".to_owned()].into(),
        "json" | "jsonb" => ["{}".to_owned(), "[]".to_owned()].into(),
        "bytea" => ["\\x00".to_owned()].into(),
        "inet" | "cidr" => ["127.0.0.1".to_owned()].into(),
        other if other.ends_with("[]") => ["{}".to_owned()].into(),
        _ => Vec::new(),
    };
    // Literals of a check are guesses: the ordinary value goes first unless there is a closed list.
    if values.len() > 1 && checks.iter().any(|check| mentions(check, &column.name) && check.contains("ARRAY[")) {
        values.extend(by_type);
        values
    } else {
        by_type.into_iter().chain(values).collect()
    }
}

/// Whether the definition of a check names the column as a word.
pub(super) fn mentions(check: &str, column: &str) -> bool {
    check.split(|character: char| !character.is_alphanumeric() && character != '_').any(|word| word == column)
}

/// The string and number literals of a definition.
fn literals(check: &str) -> Vec<String> {
    let quoted = check.split('\'').skip(1).step_by(2).map(str::to_owned);
    let numbers = check
        .split(|character: char| !character.is_ascii_digit() && character != '.')
        .filter(|word| word.parse::<f64>().is_ok())
        .map(str::to_owned);
    quoted.chain(numbers).collect()
}
