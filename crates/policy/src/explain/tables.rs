//! One table: every policy's condition as a column, selected as the caller with row-level security opened.

use postgres::{Error, Rehearsal, RequestContext};
use squawk_syntax::{SourceFile, SyntaxKind};
use tokens::Principal;
use tokio_postgres::Row;

use super::{PolicyExplanation, RowExplanation, TableExplanation};
use crate::catalogue::{Policy, Relation};
use crate::quote_name;

/// How many rows are shown.
const SHOWN: usize = 10;

pub(super) async fn explain(
    rehearsal: &Rehearsal,
    principal: &Principal,
    relation: &Relation,
) -> Result<TableExplanation, Error> {
    let name = relation.table_name();
    let role = principal.role();
    let reading: Vec<&Policy> = relation
        .policies
        .iter()
        .filter(|policy| matches!(policy.command.as_str(), "select" | "all") && policy.using.is_some())
        .collect();
    let applies = |policy: &Policy| policy.roles.iter().any(|own| own == role || own == "public");
    let granted = relation.has_grant(role, "select");

    rehearsal.mark().await?;
    let total: i64 = rehearsal.query(&format!("select count(*) from {name}"), &[]).await?[0].get(0);
    open(rehearsal, relation, role).await?;
    rehearsal.act_as(principal, &RequestContext::default()).await?;
    let conditions: Vec<String> =
        reading.iter().map(|policy| format!("({})", policy.using.as_deref().unwrap_or("true"))).collect();
    let chosen = |permissive: bool, word: &str, otherwise: &str| {
        let parts: Vec<String> = reading
            .iter()
            .zip(&conditions)
            .filter(|(policy, _)| policy.permissive == permissive && applies(policy))
            .map(|(_, condition)| format!("coalesce({condition}, false)"))
            .collect();
        if parts.is_empty() { otherwise.to_owned() } else { format!("({})", parts.join(word)) }
    };
    // Without row-level security every row is let in.
    let (let_in, kept) = if relation.row_security {
        (chosen(true, " or ", "false"), chosen(false, " and ", "true"))
    } else {
        ("true".to_owned(), "true".to_owned())
    };
    let counts: Vec<String> = conditions
        .iter()
        .flat_map(|condition| {
            [format!("count(*) filter (where {condition})"), format!("count(*) filter (where not {condition})")]
        })
        .chain([format!("count(*) filter (where {let_in})"), format!("count(*) filter (where {let_in} and {kept})")])
        .collect();
    let counted = rehearsal.query(&format!("select {} from {name}", counts.join(", ")), &[]).await?;
    let counted: Vec<i64> = (0..counts.len()).map(|place| counted[0].get(place)).collect();
    let columns = looked_at(relation, &reading);
    let rows = sample(rehearsal, relation, &conditions, &columns, &format!("({let_in} and {kept})")).await?;
    rehearsal.undo().await?;

    let policies = reading
        .iter()
        .enumerate()
        .map(|(place, policy)| {
            let (true_for, false_for) = (counted[2 * place], counted[2 * place + 1]);
            PolicyExplanation {
                name: policy.name.clone(),
                condition: policy.using.clone().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" "),
                permissive: policy.permissive,
                applies: applies(policy),
                true_for,
                false_for,
                null_for: total - true_for - false_for,
            }
        })
        .collect();
    let after = counted.len() - 2;
    let (let_in, visible) = if granted { (counted[after], counted[after + 1]) } else { (0, 0) };
    Ok(TableExplanation {
        table: name.to_string(),
        row_security: relation.row_security,
        granted,
        total,
        let_in,
        visible,
        policies,
        rows,
    })
}

/// Lets the role see every row, inside the mark.
async fn open(rehearsal: &Rehearsal, relation: &Relation, role: &str) -> Result<(), Error> {
    let name = relation.table_name();
    for policy in relation.policies.iter().filter(|policy| !policy.permissive) {
        rehearsal.run(&format!("drop policy {} on {name}", quote_name(&policy.name))).await?;
    }
    let role = postgres::identifier::quote_identifier(role);
    let statements = format!(
        "grant usage on schema {} to {role}; grant select on {name} to {role}; create policy rowlock_explain on {name} for select using (true)",
        quote_name(&relation.schema)
    );
    rehearsal.run(&statements).await
}

/// The table's columns that stand in a condition.
fn looked_at(relation: &Relation, policies: &[&Policy]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for policy in policies {
        let text = format!("select {}", policy.using.as_deref().unwrap_or("true"));
        let tree = SourceFile::parse(&text).syntax_node();
        for name in tree.descendants().filter(|node| node.kind() == SyntaxKind::NAME_REF) {
            let name = name.text().to_string().trim_matches('"').to_owned();
            if relation.column(&name).is_some() && !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    columns
}

/// Some rows, those that are not seen first.
async fn sample(
    rehearsal: &Rehearsal,
    relation: &Relation,
    conditions: &[String],
    columns: &[String],
    seen: &str,
) -> Result<Vec<RowExplanation>, Error> {
    let key: Vec<String> = relation.primary_key.iter().map(|column| format!("{}::text", quote_name(column))).collect();
    let key = if key.is_empty() { "ctid::text".to_owned() } else { format!("concat_ws('/', {})", key.join(", ")) };
    let shown: Vec<String> = columns.iter().map(|column| format!("{}::text", quote_name(column))).collect();
    let selected: Vec<String> =
        [key, seen.to_owned()].into_iter().chain(conditions.iter().cloned()).chain(shown).collect();
    let statement =
        format!("select {} from {} order by 2, 1 limit {SHOWN}", selected.join(", "), relation.table_name());
    let rows = rehearsal.query(&statement, &[]).await?;
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
