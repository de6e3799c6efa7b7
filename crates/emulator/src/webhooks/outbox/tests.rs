//! The outbox without a socket: what goes out when, and what becomes of it.

use std::time::Duration;

use bytes::Bytes;
use clerk::{DeliveryId, SigningSecret, Timestamp};
use serde_json::json;

use super::{
    super::{
        attempt::{Attempt, Control, Outcome, Trigger},
        endpoint::{Endpoint, EndpointPatch},
        saved::SavedOutbox,
    },
    Dispatch, Outbox, OutboxSettings,
};
use crate::form::Form;

const SETTINGS: OutboxSettings = OutboxSettings { speed: 1.0 };
const START: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// An outbox and the hand of its clock.
struct Bench {
    outbox: Outbox,
    now: Timestamp,
}

impl Bench {
    fn new(endpoints: &[&str]) -> Self {
        let mut outbox = Outbox::new(SETTINGS);
        for id in endpoints {
            outbox.add_endpoint(endpoint(id, &[]));
        }
        Self { outbox, now: START }
    }

    fn publish(&mut self, id: &str, kind: &str) {
        let id = DeliveryId::parse(id).unwrap();
        self.outbox.publish(id, kind, Bytes::from_static(b"{}"), self.now, &[self.now]);
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Duration::from_secs(seconds));
    }

    fn take(&mut self) -> Vec<Dispatch> {
        self.outbox.take_due(self.now, 100)
    }

    fn record(&mut self, dispatch: &Dispatch, outcome: &Outcome) {
        let attempt = Attempt::of(outcome, dispatch.trigger, self.now, Duration::from_millis(3));
        self.outbox.record(dispatch, outcome, attempt, 0.0, self.now);
    }

    /// Sends everything that is due and answers alike to all.
    fn deliver(&mut self, outcome: &Outcome) -> Vec<String> {
        let taken = self.take();
        for dispatch in &taken {
            self.record(dispatch, outcome);
        }
        taken.into_iter().map(|dispatch| format!("{}→{}", dispatch.message_id, dispatch.endpoint_id)).collect()
    }

    fn status(&self, message: &str, endpoint: &str) -> String {
        let object = self.outbox.message(message).unwrap().object();
        let mut deliveries = object["deliveries"].as_array().unwrap().iter();
        let delivery = deliveries.find(|delivery| delivery["endpoint_id"] == endpoint).unwrap();
        match delivery["reason"].as_str() {
            Some(reason) => format!("{}: {reason}", delivery["status"].as_str().unwrap()),
            None => delivery["status"].as_str().unwrap().to_owned(),
        }
    }

    /// Seconds until the next attempt.
    fn wait(&self) -> Option<u64> {
        self.outbox.next_wake().map(|wake| wake.since(self.now).as_secs())
    }
}

fn endpoint(id: &str, events: &[&str]) -> Endpoint {
    Endpoint {
        previous_secret: None,
        id: id.to_owned(),
        url: format!("http://127.0.0.1:1/{id}"),
        secret: SigningSecret::generate([7; 24]),
        events: events.iter().map(|&kind| kind.to_owned()).collect(),
        disabled: None,
        failing_since: None,
        created_at: START,
    }
}

fn answer(status: u16) -> Outcome {
    Outcome::Answered { status, retry_after: None, control: None, body: String::new() }
}

fn asking(status: u16, control: Control) -> Outcome {
    Outcome::Answered { status, retry_after: None, control: Some(control), body: String::new() }
}

#[test]
fn messages_go_out_at_once_and_in_order_to_everyone_who_wants_them() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.outbox.add_endpoint(endpoint("ep_b", &["user.deleted"]));
    bench.publish("msg_1", "user.created");
    bench.publish("msg_2", "user.deleted");
    assert_eq!(bench.deliver(&answer(204)), ["msg_1→ep_a", "msg_2→ep_a", "msg_2→ep_b"]);
    assert_eq!(bench.status("msg_2", "ep_b"), "delivered");
    assert!(bench.outbox.is_settled());
    assert!(bench.take().is_empty(), "delivered once");
}

#[test]
fn a_failing_receiver_is_tried_eight_times_and_given_up() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_1", "user.created");
    let mut waits = Vec::new();
    // A redirect is a failure like any other.
    while !bench.deliver(&answer(302)).is_empty() {
        let Some(wait) = bench.wait() else { break };
        assert!(bench.take().is_empty(), "not before its time");
        waits.push(wait);
        bench.pass(wait);
    }
    assert_eq!(waits, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
    assert_eq!(bench.outbox.message("msg_1").unwrap().deliveries["ep_a"].attempts.len(), 8);
    assert_eq!(bench.status("msg_1", "ep_a"), "failed: attempts exhausted");
    assert!(bench.outbox.is_settled());
}

#[test]
fn speed_divides_the_waits() {
    let mut bench = Bench { outbox: Outbox::new(OutboxSettings { speed: 1000.0 }), now: START };
    bench.outbox.add_endpoint(endpoint("ep_a", &[]));
    bench.publish("msg_1", "user.created");
    bench.deliver(&Outcome::TimedOut);
    assert_eq!(bench.outbox.next_wake(), Some(START.plus(Duration::from_millis(60))));
}

#[test]
fn a_receiver_can_abort_a_message_or_disable_itself() {
    let mut bench = Bench::new(&["ep_a", "ep_b"]);
    bench.publish("msg_1", "user.created");
    let taken = bench.take();
    bench.record(&taken[0], &asking(400, Control::AbortMessage));
    bench.record(&taken[1], &asking(503, Control::Disable));
    assert_eq!(bench.status("msg_1", "ep_a"), "failed: aborted by the receiver");
    assert_eq!(bench.status("msg_1", "ep_b"), "failed: endpoint disabled");
    bench.publish("msg_2", "user.updated");
    assert_eq!(bench.deliver(&answer(200)), ["msg_2→ep_a"], "a disabled endpoint gets nothing");
    let enable = EndpointPatch::read(Form::parse(br#"{"disabled":false}"#).unwrap()).unwrap();
    bench.outbox.change_endpoint("ep_b", enable).unwrap();
    bench.publish("msg_3", "user.updated");
    assert_eq!(bench.deliver(&answer(200)), ["msg_3→ep_a", "msg_3→ep_b"]);
}

#[test]
fn five_days_of_failures_disable_an_endpoint() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_1", "user.created");
    bench.deliver(&answer(500));
    bench.pass(4 * 86_400);
    bench.deliver(&answer(500));
    assert_eq!(bench.outbox.endpoint("ep_a").unwrap().disabled, None);
    bench.pass(86_400);
    bench.deliver(&answer(500));
    assert!(bench.outbox.endpoint("ep_a").unwrap().disabled.as_ref().unwrap().contains("five days"));

    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_1", "user.created");
    bench.deliver(&answer(500));
    bench.pass(4 * 86_400);
    bench.deliver(&answer(200));
    bench.publish("msg_2", "user.created");
    bench.pass(2 * 86_400);
    bench.deliver(&answer(500));
    assert_eq!(bench.outbox.endpoint("ep_a").unwrap().disabled, None, "one success resets the count");
}

#[test]
fn a_pause_holds_back_and_sending_by_hand_goes_past_it() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.outbox.set_paused(true);
    bench.publish("msg_1", "user.created");
    bench.publish("msg_2", "user.deleted");
    assert!(bench.take().is_empty());
    assert!(bench.outbox.is_settled(), "nothing moves while paused");
    assert_eq!(bench.outbox.send_again("msg_2", None, 2).unwrap(), 2);
    assert_eq!(bench.deliver(&answer(200)), ["msg_2→ep_a", "msg_2→ep_a"]);
    bench.outbox.set_paused(false);
    assert_eq!(bench.deliver(&answer(200)), ["msg_1→ep_a"], "what was sent by hand is not sent again");
}

#[test]
fn the_schedule_waits_for_an_attempt_by_hand() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.outbox.set_paused(true);
    bench.publish("msg_1", "user.created");
    bench.publish("msg_2", "user.updated");
    bench.outbox.send_again("msg_1", None, 1).unwrap();
    let by_hand = bench.take();
    bench.outbox.set_paused(false);
    assert_eq!(bench.deliver(&answer(200)), ["msg_2→ep_a"], "the first one is on its way already");
    assert!(!bench.outbox.is_settled());
    bench.record(&by_hand[0], &answer(500));
    assert_eq!(bench.deliver(&answer(200)), ["msg_1→ep_a"], "and was not delivered");
    assert!(bench.outbox.is_settled());
}

#[test]
fn a_discarded_message_is_lost_until_it_is_sent_by_hand() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_1", "user.created");
    bench.outbox.discard("msg_1").unwrap();
    assert!(bench.take().is_empty());
    assert_eq!(bench.status("msg_1", "ep_a"), "discarded");
    bench.outbox.send_again("msg_1", Some("ep_a"), 1).unwrap();
    assert_eq!(bench.deliver(&answer(200)), ["msg_1→ep_a"]);
    assert_eq!(bench.status("msg_1", "ep_a"), "delivered");
}

#[test]
fn a_message_can_be_sent_to_an_endpoint_that_came_later() {
    let mut bench = Bench::new(&[]);
    bench.publish("msg_1", "user.created");
    assert!(bench.take().is_empty());
    bench.outbox.add_endpoint(endpoint("ep_late", &[]));
    bench.outbox.send_again("msg_1", None, 1).unwrap();
    assert_eq!(bench.deliver(&answer(200)), ["msg_1→ep_late"]);
}

#[test]
fn a_failed_attempt_by_hand_leaves_the_schedule_alone() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_1", "user.created");
    bench.deliver(&answer(500));
    bench.outbox.send_again("msg_1", None, 1).unwrap();
    bench.deliver(&answer(500));
    assert_eq!(bench.wait(), Some(5));
    bench.outbox.send_again("msg_1", None, 1).unwrap();
    bench.deliver(&answer(200));
    assert_eq!(bench.wait(), None, "delivered by hand is delivered");
    let attempts = &bench.outbox.message("msg_1").unwrap().deliveries["ep_a"].attempts;
    let triggers: Vec<Trigger> = attempts.iter().map(|attempt| attempt.trigger).collect();
    assert_eq!(triggers, [Trigger::Scheduled, Trigger::Manual, Trigger::Manual]);
}

#[test]
fn a_delivered_message_stays_delivered_when_a_copy_fails() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_1", "user.created");
    let scheduled = bench.take();
    bench.outbox.send_again("msg_1", None, 1).unwrap();
    let by_hand = bench.take();
    bench.record(&by_hand[0], &answer(200));
    bench.record(&scheduled[0], &answer(500));
    assert_eq!(bench.status("msg_1", "ep_a"), "delivered");
    assert!(bench.outbox.is_settled());
}

#[test]
fn an_endpoint_can_go_while_its_message_is_on_the_way() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_1", "user.created");
    let taken = bench.take();
    bench.outbox.remove_endpoint("ep_a").unwrap();
    bench.record(&taken[0], &answer(500));
    assert_eq!(bench.status("msg_1", "ep_a"), "failed: endpoint disabled");
    assert!(bench.outbox.is_settled());
}

#[test]
fn a_batch_is_bounded_and_the_rest_stays_due() {
    let mut bench = Bench::new(&["ep_a"]);
    for number in 0..5 {
        bench.publish(&format!("msg_{number}"), "user.created");
    }
    assert_eq!(bench.outbox.take_due(bench.now, 2).len(), 2);
    assert_eq!(bench.outbox.pending(), 3);
    assert_eq!(bench.outbox.take_due(bench.now, 16).len(), 3);
}

#[test]
fn what_is_open_survives_a_restart() {
    let mut bench = Bench::new(&["ep_a"]);
    bench.publish("msg_done", "user.created");
    bench.deliver(&answer(200));
    bench.publish("msg_waiting", "user.updated");
    bench.deliver(&answer(500));
    bench.publish("msg_sending", "user.deleted");
    assert_eq!(bench.take().len(), 1);
    let text = serde_json::to_string(&bench.outbox.save()).unwrap();

    let saved: SavedOutbox = serde_json::from_str(&text).unwrap();
    let mut bench = Bench { outbox: Outbox::load(SETTINGS, saved, START).unwrap(), now: START };
    assert!(bench.outbox.message("msg_done").is_err());
    assert_eq!(bench.deliver(&answer(200)), ["msg_sending→ep_a"], "what was on its way is due at once");
    bench.pass(5);
    assert_eq!(bench.deliver(&answer(200)), ["msg_waiting→ep_a"]);
    let attempts = bench.outbox.message("msg_waiting").unwrap().object()["deliveries"][0]["attempts"].clone();
    assert_eq!(attempts[0]["status"], json!(500));
    assert_eq!(attempts.as_array().unwrap().len(), 2);
}

#[test]
fn copies_go_out_at_their_own_times_and_a_message_without_a_departure_is_lost() {
    let mut bench = Bench::new(&["ep_a"]);
    let at = |seconds: u64| START.plus(Duration::from_secs(seconds));
    let mut publish = |id: &str, departures: &[Timestamp]| {
        let id = DeliveryId::parse(id).unwrap();
        bench.outbox.publish(id, "user.created", Bytes::from_static(b"{}"), START, departures);
    };
    publish("msg_thrice", &[at(1), at(1), at(3)]);
    publish("msg_lost", &[]);
    assert_eq!(bench.wait(), Some(1));
    assert!(bench.take().is_empty());
    bench.pass(1);
    assert_eq!(bench.deliver(&answer(200)), ["msg_thrice→ep_a", "msg_thrice→ep_a"]);
    assert_eq!((bench.status("msg_thrice", "ep_a").as_str(), bench.wait()), ("delivered", Some(2)));
    assert!(!bench.outbox.is_settled());
    bench.pass(2);
    assert_eq!(bench.deliver(&answer(200)), ["msg_thrice→ep_a"]);
    assert!(bench.outbox.is_settled());
    assert_eq!(bench.status("msg_lost", "ep_a"), "discarded");
}
