//! `rowlock events tail`: deliveries as they are settled.
//!
//! The inbox is asked once a second. Nothing is announced by the ones who write it: a notification for each delivery would
//! make all commits of the ingest wait for one lock. What fails is watched, so that its retry is a line of its own.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use mirror::{InboxEntry, InboxFilter, Mirror};
use serde_json::json;

use super::style;
use crate::printer::{DIM, Printer};
use crate::{moment, signals};

/// How often the inbox is asked.
const PAUSE: Duration = Duration::from_secs(1);
/// A delivery carries the time at which its transaction began, and that may take so long: locks 5 s, statements 10 s.
const LOOKING_BACK: i64 = 15_000;
/// So many that wait are watched for their retries.
const MOST_WATCHED: usize = 1_000;

pub(super) async fn run(
    mirror: &Mirror,
    filter: &InboxFilter,
    limit: i64,
    printer: Printer,
) -> anyhow::Result<ExitCode> {
    let stop = signals::stop_token()?;
    let mut seen = Seen::default();
    // What is there already is not news. What is shown of it is asked for last: whatever comes between the questions is
    // among the newest then, or is found later.
    for state in ["failed", "dead"] {
        let waiting = InboxFilter { state: Some(state.to_owned()), ..filter.clone() };
        for delivery in mirror.deliveries(&waiting, MOST_WATCHED as i64 / 2).await? {
            seen.is_news(&delivery);
        }
    }
    seen.newest = mirror.health().await?.last_received_at.unwrap_or_default();
    for old in mirror.news(filter, seen.newest - LOOKING_BACK, &[]).await? {
        seen.is_news(&old);
    }
    let mut first = mirror.deliveries(filter, limit).await?;
    first.reverse();
    for delivery in &first {
        seen.is_news(delivery);
        tell(delivery, printer);
    }
    // The state is what it is filtered by when it is shown, not when it is looked for.
    let anything = InboxFilter { state: None, ..filter.clone() };
    while !stop.is_cancelled() {
        let news = mirror.news(&anything, seen.newest - LOOKING_BACK, &seen.watched()).await?;
        for delivery in &news {
            let fits = filter.state.as_ref().is_none_or(|state| *state == delivery.state);
            if seen.is_news(delivery) && fits {
                tell(delivery, printer);
            }
        }
        seen.forget();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What was told already.
#[derive(Default)]
struct Seen {
    newest: i64,
    /// By delivery: when it came, how often it was tried, and its state.
    deliveries: HashMap<String, (i64, i32, String)>,
}

impl Seen {
    /// Whether this is not known yet; from now on it is.
    fn is_news(&mut self, delivery: &InboxEntry) -> bool {
        self.newest = self.newest.max(delivery.received_at);
        let now = (delivery.received_at, delivery.attempts, delivery.state.clone());
        match self.deliveries.get_mut(&delivery.delivery_id) {
            Some(known) if *known == now => false,
            Some(known) => {
                *known = now;
                true
            }
            None => {
                self.deliveries.insert(delivery.delivery_id.clone(), now);
                true
            }
        }
    }

    fn watched(&self) -> Vec<String> {
        let waiting = self.deliveries.iter().filter(|(_, (_, _, state))| waits(state));
        waiting.map(|(id, _)| id.clone()).take(MOST_WATCHED).collect()
    }

    /// What is too old to be found again.
    fn forget(&mut self) {
        let oldest = self.newest - 2 * LOOKING_BACK;
        self.deliveries.retain(|_, (received_at, _, state)| *received_at >= oldest || waits(state));
    }
}

fn waits(state: &str) -> bool {
    matches!(state, "failed" | "dead")
}

fn tell(delivery: &InboxEntry, printer: Printer) {
    let mut value = json!(delivery);
    value["lag_milliseconds"] = json!(delivery.lag());
    printer.value(&value);
    let style = style(&delivery.state);
    let lag = delivery.lag().map(|lag| format!("lag {}", moment::span(lag))).unwrap_or_default();
    let reason = delivery.reason.as_ref().map(|reason| format!(" {reason}")).unwrap_or_default();
    let next = delivery.next_attempt_at.map(|next| format!(", again {}", moment::from_now(next))).unwrap_or_default();
    printer.line(format!(
        "{DIM}{}{DIM:#}  {:<32} {:<34} {style}{:<7}{style:#} {DIM}{lag}{DIM:#}{reason}{next}",
        moment::clock(delivery.settled_at.unwrap_or(delivery.received_at)),
        delivery.event_type.as_deref().unwrap_or("unreadable"),
        delivery.object_id.as_deref().unwrap_or(&delivery.delivery_id),
        delivery.state,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(id: &str, received_at: i64, attempts: i32, state: &str) -> InboxEntry {
        InboxEntry {
            delivery_id: id.to_owned(),
            event_type: None,
            object_id: None,
            user_id: None,
            state: state.to_owned(),
            reason: None,
            attempts,
            event_at: None,
            sent_at: received_at,
            received_at,
            settled_at: None,
            next_attempt_at: None,
            body_bytes: None,
        }
    }

    #[test]
    fn a_delivery_is_news_once_and_again_when_it_was_tried_again() {
        let mut seen = Seen::default();
        assert!(seen.is_news(&delivery("msg_1", 1, 1, "failed")));
        assert!(!seen.is_news(&delivery("msg_1", 1, 1, "failed")));
        assert!(seen.is_news(&delivery("msg_1", 1, 2, "failed")));
        assert!(seen.is_news(&delivery("msg_1", 1, 3, "applied")));
        assert!(!seen.is_news(&delivery("msg_1", 1, 3, "applied")));
    }

    #[test]
    fn what_waits_is_watched_however_old_and_the_rest_is_forgotten() {
        let mut seen = Seen::default();
        seen.is_news(&delivery("msg_1", 1, 1, "failed"));
        seen.is_news(&delivery("msg_2", 1, 1, "applied"));
        seen.is_news(&delivery("msg_3", 100_000, 1, "applied"));
        seen.forget();
        assert_eq!(seen.watched(), ["msg_1"]);
        assert_eq!((seen.deliveries.len(), seen.newest), (2, 100_000));
    }
}
