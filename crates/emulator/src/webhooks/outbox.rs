//! What has to be sent, when, and what came of it. Pure: time comes in with every call.
//!
//! Invariants: a delivery is in `due` exactly while it is pending; a delivered one stays delivered, whatever later
//! attempts say; a message without an open delivery is kept for replays until [`KEPT_MESSAGES`] newer ones exist.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bytes::Bytes;
use clerk::{DeliveryId, SigningSecret, Timestamp};

use super::{
    attempt::{Attempt, Control, Outcome, Trigger},
    endpoint::{Endpoint, EndpointPatch},
    message::{Delivery, DeliveryStatus, Message},
    schedule,
};
use crate::refusal::Refusal;

/// How many messages stay readable and replayable. A user event is about two kilobytes.
const KEPT_MESSAGES: usize = 20_000;
/// Svix disables an endpoint that did nothing but fail for five days.
const DISABLE_AFTER: Duration = Duration::from_secs(5 * 86_400);

/// Due whatever the time is.
const AT_ONCE: Timestamp = Timestamp::from_millis(i64::MIN);

#[derive(Debug, Clone, Copy)]
pub(crate) struct OutboxSettings {
    /// Divides every wait.
    pub(crate) speed: f64,
}

/// The queue, the log and the endpoints in one.
#[derive(Debug)]
pub(crate) struct Outbox {
    settings: OutboxSettings,
    pub(super) endpoints: BTreeMap<String, Endpoint>,
    pub(super) messages: BTreeMap<u64, Message>,
    sequence_of: HashMap<DeliveryId, u64>,
    next_sequence: u64,
    due: BTreeSet<(Timestamp, u64, String)>,
    /// Attempts asked for by hand, by their time and their turn; they go out even while the outbox is paused.
    manual: BTreeMap<(Timestamp, u64), (u64, String)>,
    next_turn: u64,
    /// How many attempts are on their way, by message and endpoint.
    in_flight: BTreeMap<(u64, String), usize>,
    paused: bool,
}

/// One attempt to make now.
#[derive(Debug, Clone)]
pub(crate) struct Dispatch {
    sequence: u64,
    pub(crate) message_id: DeliveryId,
    pub(crate) endpoint_id: String,
    pub(crate) url: String,
    pub(crate) secret: SigningSecret,
    /// The secret before, and until when it signs too, by the clock of the instance.
    pub(crate) previous_secret: Option<(SigningSecret, Timestamp)>,
    pub(crate) body: Bytes,
    pub(crate) trigger: Trigger,
}

impl Outbox {
    pub(crate) fn new(settings: OutboxSettings) -> Self {
        Self {
            settings,
            endpoints: BTreeMap::new(),
            messages: BTreeMap::new(),
            sequence_of: HashMap::new(),
            next_sequence: 0,
            due: BTreeSet::new(),
            manual: BTreeMap::new(),
            next_turn: 0,
            in_flight: BTreeMap::new(),
            paused: false,
        }
    }

    /// Stores a message and makes it due for every endpoint that wants it: at the first of the departures, which are in
    /// order, and once more at each of the others. Without a departure it is lost.
    pub(crate) fn publish(
        &mut self,
        id: DeliveryId,
        kind: &str,
        body: Bytes,
        created_at: Timestamp,
        departures: &[Timestamp],
    ) {
        let sequence = self.next_sequence;
        let (first, copies) = match departures {
            [] => (DeliveryStatus::Discarded, [].as_slice()),
            [first, copies @ ..] => (DeliveryStatus::Pending { due: *first }, copies),
        };
        let wanting = self.endpoints.values().filter(|endpoint| endpoint.wants(kind));
        let deliveries: BTreeMap<String, Delivery> = wanting
            .map(|endpoint| {
                (endpoint.id.clone(), Delivery { status: first.clone(), failures: 0, attempts: Vec::new() })
            })
            .collect();
        for (endpoint, due) in deliveries.keys().flat_map(|endpoint| copies.iter().map(move |due| (endpoint, due))) {
            self.manual.insert((*due, self.next_turn), (sequence, endpoint.clone()));
            self.next_turn += 1;
        }
        self.insert(Message { id, kind: kind.to_owned(), body, created_at, deliveries });
        debug_assert_eq!(self.next_sequence, sequence + 1);
        self.forget_old();
    }

    pub(super) fn insert(&mut self, message: Message) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        for (endpoint, delivery) in &message.deliveries {
            if let DeliveryStatus::Pending { due } = delivery.status {
                self.due.insert((due, sequence, endpoint.clone()));
            }
        }
        self.sequence_of.insert(message.id.clone(), sequence);
        self.messages.insert(sequence, message);
    }

    fn forget_old(&mut self) {
        while self.messages.len() > KEPT_MESSAGES {
            let Some((&sequence, oldest)) = self.messages.first_key_value() else { return };
            if oldest.is_open() {
                return;
            }
            self.sequence_of.remove(&oldest.id);
            self.messages.remove(&sequence);
        }
    }

    /// Takes up to `limit` attempts that are to be made now.
    pub(crate) fn take_due(&mut self, now: Timestamp, limit: usize) -> Vec<Dispatch> {
        let mut dispatches = Vec::new();
        while dispatches.len() < limit {
            let Some((sequence, endpoint, trigger)) = self.next_due_at(now) else { break };
            if let Some(dispatch) = self.dispatch(sequence, &endpoint, trigger) {
                *self.in_flight.entry((sequence, endpoint)).or_default() += 1;
                dispatches.push(dispatch);
            }
        }
        dispatches
    }

    fn next_due_at(&mut self, now: Timestamp) -> Option<(u64, String, Trigger)> {
        let scheduled = self.next_scheduled().filter(|(due, ..)| *due <= now).cloned();
        // Of two at the same time the scheduled one goes first: once a copy has arrived there would be no need for it.
        if let Some(asked) = self.manual.first_entry()
            && asked.key().0 <= now
            && scheduled.as_ref().is_none_or(|(due, ..)| asked.key().0 < *due)
        {
            let (sequence, endpoint) = asked.remove();
            return Some((sequence, endpoint, Trigger::Manual));
        }
        let due = scheduled?;
        self.due.remove(&due);
        let (_, sequence, endpoint) = due;
        Some((sequence, endpoint, Trigger::Scheduled))
    }

    /// The next delivery by the schedule. One that is being sent by hand waits for what comes of that.
    fn next_scheduled(&self) -> Option<&(Timestamp, u64, String)> {
        if self.paused {
            return None;
        }
        self.due.iter().find(|(_, sequence, endpoint)| !self.in_flight.contains_key(&(*sequence, endpoint.clone())))
    }

    fn dispatch(&mut self, sequence: u64, endpoint_id: &str, trigger: Trigger) -> Option<Dispatch> {
        let endpoint = self.endpoints.get(endpoint_id)?;
        let message = self.messages.get_mut(&sequence)?;
        let delivery = message.deliveries.get_mut(endpoint_id)?;
        if trigger == Trigger::Scheduled {
            delivery.status = DeliveryStatus::Sending;
        }
        Some(Dispatch {
            sequence,
            message_id: message.id.clone(),
            endpoint_id: endpoint_id.to_owned(),
            url: endpoint.url.clone(),
            secret: endpoint.secret.clone(),
            previous_secret: endpoint.previous_secret.clone(),
            body: message.body.clone(),
            trigger,
        })
    }

    /// When the next attempt is to be made, if nothing new happens until then.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        let scheduled = self.next_scheduled().map(|(due, ..)| *due);
        let asked = self.manual.first_key_value().map(|((due, _), _)| *due);
        [scheduled, asked].into_iter().flatten().min()
    }

    /// Takes down how an attempt went and schedules the next one when there is to be one.
    pub(crate) fn record(
        &mut self,
        dispatch: &Dispatch,
        outcome: &Outcome,
        attempt: Attempt,
        jitter: f64,
        now: Timestamp,
    ) {
        self.land(dispatch.sequence, &dispatch.endpoint_id);
        self.record_at_endpoint(&dispatch.endpoint_id, outcome, now);
        let endpoint_disabled = self.endpoints.get(&dispatch.endpoint_id).is_none_or(|one| one.disabled.is_some());
        let sequence = dispatch.sequence;
        let Some(message) = self.messages.get_mut(&sequence) else { return };
        let Some(delivery) = message.deliveries.get_mut(&dispatch.endpoint_id) else { return };
        delivery.attempts.push(attempt);
        if outcome.is_success() {
            self.close(sequence, &dispatch.endpoint_id, DeliveryStatus::Delivered);
            return;
        }
        // A manual attempt that fails leaves the schedule as it is.
        if dispatch.trigger == Trigger::Manual || delivery.status != DeliveryStatus::Sending {
            return;
        }
        delivery.failures += 1;
        let wait = schedule::wait_after(delivery.failures, outcome, jitter);
        let status = match (outcome.control(), wait) {
            (Some(Control::AbortMessage), _) => DeliveryStatus::Failed("aborted by the receiver".to_owned()),
            _ if endpoint_disabled => DeliveryStatus::Failed("endpoint disabled".to_owned()),
            (_, None) => DeliveryStatus::Failed("attempts exhausted".to_owned()),
            (_, Some(wait)) => DeliveryStatus::Pending { due: now.plus(wait.div_f64(self.settings.speed)) },
        };
        if let DeliveryStatus::Pending { due } = status {
            self.due.insert((due, sequence, dispatch.endpoint_id.clone()));
        }
        delivery.status = status;
    }

    fn land(&mut self, sequence: u64, endpoint: &str) {
        let key = (sequence, endpoint.to_owned());
        if let Some(count) = self.in_flight.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.in_flight.remove(&key);
            }
        }
    }

    fn record_at_endpoint(&mut self, id: &str, outcome: &Outcome, now: Timestamp) {
        let Some(endpoint) = self.endpoints.get_mut(id) else { return };
        if outcome.is_success() {
            endpoint.failing_since = None;
        } else {
            let since = *endpoint.failing_since.get_or_insert(now);
            if now.since(since) >= DISABLE_AFTER.div_f64(self.settings.speed) {
                endpoint.disabled = Some("every attempt failed for five days".to_owned());
            }
        }
        if outcome.control() == Some(Control::Disable) {
            endpoint.disabled = Some("disabled by the receiver".to_owned());
        }
        if endpoint.disabled.is_some() {
            self.fail_open(id, "endpoint disabled");
        }
    }

    /// Gives up everything that is still to go to an endpoint.
    fn fail_open(&mut self, endpoint: &str, reason: &str) {
        let open: Vec<u64> =
            self.due.iter().filter(|(_, _, id)| id == endpoint).map(|(_, sequence, _)| *sequence).collect();
        for sequence in open {
            self.close(sequence, endpoint, DeliveryStatus::Failed(reason.to_owned()));
        }
    }

    fn close(&mut self, sequence: u64, endpoint: &str, status: DeliveryStatus) {
        let message = self.messages.get_mut(&sequence);
        let Some(delivery) = message.and_then(|message| message.deliveries.get_mut(endpoint)) else { return };
        if let DeliveryStatus::Pending { due } = delivery.status {
            self.due.remove(&(due, sequence, endpoint.to_owned()));
        }
        delivery.status = status;
    }

    /// Sends a message again, `copies` times, with the same id. Without an endpoint it goes to every endpoint it has
    /// gone to, or would go to now.
    pub(crate) fn send_again(&mut self, id: &str, endpoint: Option<&str>, copies: usize) -> Result<usize, Refusal> {
        let sequence = self.sequence(id)?;
        let message = self.messages.get_mut(&sequence).expect("a sequence number leads to its message");
        let targets: Vec<String> = match endpoint {
            Some(endpoint) if self.endpoints.contains_key(endpoint) => vec![endpoint.to_owned()],
            Some(endpoint) => return Err(Refusal::not_found("endpoint", endpoint)),
            None => {
                let known = |endpoint: &&Endpoint| {
                    message.deliveries.contains_key(&endpoint.id) || endpoint.wants(&message.kind)
                };
                self.endpoints.values().filter(known).map(|endpoint| endpoint.id.clone()).collect()
            }
        };
        for target in &targets {
            message.deliveries.entry(target.clone()).or_insert_with(|| Delivery {
                status: DeliveryStatus::Failed("not sent by the schedule".to_owned()),
                failures: 0,
                attempts: Vec::new(),
            });
            for _ in 0..copies {
                self.manual.insert((AT_ONCE, self.next_turn), (sequence, target.clone()));
                self.next_turn += 1;
            }
        }
        Ok(targets.len() * copies)
    }

    /// Loses a message: what is still open will not be sent.
    pub(crate) fn discard(&mut self, id: &str) -> Result<(), Refusal> {
        let sequence = self.sequence(id)?;
        let message = self.messages.get(&sequence).expect("a sequence number leads to its message");
        let open: Vec<String> = message
            .deliveries
            .iter()
            .filter(|(_, delivery)| matches!(delivery.status, DeliveryStatus::Pending { .. }))
            .map(|(endpoint, _)| endpoint.clone())
            .collect();
        for endpoint in open {
            self.close(sequence, &endpoint, DeliveryStatus::Discarded);
        }
        Ok(())
    }

    /// Empties the outbox: what was still open is in the hands of the caller now.
    pub(crate) fn take_all(&mut self) -> Vec<Message> {
        self.due.clear();
        self.manual.clear();
        self.sequence_of.clear();
        std::mem::take(&mut self.messages).into_values().collect()
    }

    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused
    }

    /// Whether nothing is on its way and nothing will be, until something new happens or a pause ends.
    pub(crate) fn is_settled(&self) -> bool {
        self.in_flight.is_empty() && self.manual.is_empty() && (self.paused || self.due.is_empty())
    }

    pub(crate) fn pending(&self) -> usize {
        self.due.len()
    }

    pub(crate) fn message(&self, id: &str) -> Result<&Message, Refusal> {
        Ok(&self.messages[&self.sequence(id)?])
    }

    pub(crate) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.values()
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values()
    }

    pub(crate) fn endpoint(&self, id: &str) -> Result<&Endpoint, Refusal> {
        self.endpoints.get(id).ok_or_else(|| Refusal::not_found("endpoint", id))
    }

    pub(crate) fn add_endpoint(&mut self, endpoint: Endpoint) {
        self.endpoints.insert(endpoint.id.clone(), endpoint);
    }

    pub(crate) fn change_endpoint(&mut self, id: &str, patch: EndpointPatch) -> Result<&Endpoint, Refusal> {
        let endpoint = self.endpoints.get_mut(id).ok_or_else(|| Refusal::not_found("endpoint", id))?;
        patch.apply(endpoint);
        if endpoint.disabled.is_some() {
            self.fail_open(id, "endpoint disabled");
        }
        self.endpoint(id)
    }

    pub(crate) fn endpoint_mut(&mut self, id: &str) -> Result<&mut Endpoint, Refusal> {
        self.endpoints.get_mut(id).ok_or_else(|| Refusal::not_found("endpoint", id))
    }

    pub(crate) fn remove_endpoint(&mut self, id: &str) -> Result<Endpoint, Refusal> {
        let endpoint = self.endpoints.remove(id).ok_or_else(|| Refusal::not_found("endpoint", id))?;
        self.fail_open(id, "endpoint removed");
        Ok(endpoint)
    }

    fn sequence(&self, id: &str) -> Result<u64, Refusal> {
        let parsed = DeliveryId::parse(id).ok();
        let sequence = parsed.and_then(|id| self.sequence_of.get(&id));
        sequence.copied().ok_or_else(|| Refusal::not_found("message", id))
    }
}

#[cfg(test)]
mod tests;
