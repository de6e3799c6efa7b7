//! The one sentence about a statement that writes: what it wrote, or which policy said no to what, with the values that decided.

use super::reason::counted;
use super::{
    Answer, Caller, ChangeExplanation, GrantExplanation, PolicyExplanation, RowExplanation, Step, StepExplanation,
};

pub(super) fn sentence(caller: &Caller, changes: &[ChangeExplanation], left_out: &[String], answer: &Answer) -> String {
    let told = match (changes, answer) {
        ([only], Answer::Refused(error)) => about(caller, only).refused(error),
        ([only], Answer::Rows(rows) | Answer::Changed(rows)) if left_out.is_empty() && !only.of_merge => {
            about(caller, only).done(*rows)
        }
        (all, Answer::Refused(error)) => {
            let why = all.iter().find_map(|change| Some((change, about(caller, change).why_refused(error)?)));
            why.map_or_else(|| format!("refused: {error}"), |(change, why)| format!("{}: {why}", part(change)))
        }
        (all, Answer::Rows(_) | Answer::Changed(_)) => {
            let told = |change: &ChangeExplanation| {
                let written = change.steps.last().map_or(0, |step| step.passed);
                format!("{}: {}", part(change), about(caller, change).done(written))
            };
            all.iter().map(told).collect::<Vec<_>>().join("; ")
        }
    };
    let left_out = left_out.iter().map(|part| format!("; not explained is {part}"));
    [told].into_iter().chain(left_out).collect()
}

fn about<'a>(caller: &'a Caller, change: &'a ChangeExplanation) -> About<'a> {
    About { role: caller.principal.role(), change }
}

/// One of several changes, in a sentence.
fn part(change: &ChangeExplanation) -> String {
    format!("{} {}", change.command, change.table)
}

struct About<'a> {
    role: &'a str,
    change: &'a ChangeExplanation,
}

impl About<'_> {
    fn refused(&self, error: &str) -> String {
        self.why_refused(error).unwrap_or_else(|| format!("refused: {error}"))
    }

    /// Where it is this change that is refused.
    fn why_refused(&self, error: &str) -> Option<String> {
        if let Some(grant) = self.change.grants.iter().find(|grant| !grant.has) {
            return Some(self.no_grant(grant));
        }
        if !error.contains("row-level security") {
            return None;
        }
        let kept = self.change.steps.iter().find(|step| self.change.of_merge && step.step == Step::Meant);
        let refusing = self.change.steps.iter().find(|step| step.step != Step::Meant && step.passed < step.total);
        kept.and_then(|step| self.row_kept(step)).or_else(|| refusing.map(|step| self.row_refused(step)))
    }

    /// The first row that a merge finds, and may not change. One that it does not see counts as not there, and is no error.
    fn row_kept(&self, step: &StepExplanation) -> Option<String> {
        let row = step.rows.iter().find(|row| !row.seen && is_visible(step, row))?;
        let against = against(step, row);
        let command = self.change.command;
        Some(if against.is_empty() {
            format!(
                "refused: the row {} is there, and no policy of {} lets {} {command}",
                row.key, self.change.table, self.role
            )
        } else {
            let values = values(step, row, &against);
            format!(
                "refused: the row {} is there, and {} does not let the caller {command} it: {values}",
                row.key,
                policies(&against)
            )
        })
    }

    fn no_grant(&self, grant: &GrantExplanation) -> String {
        let (role, table, privilege) = (self.role, &self.change.table, grant.privilege);
        let into = match privilege {
            "insert" => "insert into",
            "select" | "delete" => &format!("{privilege} from"),
            _ => privilege,
        };
        if role == "anon" && grant.nothing {
            return format!("refused: role is anon because no token was sent, and anon has no grant to {into} {table}");
        }
        if grant.nothing {
            let why =
                if privilege == self.change.command { String::new() } else { format!(" (for `{}`)", grant.for_what) };
            return format!(
                "refused: {role} has no grant to {into} {table}{why}; if it is meant: `grant {privilege} on {table} to {role}`"
            );
        }
        let columns = grant.missing.join(", ");
        format!(
            "refused: {role} may not {privilege} {columns} of {table} (for `{}`), only other columns; if it is meant: `grant {privilege} ({columns}) on {table} to {role}`",
            grant.for_what
        )
    }

    /// The first row that does not pass, and what is against it.
    fn row_refused(&self, step: &StepExplanation) -> String {
        let Some(row) = step.rows.iter().find(|row| !row.seen) else { return "refused".to_owned() };
        let against = against(step, row);
        let what = match step.step {
            Step::Existing => format!("the row {} exists already", row.key),
            Step::Proposed => "the row that the insert proposes is refused".to_owned(),
            Step::Meant | Step::Written => "new row refused".to_owned(),
        };
        if against.is_empty() {
            let command = step.policies.first().map_or(self.change.command, |policy| policy.asked_for);
            return format!("{what}: no policy of {} lets {} {command}", self.change.table, self.role);
        }
        let hidden = against.iter().all(|policy| policy.asked_for == "select") && step.step != Step::Existing;
        let values = values(step, row, &against);
        if hidden {
            return format!(
                "{what}: {} would not see it afterwards (policy {}), and a statement that reads the row (`{}`) may not leave such a row behind: {values}",
                self.role,
                names(&against),
                self.change.also_reads.join("`, `")
            );
        }
        if step.step == Step::Existing {
            return format!(
                "the row {} exists already, and {} does not let the caller update it: {values}",
                row.key,
                policies(&against)
            );
        }
        format!("{what} by WITH CHECK of {}: {values}", policies(&against))
    }

    fn done(&self, rows: i64) -> String {
        let past = match self.change.command {
            "insert" => "inserted",
            "delete" => "deleted",
            _ => "updated",
        };
        let upsert = self.change.steps.iter().any(|step| step.step == Step::Existing);
        let past = if upsert { "inserted or updated" } else { past };
        let done = format!("{} {past}", counted(rows));
        let Some(meant) = self.change.steps.iter().find(|step| step.step == Step::Meant) else {
            return if rows == 0 {
                format!("{done}: the statement makes no row that is not there already")
            } else {
                done
            };
        };
        let table = &self.change.table;
        if meant.total == 0 {
            return format!("{done}: the statement's own conditions hold for no row of {table}, whoever asks");
        }
        if meant.passed >= meant.total {
            return if rows == 0 {
                format!("{done}: something else than policies took the rows away, such as a trigger")
            } else {
                done
            };
        }
        let left = meant.total - meant.passed;
        let of = format!("{done}, of {} that the statement means", meant.total);
        let of =
            if rows == 0 { format!("{done}: the statement means {} of {table}", counted(meant.total)) } else { of };
        if self.role == "anon" {
            return format!("{of}; role is anon because no token was sent, and {left} are not for anon");
        }
        let Some(row) = meant.rows.iter().find(|row| !row.seen) else { return of };
        // What a merge may not change is an error: what it leaves out, it does not see.
        let against = if self.change.of_merge { hiding(meant, row) } else { against(meant, row) };
        if against.is_empty() {
            let closed = self.closed(meant);
            return format!("{of}, and no policy of {table} lets {} {closed}", self.role);
        }
        let hidden = against.iter().all(|policy| policy.asked_for == "select");
        let verb = if hidden { "see" } else { self.change.command };
        let whom = if rows == 0 && left == meant.total { String::new() } else { format!(" {left} of them") };
        let because = if hidden {
            format!(" (the statement reads the row: `{}`)", self.change.also_reads.join("`, `"))
        } else {
            String::new()
        };
        let them = if whom.is_empty() { if left == 1 { " it" } else { " any of them" } } else { &whom };
        format!(
            "{of}, and {} does not let the caller {verb}{them}{because}: {}",
            policies(&against),
            values(meant, row, &against)
        )
    }

    /// The command that no permissive policy is for.
    fn closed(&self, step: &StepExplanation) -> &'static str {
        let open = |command: &str| {
            step.policies.iter().any(|policy| policy.asked_for == command && policy.permissive && policy.applies)
        };
        if open(self.change.command) { "select" } else { self.change.command }
    }
}

/// What the row has and what the caller has, of that which these policies look at. What fits together decided nothing, and is left out
/// where something else remains.
fn values(step: &StepExplanation, row: &RowExplanation, against: &[&PolicyExplanation]) -> String {
    let asked = |word: &str| against.iter().any(|policy| mentions(&policy.condition, word));
    let called = |call: &str| against.iter().any(|policy| policy.condition.replace("::text", "").contains(call));
    let columns: Vec<_> = row.columns.iter().filter(|(column, _)| asked(column)).collect();
    let answers: Vec<_> = step.answers.iter().filter(|(call, _)| called(call)).collect();
    let fits = |value: &Option<String>, others: &[&(String, Option<String>)]| {
        value.is_some() && others.iter().any(|(_, other)| other == value)
    };
    let told = |all: bool| -> Vec<String> {
        let columns = columns.iter().filter(|(_, value)| all || !fits(value, &answers));
        let answers = answers.iter().filter(|(_, value)| all || !fits(value, &columns_of(row)));
        columns
            .map(|(column, value)| format!("{column} is {}", value.as_deref().unwrap_or("null")))
            .chain(answers.map(|(call, value)| caller_value(call, value.as_deref())))
            .collect()
    };
    let deciding = told(false);
    let values = if deciding.is_empty() { told(true) } else { deciding };
    if values.is_empty() {
        let conditions: Vec<&str> = against.iter().map(|policy| policy.condition.as_str()).collect();
        return format!("{} does not hold", conditions.join(" or "));
    }
    values.join(", ")
}

fn columns_of(row: &RowExplanation) -> Vec<&(String, Option<String>)> {
    row.columns.iter().collect()
}

/// The value of the caller that a policy asks for, in words.
fn caller_value(call: &str, value: Option<&str>) -> String {
    let thing = match call {
        "clerk.user_id()" => "user",
        "clerk.org_id()" => "organization",
        "clerk.org_role()" => "role",
        "clerk.is_pending()" if value == Some("true") => return "the session is pending".to_owned(),
        "clerk.session_ok()" if value == Some("false") => {
            return "the token was made void before it expires (docs/revocations.md)".to_owned();
        }
        _ => return format!("{call} is {}", value.unwrap_or("null")),
    };
    match value {
        Some(value) => format!("the token's {thing} is {value}"),
        None if thing == "organization" => "no organization is active in the token".to_owned(),
        None => format!("the token has no {thing}"),
    }
}

/// Whether the word stands in the text by itself.
fn mentions(condition: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || character == '_';
    condition.match_indices(word).any(|(place, _)| {
        let (before, after) = (&condition[..place], &condition[place + word.len()..]);
        !before.ends_with(|last: char| part(last) || last == '.') && !after.starts_with(part)
    })
}

/// Whether the policies for reading show it.
fn is_visible(step: &StepExplanation, row: &RowExplanation) -> bool {
    let asked =
        step.policies.iter().zip(&row.answers).filter(|(policy, _)| policy.asked_for == "select" && policy.applies);
    let (givers, takers): (Vec<_>, Vec<_>) = asked.partition(|(policy, _)| policy.permissive);
    let holds = |(_, answer): &(&PolicyExplanation, &Option<bool>)| **answer == Some(true);
    givers.iter().any(holds) && takers.iter().all(holds)
}

/// The policies for reading that hide the row.
fn hiding<'a>(step: &'a StepExplanation, row: &RowExplanation) -> Vec<&'a PolicyExplanation> {
    let against = step
        .policies
        .iter()
        .zip(&row.answers)
        .filter(|(policy, answer)| policy.asked_for == "select" && policy.applies && **answer != Some(true));
    let (givers, takers): (Vec<_>, Vec<_>) = against.map(|(policy, _)| policy).partition(|policy| policy.permissive);
    if takers.is_empty() { givers } else { takers }
}

/// The policies that keep the row out: the restrictive ones that take it away, or else every permissive one of the command that none of
/// them lets in.
fn against<'a>(step: &'a StepExplanation, row: &RowExplanation) -> Vec<&'a PolicyExplanation> {
    let judged: Vec<(&PolicyExplanation, bool)> = step
        .policies
        .iter()
        .zip(&row.answers)
        .filter(|(policy, _)| policy.applies)
        .map(|(policy, answer)| (policy, *answer == Some(true)))
        .collect();
    let takers: Vec<_> =
        judged.iter().filter(|(policy, holds)| !policy.permissive && !holds).map(|(policy, _)| *policy).collect();
    if !takers.is_empty() {
        return takers;
    }
    let mut commands: Vec<&str> = judged.iter().map(|(policy, _)| policy.asked_for).collect();
    commands.dedup();
    for command in commands {
        let givers: Vec<_> =
            judged.iter().filter(|(policy, _)| policy.permissive && policy.asked_for == command).collect();
        if givers.iter().all(|(_, holds)| !holds) {
            return givers.iter().map(|(policy, _)| *policy).collect();
        }
    }
    Vec::new()
}

fn names(policies: &[&PolicyExplanation]) -> String {
    policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn policies(policies: &[&PolicyExplanation]) -> String {
    let word = if policies.len() == 1 { "policy" } else { "policies" };
    format!("{word} {}", names(policies))
}
