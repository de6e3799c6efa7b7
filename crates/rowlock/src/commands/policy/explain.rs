//! `rowlock policy explain`: why a caller sees these rows and not others, and why a change reaches none or is refused.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clerk::{ManualClock, SystemClock, Timestamp};
use policy::explain::{
    Answer, Caller, ChangeExplanation, Explanation, PolicyExplanation, RowExplanation, Step, TableExplanation, explain,
};
use postgres::Pool;
use serde_json::{Value, json};
use tokens::Refusal;

use super::super::token::verifier;
use crate::cli::{PolicyExplainArguments, VerifyArguments};
use crate::printer::{BAD, DIM, GOOD, Printer, STRONG};

pub(super) async fn run(arguments: PolicyExplainArguments, printer: Printer) -> anyhow::Result<ExitCode> {
    let owner = super::super::migrated_pool().await?;
    let (caller, remark) = caller(&arguments, &owner).await?;
    let explanation = explain(&owner, &caller, &arguments.statement).await?;
    printer.value(&json!({ "who": caller.described, "remark": remark, "explanation": explanation }));
    let head = |name: &str| format!("{DIM}{name:<9}{DIM:#}");
    printer.line(format!("{}{}", head("who"), caller.described));
    if let Some(remark) = remark {
        printer.line(format!("{}{BAD}{remark}{BAD:#}", head("")));
    }
    printer.line(format!("{}{}", head("role"), explanation.role));
    for (name, value) in explanation.caller.iter().filter(|(name, value)| is_worth_saying(name, value.as_deref())) {
        printer.line(format!("{}{name} = {}", head(""), value.as_deref().unwrap_or("null")));
    }
    for table in &explanation.tables {
        show_table(table, &explanation, printer);
    }
    for change in &explanation.changes {
        show_change(change, &explanation.role, printer);
    }
    for part in &explanation.left_out {
        printer.line(format!("\n{}{BAD}not explained: {part}{BAD:#}", head("")));
    }
    if let Answer::Refused(reason) = &explanation.answer {
        printer.line(format!("\n{}{BAD}{reason}{BAD:#}", head("answer")));
    }
    printer.line(format!("\n{STRONG}{}{STRONG:#}", explanation.sentence));
    Ok(ExitCode::SUCCESS)
}

/// What is the same for nearly everybody says nothing.
fn is_worth_saying(name: &str, value: Option<&str>) -> bool {
    match name {
        "clerk.session_ok()" => value == Some("false"),
        _ => !matches!(value, Some("false" | "{}")),
    }
}

fn label(name: &str) -> String {
    format!("  {DIM}{name:<7}{DIM:#}")
}

fn show_table(table: &TableExplanation, explanation: &Explanation, printer: Printer) {
    printer.line(format!("\n{STRONG}{}{STRONG:#}", table.table));
    let grant = if table.granted {
        format!("{GOOD}✓{GOOD:#} select to {}", explanation.role)
    } else {
        format!("{BAD}✗ {} may not select{BAD:#}", explanation.role)
    };
    printer.line(format!("{}{grant}", label("grant")));
    printer.line(format!("{}{}", label("rows"), table.total));
    show_row_security(table.row_security, "every row is seen", printer);
    show_policies(&table.policies, &explanation.role, "select", printer);
    show_rows(&table.rows, &table.policies, table.total, printer);
    let taken = table.let_in - table.visible;
    let taken = if taken > 0 { format!(", {taken} taken away by restrictive policies") } else { String::new() };
    printer.line(format!("{}{} of {} rows{taken}", label("seen"), table.visible, table.total));
}

fn show_change(change: &ChangeExplanation, role: &str, printer: Printer) {
    printer.line(format!("\n{STRONG}{} {}{STRONG:#}", change.command, change.table));
    for grant in &change.grants {
        let told = match &grant.missing[..] {
            _ if grant.has => format!("{GOOD}✓{GOOD:#} {} to {role}", grant.privilege),
            [] => format!("{BAD}✗ {role} may not {}{BAD:#}", grant.privilege),
            columns => format!("{BAD}✗ {role} may not {} {}{BAD:#}", grant.privilege, columns.join(", ")),
        };
        printer.line(format!("{}{told} {DIM}({}){DIM:#}", label("grant"), grant.for_what));
    }
    show_row_security(change.row_security, "nothing is asked about rows", printer);
    if !change.also_reads.is_empty() {
        let clauses = change.also_reads.join("; ");
        printer
            .line(format!("{}it reads columns ({clauses}), so the policies for select are asked, too", label("reads")));
    }
    for step in &change.steps {
        let what = match step.step {
            Step::Meant => "that the statement means",
            Step::Proposed => "that the insert proposes",
            Step::Existing => "that exist already",
            Step::Written => "as they would be",
        };
        printer.line(format!("  {STRONG}rows {what}: {}{STRONG:#}", step.total));
        show_policies(&step.policies, role, change.command, printer);
        show_rows(&step.rows, &step.policies, step.total, printer);
        printer.line(format!("{}{} of {}", label("pass"), step.passed, step.total));
    }
    if let Some(stopped) = &change.stopped {
        printer.line(format!("{}{BAD}with the policies aside: {stopped}{BAD:#}", label("beside")));
    }
}

fn show_row_security(on: bool, consequence: &str, printer: Printer) {
    if !on {
        printer.line(format!("{}{BAD}row-level security is off: {consequence}{BAD:#}", label("policy")));
    }
}

/// Each condition once: what is for all commands is asked of the command and of its reading, and says the same.
fn show_policies(policies: &[PolicyExplanation], role: &str, command: &str, printer: Printer) {
    for (place, policy) in policies.iter().enumerate() {
        let again = |earlier: &PolicyExplanation| earlier.name == policy.name && earlier.condition == policy.condition;
        if policies[..place].iter().any(again) {
            continue;
        }
        let kind = if policy.permissive { "" } else { " (restrictive)" };
        let answer = if policy.applies {
            let null = if policy.null_for > 0 { format!(", null for {}", policy.null_for) } else { String::new() };
            format!("true for {}, false for {}{null}", policy.true_for, policy.false_for)
        } else {
            format!("not for {role}")
        };
        let clause = if policy.clause == "using" { "" } else { " with check" };
        let command = if policy.asked_for == command { String::new() } else { format!(" for {}", policy.asked_for) };
        printer.line(format!("{}{}{kind}{clause}{command}: {answer}", label("policy"), policy.name));
        printer.line(format!("{}{DIM}{}{DIM:#}", label(""), policy.condition));
    }
}

fn show_rows(rows: &[RowExplanation], policies: &[PolicyExplanation], total: i64, printer: Printer) {
    for row in rows {
        let mark = if row.seen { format!("{GOOD}✓{GOOD:#}") } else { format!("{BAD}✗{BAD:#}") };
        let columns: Vec<String> = row
            .columns
            .iter()
            .map(|(name, value)| format!("{name} = {}", value.as_deref().unwrap_or("null")))
            .collect();
        let mut against: Vec<&str> = policies
            .iter()
            .zip(&row.answers)
            .filter(|(policy, answer)| policy.applies && **answer != Some(true))
            .map(|(policy, _)| policy.name.as_str())
            .collect();
        against.dedup();
        let why = if row.seen || against.is_empty() {
            String::new()
        } else {
            format!("  {DIM}← {}{DIM:#}", against.join(", "))
        };
        printer.line(format!("{}{mark} {}  {}{why}", label(""), row.key, columns.join(", ")));
    }
    let more = total.saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    if more > 0 {
        printer.line(format!("{}{DIM}and {more} more{DIM:#}", label("")));
    }
}

/// The caller, and what there is to say about how they came.
async fn caller(arguments: &PolicyExplainArguments, owner: &Pool) -> anyhow::Result<(Caller, Option<String>)> {
    if let Some(token) = &arguments.token {
        return of_token(&super::super::argument_or_stdin(token)?, arguments).await;
    }
    match arguments.who.as_deref() {
        None | Some("nobody") => Ok((Caller::nobody(), None)),
        Some(who) => Ok((Caller::of_mirror(owner, who).await?, None)),
    }
}

/// Verified as the server would; one that has expired is taken as of when it was issued, for whoever pastes a token is always late.
async fn of_token(token: &str, arguments: &PolicyExplainArguments) -> anyhow::Result<(Caller, Option<String>)> {
    let asked = || VerifyArguments {
        token: token.to_owned(),
        issuer: arguments.issuer.clone(),
        jwks_url: arguments.jwks_url.clone(),
        authorized_parties: Vec::new(),
        audiences: Vec::new(),
        config: Some(arguments.file.config.clone()).filter(|config| config.is_file()),
    };
    match verifier(asked(), Arc::new(SystemClock))?.verify(token).await {
        Ok(verified) => Ok((Caller::of_token(&verified), None)),
        Err(expired @ Refusal::Expired { .. }) => {
            let clock = ManualClock::new(issued_at(token)?);
            let verified = verifier(asked(), Arc::new(clock))?.verify(token).await?;
            Ok((
                Caller::of_token(&verified),
                Some(format!("{expired}: the server answers 401; this is as of when it was issued")),
            ))
        }
        Err(refusal) => {
            Err(anyhow::Error::from(refusal).context("the server refuses this token, and no policy is ever asked"))
        }
    }
}

fn issued_at(token: &str) -> anyhow::Result<Timestamp> {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
    let seconds = payload["iat"].as_i64().context("the token has expired, and does not say when it was issued")?;
    Ok(Timestamp::from_seconds(seconds))
}
