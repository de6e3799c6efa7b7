//! Policies over rows: each condition selected as a column, as the caller, with row-level security opened.

use postgres::{Error, Rehearsal};
use squawk_syntax::{SourceFile, SyntaxKind};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::statement::PLACE;
use super::{Judgement, PolicyExplanation, RowExplanation};
use crate::catalogue::{Policy, Relation};
use crate::lint::tree::{called, descendants, reads_columns};
use crate::quote_name;

/// How many rows are shown.
const SHOWN: usize = 10;

/// One policy, and what is asked of it.
pub(super) struct Question<'a> {
    pub(super) policy: &'a Policy,
    pub(super) asked_for: &'static str,
    clause: &'static str,
    condition: &'a str,
}

/// What a row must pass so that a command may reach it: `using`.
pub(super) fn using<'a>(relation: &'a Relation, command: &'static str) -> Vec<Question<'a>> {
    questions(relation, command, |policy| policy.using.as_deref().map(|condition| ("using", condition)))
}

/// What a row must pass so that a command may leave it behind: `with check`, for which `using` stands where there is none.
pub(super) fn check<'a>(relation: &'a Relation, command: &'static str) -> Vec<Question<'a>> {
    questions(relation, command, |policy| {
        let check = policy.check.as_deref().map(|condition| ("with check", condition));
        check.or_else(|| policy.using.as_deref().map(|condition| ("using", condition)))
    })
}

fn questions<'a>(
    relation: &'a Relation,
    command: &'static str,
    clause: impl Fn(&'a Policy) -> Option<(&'static str, &'a str)>,
) -> Vec<Question<'a>> {
    let concerned = relation.policies.iter().filter(|policy| policy.command == command || policy.command == "all");
    concerned
        .filter_map(|policy| {
            let (clause, condition) = clause(policy)?;
            Some(Question { policy, asked_for: command, clause, condition })
        })
        .collect()
}

/// What all questions together come to for a row: as (some permissive one of each command, every restrictive one).
pub(super) fn verdict(relation: &Relation, role: &str, groups: &[Vec<Question<'_>>]) -> (String, String) {
    // Without row-level security every row is let in.
    if !relation.row_security {
        return ("true".to_owned(), "true".to_owned());
    }
    let chosen = |group: &[Question<'_>], permissive: bool, word: &str, otherwise: &str| {
        let parts: Vec<String> = group
            .iter()
            .filter(|question| question.policy.permissive == permissive && applies(question.policy, role))
            .map(|question| format!("coalesce(({}), false)", question.condition))
            .collect();
        if parts.is_empty() { otherwise.to_owned() } else { format!("({})", parts.join(word)) }
    };
    let every = |permissive: bool, word: &str, otherwise: &str| {
        let groups: Vec<String> = groups.iter().map(|group| chosen(group, permissive, word, otherwise)).collect();
        if groups.is_empty() { "true".to_owned() } else { groups.join(" and ") }
    };
    (every(true, " or ", "false"), every(false, " and ", "true"))
}

fn applies(policy: &Policy, role: &str) -> bool {
    policy.roles.iter().any(|own| own == role || own == "public")
}

/// Judges rows, all or those in these places, as whoever acts at this moment; the table must be open.
pub(super) async fn judge(
    rehearsal: &Rehearsal,
    relation: &Relation,
    role: &str,
    groups: &[Vec<Question<'_>>],
    places: Option<&[String]>,
) -> Result<Judgement, Error> {
    let (let_in, kept) = verdict(relation, role, groups);
    let questions: Vec<&Question<'_>> = groups.iter().flatten().collect();
    let conditions: Vec<String> = questions.iter().map(|question| format!("({})", question.condition)).collect();
    let counts: Vec<String> = conditions
        .iter()
        .flat_map(|condition| {
            [format!("count(*) filter (where {condition})"), format!("count(*) filter (where not {condition})")]
        })
        .chain([
            "count(*)".to_owned(),
            format!("count(*) filter (where {let_in})"),
            format!("count(*) filter (where {let_in} and {kept})"),
        ])
        .collect();
    // The parameter is there either way.
    let from = format!("from {} where ($1::text[] is null or ({PLACE}) = any ($1))", relation.table_name());
    let rows = rehearsal.query(&format!("select {} {from}", counts.join(", ")), &[(&places, Type::TEXT_ARRAY)]).await?;
    let counted: Vec<i64> = (0..counts.len()).map(|place| rows[0].get(place)).collect();
    let after = conditions.len() * 2;
    let total = counted[after];
    let columns = looked_at(relation, &questions);
    let seen = format!("({let_in} and {kept})");
    let rows = sample(rehearsal, relation, (&conditions, &columns, &seen), (&from, places)).await?;
    let policies = questions.iter().enumerate().map(|(place, question)| {
        let (true_for, false_for) = (counted[2 * place], counted[2 * place + 1]);
        PolicyExplanation {
            name: question.policy.name.clone(),
            asked_for: question.asked_for,
            clause: question.clause,
            condition: question.condition.split_whitespace().collect::<Vec<_>>().join(" "),
            permissive: question.policy.permissive,
            applies: applies(question.policy, role),
            true_for,
            false_for,
            null_for: total - true_for - false_for,
        }
    });
    let answers = answers(rehearsal, &questions).await?;
    Ok(Judgement {
        answers,
        total,
        let_in: counted[after + 1],
        passed: counted[after + 2],
        policies: policies.collect(),
        rows,
    })
}

/// Functions that give rows.
const OF_SEVERAL: [&str; 2] = ["clerk.my_org_ids", "clerk.my_org_ids_with"];

/// What the functions of schema clerk that stand in the conditions answer: call → value.
async fn answers(rehearsal: &Rehearsal, questions: &[&Question<'_>]) -> Result<Vec<(String, Option<String>)>, Error> {
    let mut calls: Vec<(String, String)> = Vec::new();
    for question in questions {
        let tree = SourceFile::parse(&format!("select {}", question.condition)).syntax_node();
        for call in descendants(&tree, SyntaxKind::CALL_EXPR).filter(|call| !reads_columns(call)) {
            let Some(function) = called(&call).filter(|function| function.starts_with("clerk.")) else { continue };
            let text = call.text().to_string();
            let value = match function.as_str() {
                "clerk.my_memberships" => {
                    format!("array(select mine.organization_id || ' as ' || mine.role from {text} as mine)::text")
                }
                function if OF_SEVERAL.contains(&function) => format!("array(select {text})::text"),
                _ => format!("({text})::text"),
            };
            // As people write it, without the casts that Postgres adds.
            let shown = text.replace("::text", "");
            if calls.iter().all(|(known, _)| *known != shown) {
                calls.push((shown, value));
            }
        }
    }
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<&str> = calls.iter().map(|(_, value)| value.as_str()).collect();
    let rows = rehearsal.query(&format!("select {}", values.join(", ")), &[]).await?;
    Ok(calls.iter().enumerate().map(|(place, (call, _))| (call.clone(), rows[0].get(place))).collect())
}

/// Lets the role see every row, and write what it likes, inside the mark.
pub(super) async fn open(
    rehearsal: &Rehearsal,
    relation: &Relation,
    role: &str,
    reached_by_update: &str,
) -> Result<(), Error> {
    let name = relation.table_name();
    for policy in &relation.policies {
        rehearsal.run(&format!("drop policy {} on {name}", quote_name(&policy.name))).await?;
    }
    let role = postgres::identifier::quote_identifier(role);
    let statements = format!(
        "grant usage on schema {} to {role}; grant select, insert, update, delete on {name} to {role};
         create policy rowlock_explain_select on {name} for select using (true);
         create policy rowlock_explain_insert on {name} for insert with check (true);
         create policy rowlock_explain_update on {name} for update using ({reached_by_update}) with check (true);
         create policy rowlock_explain_delete on {name} for delete using (true)",
        quote_name(&relation.schema)
    );
    rehearsal.run(&statements).await
}

/// The table's columns that stand in a condition.
fn looked_at(relation: &Relation, questions: &[&Question<'_>]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for question in questions {
        let tree = SourceFile::parse(&format!("select {}", question.condition)).syntax_node();
        for name in tree.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF) {
            let name = name.text().to_string().trim_matches('"').to_owned();
            if relation.column(&name).is_some() && !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    columns
}

/// Some rows, those that do not pass first.
async fn sample(
    rehearsal: &Rehearsal,
    relation: &Relation,
    (conditions, columns, seen): (&[String], &[String], &str),
    (from, places): (&str, Option<&[String]>),
) -> Result<Vec<RowExplanation>, Error> {
    let key: Vec<String> = relation.primary_key.iter().map(|column| format!("{}::text", quote_name(column))).collect();
    let key = if key.is_empty() { "ctid::text".to_owned() } else { format!("concat_ws('/', {})", key.join(", ")) };
    let shown: Vec<String> = columns.iter().map(|column| format!("{}::text", quote_name(column))).collect();
    let selected: Vec<String> =
        [key, seen.to_owned()].into_iter().chain(conditions.iter().cloned()).chain(shown).collect();
    let statement = format!("select {} {from} order by 2, 1 limit {SHOWN}", selected.join(", "));
    let rows = rehearsal.query(&statement, &[(&places, Type::TEXT_ARRAY)]).await?;
    let explained = |row: &Row| RowExplanation {
        key: row.get(0),
        seen: row.get(1),
        answers: (0..conditions.len()).map(|place| row.get(2 + place)).collect(),
        columns: columns
            .iter()
            .enumerate()
            .map(|(place, column)| (column.clone(), row.get(2 + conditions.len() + place)))
            .collect(),
    };
    Ok(rows.iter().map(explained).collect())
}
