//! The statements that a rule comes to: pure.
//!
//! Names come out of the catalogue and are quoted; the owner's id and everything else that is a value is a parameter, but for
//! the constants of an anonymisation, which are the operator's own and are quoted as literals, so that Postgres gives them the
//! column's type. `$1` is always the owner's id.

use postgres::identifier::{quote_identifier, quote_literal};
use serde_json::Value;

use super::rule::{Action, CheckedRule};

impl CheckedRule {
    /// Rows that are left to do.
    fn left(&self) -> String {
        let mine = format!("{} = $1", quote_identifier(&self.rule.column));
        match &self.rule.action {
            Action::Cascade | Action::Keep => mine,
            Action::Soft { column } => format!("{mine} and {} is null", quote_identifier(column)),
            Action::Anonymise { constants } => {
                let differs = |(column, constant): (&String, &Value)| {
                    format!("{} is distinct from {}", quote_identifier(column), literal(constant))
                };
                format!("{mine} and ({})", constants.iter().map(differs).collect::<Vec<_>>().join(" or "))
            }
        }
    }

    fn table(&self) -> String {
        format!("{}.{}", quote_identifier(&self.rule.schema), quote_identifier(&self.rule.table))
    }

    /// How many rows are left.
    pub(crate) fn count(&self) -> String {
        format!("select count(*) from {} where {}", self.table(), self.left())
    }

    /// How many rows the owner has, whatever was done to them.
    pub(crate) fn count_all(&self) -> String {
        format!("select count(*) from {} where {} = $1", self.table(), quote_identifier(&self.rule.column))
    }

    /// Whether any row is left.
    pub(crate) fn any_left(&self) -> String {
        format!("select exists (select from {} where {})", self.table(), self.left())
    }

    /// Does at most `$2` rows; for a soft deletion `$3` is what to write. Nothing for rows that are kept.
    pub(crate) fn batch(&self) -> Option<String> {
        let changes = match &self.rule.action {
            Action::Keep => return None,
            Action::Cascade => None,
            Action::Soft { column } => Some(format!("{} = $3::text::timestamptz", quote_identifier(column))),
            Action::Anonymise { constants } => {
                let set = |(column, constant): (&String, &Value)| {
                    format!("{} = {}", quote_identifier(column), literal(constant))
                };
                Some(constants.iter().map(set).collect::<Vec<_>>().join(", "))
            }
        };
        let key = self.key_columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ");
        let (table, left) = (self.table(), self.left());
        let some = format!("({key}) in (select {key} from {table} where {left} limit $2)");
        Some(match changes {
            None => format!("delete from {table} where {some}"),
            Some(changes) => format!("update {table} set {changes} where {some}"),
        })
    }

    /// Takes a soft deletion back: those rows that hold what it wrote (`$2`).
    pub(crate) fn restore(&self) -> Option<String> {
        let Action::Soft { column } = &self.rule.action else { return None };
        let (table, mine, column) = (self.table(), quote_identifier(&self.rule.column), quote_identifier(column));
        Some(format!("update {table} set {column} = null where {mine} = $1 and {column} = $2::text::timestamptz"))
    }
}

/// Without a type of its own, so that it takes the column's.
fn literal(constant: &Value) -> String {
    match constant {
        Value::Null => "null".to_owned(),
        Value::String(text) => quote_literal(text),
        other => quote_literal(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::rule::{Rule, Subject};
    use super::*;

    fn rule(action: Action) -> CheckedRule {
        let rule = Rule {
            schema: "public".to_owned(),
            table: "No\"tes".to_owned(),
            column: "owner_id".to_owned(),
            subject: Subject::User,
            action,
            hold: Duration::ZERO,
        };
        CheckedRule { rule, key_columns: vec!["tenant".to_owned(), "id".to_owned()] }
    }

    #[test]
    fn every_action_has_its_statements() {
        let cascade = rule(Action::Cascade);
        insta::assert_snapshot!(cascade.batch().unwrap(), @r#"delete from "public"."No""tes" where ("tenant", "id") in (select "tenant", "id" from "public"."No""tes" where "owner_id" = $1 limit $2)"#);
        let soft = rule(Action::Soft { column: "deleted_at".to_owned() });
        insta::assert_snapshot!(soft.batch().unwrap(), @r#"update "public"."No""tes" set "deleted_at" = $3::text::timestamptz where ("tenant", "id") in (select "tenant", "id" from "public"."No""tes" where "owner_id" = $1 and "deleted_at" is null limit $2)"#);
        insta::assert_snapshot!(soft.restore().unwrap(), @r#"update "public"."No""tes" set "deleted_at" = null where "owner_id" = $1 and "deleted_at" = $2::text::timestamptz"#);
        let constants = json!({ "author": "it's \\ nobody", "age": 0, "public": false, "email": null });
        let anonymise = rule(Action::Anonymise { constants: serde_json::from_value(constants).unwrap() });
        insta::assert_snapshot!(anonymise.batch().unwrap(), @r#"update "public"."No""tes" set "age" = '0', "author" =  E'it''s \\ nobody', "email" = null, "public" = 'false' where ("tenant", "id") in (select "tenant", "id" from "public"."No""tes" where "owner_id" = $1 and ("age" is distinct from '0' or "author" is distinct from  E'it''s \\ nobody' or "email" is distinct from null or "public" is distinct from 'false') limit $2)"#);
        insta::assert_snapshot!(anonymise.any_left(), @r#"select exists (select from "public"."No""tes" where "owner_id" = $1 and ("age" is distinct from '0' or "author" is distinct from  E'it''s \\ nobody' or "email" is distinct from null or "public" is distinct from 'false'))"#);
        let keep = rule(Action::Keep);
        assert_eq!((keep.batch(), keep.restore(), cascade.restore()), (None, None, None));
        insta::assert_snapshot!(keep.count(), @r#"select count(*) from "public"."No""tes" where "owner_id" = $1"#);
    }
}
