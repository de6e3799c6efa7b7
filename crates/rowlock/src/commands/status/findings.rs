//! What of all the figures somebody should do something about. Pure.

use std::time::Duration;

use mirror::{Run, Status};
use serde::Serialize;
use server::config::MirrorPatience;

use super::Secrets;
use crate::moment;

/// An inquiry that has waited so long is not just about to be asked, in seconds.
const INQUIRY_IS_LATE: i64 = 10 * 60;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// The mirror is not what Clerk is, or will not be: the exit code says so.
    Red,
    /// Worth knowing.
    Note,
}

/// Something to do.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// What was found.
    pub(super) what: String,
    /// The next command, or the next step where that is none.
    pub(super) next: String,
}

fn red(what: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { level: Level::Red, what: what.into(), next: next.into() }
}

fn note(what: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { level: Level::Note, what: what.into(), next: next.into() }
}

/// A database of an older release, or of none.
pub(super) fn not_migrated(pending: usize) -> Finding {
    red(format!("{pending} of Rowlock's migrations are missing"), "rowlock migrate")
}

/// Everything worth saying, the worst first.
pub(super) fn of(status: &Status, patience: MirrorPatience, secrets: Secrets) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(stalled(status, patience));
    found.extend(silence(status, patience));
    found.extend(waiting(status));
    found.extend(status.runs.iter().flat_map(run));
    found.extend(inquiries(status, secrets));
    found.extend(never(status));
    // Stable: within a level in the order above.
    found.sort_by_key(|finding| finding.level == Level::Note);
    found
}

fn exceeded(seconds: Option<i64>, patience: Option<Duration>) -> Option<String> {
    let seconds = seconds?;
    let passed = Duration::from_secs(u64::try_from(seconds).ok()?);
    (passed >= patience?).then(|| moment::span(seconds.saturating_mul(1000)))
}

fn stalled(status: &Status, patience: MirrorPatience) -> Option<Finding> {
    let passed = exceeded(status.inbox.overdue_for_seconds, patience.stalled)?;
    let what = format!("a delivery is due and was not tried again for {passed}: no worker is at work");
    Some(red(what, "rowlock serve    (or look into the log of the one that runs)"))
}

fn silence(status: &Status, patience: MirrorPatience) -> Option<Finding> {
    let passed = exceeded(status.inbox.silent_for_seconds, patience.silence)?;
    let what = format!("no delivery has come for {passed}");
    Some(red(what, "open the endpoint's page in Clerk's dashboard, Webhooks: is it enabled, and what was it answered?"))
}

fn waiting(status: &Status) -> Vec<Finding> {
    let mut found = Vec::new();
    for (state, count) in [("dead", status.inbox.dead), ("failed", status.inbox.failed)] {
        if count == 0 {
            continue;
        }
        let of_state = || status.waiting.iter().filter(|waits| waits.state == state);
        let reasons: Vec<String> = of_state()
            .map(|waits| {
                let times = if waits.count == count { String::new() } else { format!("{} × ", waits.count) };
                format!("{times}{}", waits.reason.as_deref().unwrap_or("no reason was kept"))
            })
            .collect();
        let example = of_state().next().map_or("<delivery>", |waits| waits.example.as_str());
        let deliveries = if count == 1 { "delivery" } else { "deliveries" };
        let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
        found.push(if state == "dead" {
            let what = format!("{count} {deliveries} given up{reasons}");
            red(what, format!("rowlock events replay {example} --dry-run    (all: rowlock events list --state dead)"))
        } else {
            let what = format!("{count} {deliveries} failed and tried again by itself{reasons}");
            note(what, format!("rowlock events show {example}"))
        });
    }
    found
}

fn run(run: &Run) -> Vec<Finding> {
    let mut found = Vec::new();
    let command = format!("rowlock {}", run.work);
    if let Some(reason) = &run.reason {
        let when = moment::from_now(run.finished_at.unwrap_or(run.started_at));
        found.push(red(format!("the last {} broke off {when}: {reason}", run.work), command));
        return found;
    }
    let left = run.drift - run.repaired;
    if run.work == "reconcile" && left > 0 {
        let rows = if left == 1 { "row is" } else { "rows are" };
        found.push(red(format!("{left} {rows} not as Clerk has them"), "rowlock reconcile --repair"));
    }
    if run.refused > 0 {
        let objects = if run.refused == 1 { "object" } else { "objects" };
        let what = format!("the last {} could not write {} {objects}", run.work, run.refused);
        found.push(red(what, command));
    }
    found
}

fn inquiries(status: &Status, secrets: Secrets) -> Option<Finding> {
    let late: Vec<_> =
        status.inquiries.iter().filter(|inquiries| inquiries.oldest_seconds >= INQUIRY_IS_LATE).collect();
    if late.is_empty() {
        return None;
    }
    let causes: Vec<String> =
        late.iter().map(|inquiries| format!("{} of cause {}", inquiries.count, inquiries.cause)).collect();
    let oldest = late.iter().map(|inquiries| inquiries.oldest_seconds).max().unwrap_or_default();
    let reason = late.iter().find_map(|inquiries| inquiries.reason.as_ref());
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    let what = format!(
        "Clerk was not asked, or has not answered, about objects for {} ({}){reason}",
        moment::span(oldest.saturating_mul(1000)),
        causes.join(", ")
    );
    let next = if secrets.secret_key {
        "is `rowlock serve` at work with this CLERK_SECRET_KEY? Its log says what Clerk answers"
    } else {
        "CLERK_SECRET_KEY=sk_… rowlock serve    (without it Clerk cannot be asked)"
    };
    Some(note(what, next))
}

/// A mirror that nothing has ever come to.
fn never(status: &Status) -> Option<Finding> {
    let last = &status.last_success;
    if last.webhook.is_some() {
        return None;
    }
    Some(if last.backfill.is_some() {
        note(
            "no webhook has ever come: the mirror is as old as its last backfill",
            "add the endpoint https://<your host>/webhooks/clerk in Clerk's dashboard, Webhooks",
        )
    } else {
        note(
            "the mirror is empty: nothing has ever come",
            "rowlock backfill    (needs CLERK_SECRET_KEY), and the endpoint /webhooks/clerk in Clerk's dashboard",
        )
    })
}

#[cfg(test)]
mod tests {
    use mirror::{InboxHealth, Inquiries, LastHour, LastSuccess, Waits};

    use super::*;

    const NO_SECRETS: Secrets = Secrets { signing_secrets: 0, secret_key: false };

    fn well() -> Status {
        let last_success = LastSuccess { webhook: Some(1), backfill: Some(1), reconcile: Some(1), token: None };
        let last_hour = LastHour { applied: 1, stale: 0, kept: 0, failed: 0, dead: 0, lag_p50: None, lag_p99: None };
        let inbox = InboxHealth {
            failed: 0,
            dead: 0,
            last_received_at: Some(1),
            silent_for_seconds: Some(7200),
            overdue_for_seconds: None,
            failing_for_seconds: None,
        };
        Status {
            tables: Vec::new(),
            last_hour,
            inbox,
            waiting: Vec::new(),
            inquiries: Vec::new(),
            last_success,
            runs: Vec::new(),
            revocations: 0,
        }
    }

    fn of_run(work: &str, reason: Option<&str>, drift: i64, repaired: i64) -> Run {
        Run {
            work: work.to_owned(),
            started_at: moment::now() - 4 * 60 * 60 * 1000,
            finished_at: Some(moment::now() - 3 * 60 * 60 * 1000 - 1),
            reason: reason.map(str::to_owned),
            repairs: false,
            drift,
            repaired,
            refused: 0,
            succeeded_at: None,
        }
    }

    fn told(status: &Status) -> String {
        let patience = MirrorPatience {
            silence: Some(Duration::from_secs(3 * 3600)),
            stalled: Some(Duration::from_secs(300)),
            failing: None,
        };
        let found = of(status, patience, NO_SECRETS);
        found
            .iter()
            .map(|finding| format!("{:?} {} → {}", finding.level, finding.what, finding.next))
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn all_is_well() {
        assert_eq!(told(&well()), "");
    }

    #[test]
    fn whatever_is_wrong_names_the_next_step_and_the_worst_comes_first() {
        let mut status = well();
        status.inbox.silent_for_seconds = Some(4 * 3600);
        status.inbox.overdue_for_seconds = Some(600);
        (status.inbox.failed, status.inbox.dead) = (1, 3);
        let waits = |state: &str, reason: &str, count| Waits {
            state: state.to_owned(),
            reason: Some(reason.to_owned()),
            count,
            example: format!("msg_{state}"),
            oldest_at: 1,
        };
        status.waiting = vec![
            waits("dead", "value too long (22001)", 2),
            waits("dead", "`id` is missing", 1),
            waits("failed", "permission denied (42501)", 1),
        ];
        status.inquiries = vec![Inquiries { cause: "stub".to_owned(), count: 2, oldest_seconds: 3600, reason: None }];
        status.runs = vec![of_run("backfill", Some("it was told to stop"), 0, 0), of_run("reconcile", None, 3, 1)];
        insta::assert_snapshot!(told(&status), @"
        Red a delivery is due and was not tried again for 10 min: no worker is at work → rowlock serve    (or look into the log of the one that runs)
        Red no delivery has come for 4 h → open the endpoint's page in Clerk's dashboard, Webhooks: is it enabled, and what was it answered?
        Red 3 deliveries given up: 2 × value too long (22001); 1 × `id` is missing → rowlock events replay msg_dead --dry-run    (all: rowlock events list --state dead)
        Red the last backfill broke off 3 h ago: it was told to stop → rowlock backfill
        Red 2 rows are not as Clerk has them → rowlock reconcile --repair
        Note 1 delivery failed and tried again by itself: permission denied (42501) → rowlock events show msg_failed
        Note Clerk was not asked, or has not answered, about objects for 60 min (2 of cause stub) → CLERK_SECRET_KEY=sk_… rowlock serve    (without it Clerk cannot be asked)
        ");
    }

    #[test]
    fn drift_that_was_repaired_is_none() {
        let mut status = well();
        status.runs = vec![of_run("reconcile", None, 3, 3)];
        assert_eq!(told(&status), "");
    }

    #[test]
    fn a_mirror_that_nothing_came_to_says_how_to_begin() {
        let mut status = well();
        status.last_success = LastSuccess { webhook: None, backfill: None, reconcile: None, token: None };
        status.inbox.silent_for_seconds = None;
        assert!(told(&status).starts_with("Note the mirror is empty"), "{}", told(&status));
    }
}
