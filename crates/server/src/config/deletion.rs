//! `[[deletion]]` and `[erasure]`: what becomes of the application's rows.
//!
//! Only the shape is checked here; whether tables and columns exist is the database's matter
//! ([`mirror::deletion::Deletions::check`]).

use std::collections::BTreeMap;
use std::time::Duration;

use mirror::deletion::{Action, DeletionPolicy, Rule, Subject};
use serde::Deserialize;
use serde_json::Value;

use super::ConfigError;

/// As long as anybody may want to think about it.
const LONGEST_HOLD: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

#[derive(Debug, Deserialize)]
pub(super) struct Erasure {
    hold: String,
}

/// One `[[deletion]]` section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    table: String,
    column: String,
    of: Of,
    action: Word,
    /// How long it waits; soft deletions wait for nothing, everything else for `erasure.hold`.
    hold: Option<String>,
    /// Of a soft deletion: the column that says since when.
    mark: Option<String>,
    /// Of an anonymisation: columns that become null.
    #[serde(default)]
    clear: Vec<String>,
    /// Of an anonymisation: columns and what to put there.
    #[serde(default)]
    set: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    User,
    Organization,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Cascade,
    Soft,
    Anonymise,
    Keep,
}

pub(super) fn policy(sections: &[Section], erasure: &Erasure) -> Result<DeletionPolicy, ConfigError> {
    let hold = duration(&erasure.hold).map_err(|reason| ConfigError::invalid("erasure.hold", reason))?;
    let rules = sections.iter().map(|section| {
        let named =
            |reason: String| ConfigError::invalid("[[deletion]]", format!("of table `{}`: {reason}", section.table));
        rule(section, hold).map_err(named)
    });
    Ok(DeletionPolicy { rules: rules.collect::<Result<_, _>>()?, hold })
}

fn rule(section: &Section, default_hold: Duration) -> Result<Rule, String> {
    let (schema, table) = section.table.split_once('.').unwrap_or(("public", &section.table));
    if schema.is_empty() || table.is_empty() || table.contains('.') {
        return Err("expected `table` or `schema.table`".to_owned());
    }
    let action = action(section)?;
    let hold = match (&section.hold, &action) {
        (Some(hold), _) => duration(hold).map_err(|reason| format!("hold: {reason}"))?,
        // It can be taken back as long as anything is held.
        (None, Action::Soft { .. }) => Duration::ZERO,
        (None, _) => default_hold,
    };
    let subject = match section.of {
        Of::User => Subject::User,
        Of::Organization => Subject::Organization,
    };
    let (schema, table, column) = (schema.to_owned(), table.to_owned(), section.column.clone());
    Ok(Rule { schema, table, column, subject, action, hold })
}

fn action(section: &Section) -> Result<Action, String> {
    if section.action != Word::Soft && section.mark.is_some() {
        return Err("`mark` belongs to action = \"soft\"".to_owned());
    }
    if section.action != Word::Anonymise && !(section.clear.is_empty() && section.set.is_empty()) {
        return Err("`clear` and `set` belong to action = \"anonymise\"".to_owned());
    }
    match section.action {
        Word::Cascade => Ok(Action::Cascade),
        Word::Keep => Ok(Action::Keep),
        Word::Soft => match &section.mark {
            Some(column) => Ok(Action::Soft { column: column.clone() }),
            None => Err("a soft deletion needs `mark`, the column that says since when a row is deleted".to_owned()),
        },
        Word::Anonymise => {
            let mut constants: BTreeMap<String, Value> =
                section.clear.iter().map(|column| (column.clone(), Value::Null)).collect();
            for (column, constant) in &section.set {
                let constant = match constant {
                    toml::Value::String(text) => text.clone().into(),
                    toml::Value::Integer(number) => (*number).into(),
                    toml::Value::Boolean(truth) => (*truth).into(),
                    other => {
                        return Err(format!(
                            "`set.{column}` is a {}; expected text, a whole number, true or false",
                            other.type_str()
                        ));
                    }
                };
                if constants.insert(column.clone(), constant).is_some() {
                    return Err(format!("`{column}` stands in `clear` and in `set`"));
                }
            }
            if constants.is_empty() {
                return Err("an anonymisation needs `clear` or `set`: columns to empty or to overwrite".to_owned());
            }
            Ok(Action::Anonymise { constants })
        }
    }
}

/// `90s`, `30m`, `72h`, `14d`.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("found `{text}`; expected a number and s, m, h or d, such as `72h`, up to 3650d");
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(expected()),
    };
    let number: u64 = text[..text.len() - 1].trim().parse().map_err(|_| expected())?;
    let duration = number.checked_mul(unit).map(Duration::from_secs).ok_or_else(expected)?;
    if duration > LONGEST_HOLD { Err(expected()) } else { Ok(duration) }
}
