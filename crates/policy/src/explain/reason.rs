//! The one sentence that a person needs.

use super::{Answer, Caller, TableExplanation};

type Values = [(String, Option<String>)];

pub(super) fn sentence(caller: &Caller, said: &Values, tables: &[TableExplanation], answer: &Answer) -> String {
    let role = caller.principal.role();
    let anonymous = role == "anon";
    match answer {
        Answer::Refused(reason) => {
            let closed = tables.iter().find(|table| !table.granted);
            match closed {
                Some(table) if anonymous => format!(
                    "refused: role is anon because no token was sent, and anon has no grant for {}",
                    table.table
                ),
                Some(table) => format!(
                    "refused: {role} has no grant to select from {}; `grant select on {} to {role}`",
                    table.table, table.table
                ),
                None => format!("refused: {reason}"),
            }
        }
        Answer::Changed(rows) => counted(*rows),
        Answer::Rows(rows) if *rows > 0 => {
            let seen: Vec<String> = tables
                .iter()
                .map(|table| format!("{} of {} rows of {}", table.visible, table.total, table.table))
                .collect();
            let seen = if seen.is_empty() { String::new() } else { format!(": {role} sees {}", seen.join(" and ")) };
            format!("{}{seen}", counted(*rows))
        }
        Answer::Rows(_) => match tables.iter().find(|table| table.visible == 0) {
            Some(table) => format!("0 rows: {}", why_empty(role, said, table)),
            None if tables.is_empty() => "0 rows: the statement reads no table of this database".to_owned(),
            None => {
                let seen: Vec<String> =
                    tables.iter().map(|table| format!("{} of {}", table.visible, table.table)).collect();
                format!(
                    "0 rows: the policies let rows through ({}); the statement's own conditions left none of them",
                    seen.join(", ")
                )
            }
        },
    }
}

pub(super) fn counted(rows: i64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

/// Why a caller sees nothing of a table.
fn why_empty(role: &str, said: &Values, table: &TableExplanation) -> String {
    let name = &table.table;
    if table.total == 0 {
        return format!("{name} is empty");
    }
    let applying: Vec<_> = table.policies.iter().filter(|policy| policy.permissive && policy.applies).collect();
    if role == "anon" {
        return format!("role is anon because no token was sent, and nothing of {name} is for anon");
    }
    if applying.is_empty() {
        return format!("row-level security is on for {name} and no policy lets {role} read");
    }
    if table.let_in > 0 {
        let takers: Vec<&str> = table
            .policies
            .iter()
            .filter(|policy| !policy.permissive && policy.applies && policy.true_for < table.total)
            .map(|policy| policy.name.as_str())
            .collect();
        let void = table
            .policies
            .iter()
            .any(|policy| takers.contains(&policy.name.as_str()) && policy.condition.contains("clerk.session_ok()"));
        let void = if void { ": the token was made void before it expires (docs/revocations.md)" } else { "" };
        return format!("{} let in, and taken away again by {}{void}", counted(table.let_in), takers.join(", "));
    }
    let asks = |function: &str| applying.iter().any(|policy| policy.condition.contains(function));
    let value = |function: &str| said.iter().find(|(name, _)| name == function).and_then(|(_, value)| value.as_deref());
    if asks("clerk.org_id()") && value("clerk.org_id()").is_none() {
        return format!(
            "no organization is active in the token, so clerk.org_id() is null; {name} is for members of the row's organization"
        );
    }
    if asks("clerk.my_org_ids") && value("array(select clerk.my_org_ids())") == Some("{}") {
        return format!(
            "the mirror knows no membership of {}, so clerk.my_org_ids() is empty",
            value("clerk.user_id()").unwrap_or("the caller")
        );
    }
    if applying.iter().all(|policy| policy.null_for == table.total) {
        return format!(
            "every policy of {name} is null for every row: it asks for a claim that the token does not have (`rowlock policy lint`)"
        );
    }
    for (function, column) in [("clerk.org_id()", "organization"), ("clerk.user_id()", "user")] {
        if let (true, Some(value)) = (asks(function), value(function)) {
            return format!(
                "none of the {} rows of {name} is of the {column} {value}, or what else its policies ask does not hold",
                table.total
            );
        }
    }
    format!("no policy of {name} is true for any of its {} rows", table.total)
}
