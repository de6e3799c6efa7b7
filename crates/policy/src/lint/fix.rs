//! What can be written without thinking: the edits of `--fix`.
//!
//! Only edits after which the meaning is the same or the one that was meant: a wrap, a claim's function in place of its path, the
//! statement that is missing. One pass changes what does not overlap; then the result is read again, until nothing is left to do.

use std::ops::Range;

use super::{Diagnostic, Source, lint};

/// More passes than any edit needs.
const PASSES: usize = 8;

/// What came of it.
#[derive(Debug)]
pub struct Fixed {
    /// The sources as they are now.
    pub sources: Vec<Source>,
    /// What was done, as `rule` and the name of the source.
    pub done: Vec<(&'static str, String)>,
}

/// Edits the sources as far as that goes. What was written down from a catalogue stays.
pub fn fix(sources: &[Source]) -> Fixed {
    let mut fixed = Fixed { sources: sources.to_vec(), done: Vec::new() };
    for _ in 0..PASSES {
        let found = lint(&fixed.sources);
        let mut changed = false;
        for number in 0..fixed.sources.len() {
            changed |= fix_one(number, &found, &mut fixed);
        }
        if !changed {
            break;
        }
    }
    fixed
}

fn fix_one(number: usize, found: &[Diagnostic], fixed: &mut Fixed) -> bool {
    let source = &fixed.sources[number];
    if source.is_catalogue() {
        return false;
    }
    let mut edits: Vec<(Range<usize>, String, &'static str)> = Vec::new();
    let mut appended: Vec<(&str, &'static str)> = Vec::new();
    for diagnostic in found.iter().filter(|diagnostic| diagnostic.source == number) {
        if let Some(statement) = &diagnostic.append {
            if appended.iter().all(|(earlier, _)| earlier != statement) {
                appended.push((statement, diagnostic.id()));
            }
        } else if let Some((range, text)) = edit(source.text(), diagnostic) {
            // What lies inside another edit waits for the next pass.
            if edits.iter().all(|(other, ..)| other.end <= range.start || range.end <= other.start) {
                edits.push((range, text, diagnostic.id()));
            }
        }
    }
    if edits.is_empty() && appended.is_empty() {
        return false;
    }
    let mut text = source.text().to_owned();
    edits.sort_by_key(|(range, ..)| std::cmp::Reverse(range.start));
    let mut done: Vec<(&'static str, String)> = Vec::new();
    for (range, replacement, rule) in edits {
        text.replace_range(range, &replacement);
        done.push((rule, source.name().to_owned()));
    }
    for (statement, rule) in appended {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(statement);
        text.push('\n');
        done.push((rule, source.name().to_owned()));
    }
    fixed.sources[number] = source.with_text(text);
    fixed.done.extend(done);
    true
}

/// The place and what is to stand there.
fn edit(text: &str, diagnostic: &Diagnostic) -> Option<(Range<usize>, String)> {
    let range = diagnostic.range.clone();
    let found = text.get(range.clone())?;
    match diagnostic.id() {
        "unwrapped-call" => Some((range, format!("(select {found})"))),
        "auth-uid" if found.eq_ignore_ascii_case("auth.uid()") => Some((range, "clerk.user_id()".to_owned())),
        "uuid-generate" => Some((range, "gen_random_uuid()".to_owned())),
        "claim-path" => {
            let functions =
                [("'o.id'", "clerk.org_id()"), ("'o.rol'", "clerk.org_role()"), ("'o.slg'", "clerk.org_slug()")];
            let (_, function) = functions.iter().find(|(path, _)| found.ends_with(&format!("->> {path}")))?;
            Some((range, (*function).to_owned()))
        }
        "one-version" => {
            let functions = [
                ("->> 'org_id'", "clerk.org_id()"),
                ("-> 'o' ->> 'id'", "clerk.org_id()"),
                ("->> 'org_slug'", "clerk.org_slug()"),
                ("-> 'o' ->> 'slg'", "clerk.org_slug()"),
                ("->> 'org_role'", "clerk.org_role()"),
            ];
            let (_, function) = functions.iter().find(|(path, _)| found.ends_with(path))?;
            Some((range, (*function).to_owned()))
        }
        "no-role" => {
            let clause = clause(text, range.end)?;
            Some((clause..clause, "to authenticated ".to_owned()))
        }
        "no-check" => {
            let clause = clause(text, range.end)?;
            let open = clause + text[clause..].find('(')?;
            let close = closing(text, open)?;
            Some((close..close, format!(" with check {}", &text[open..close])))
        }
        "view-rights" => {
            let free = text[range.end..].trim_start().get(..2).is_some_and(|next| next.eq_ignore_ascii_case("as"));
            free.then(|| (range.end..range.end, " with (security_invoker = true)".to_owned()))
        }
        _ => None,
    }
}

/// Where `using` or `with check` of the policy begins whose name ends there.
fn clause(text: &str, from: usize) -> Option<usize> {
    let statement = &text[from..from + text[from..].find(';').unwrap_or(text.len() - from)];
    let lower = statement.to_ascii_lowercase();
    let place = [lower.find(" using"), lower.find("\nusing"), lower.find(" with check")].into_iter().flatten().min()?;
    Some(from + place + 1)
}

/// Behind the parenthesis that closes the one at `open`.
fn closing(text: &str, open: usize) -> Option<usize> {
    let (mut depth, mut quoted) = (0_usize, false);
    for (position, character) in text[open..].char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(open + position + 1);
                }
            }
            _ => {}
        }
    }
    None
}
