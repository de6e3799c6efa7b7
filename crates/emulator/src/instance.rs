//! A running instance: the pure core behind its locks, the clock, the webhooks.
//!
//! Lock order: the state, then the outbox. Events enter the outbox while the state is still locked, so that the order
//! of messages is the order of changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use clerk::{DeliveryId, PublishableKey, Timestamp};
use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::{
    change::{Change, Event},
    clock::ShiftedClock,
    frontend_api::settings::InstanceSettings,
    identity::Identity,
    outage::OutageSwitch,
    rate_limits::Limiter,
    refusal::Refusal,
    state::State,
    tokens::Mint,
    view::View,
    webhooks::{Disturbance, Origin, Sender, envelope},
};

/// More apps than anybody develops at once.
const APPS_LIMIT: usize = 32;

#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) identity: Identity,
    pub(crate) issuer: String,
    pub(crate) base_url: String,
    pub(crate) publishable_key: PublishableKey,
    pub(crate) settings: InstanceSettings,
    /// What sets the cookies of this instance apart from those of another one on the same host.
    pub(crate) cookie_suffix: String,
    pub(crate) session_claims: Map<String, Value>,
    pub(crate) limiter: Limiter,
    pub(crate) outage: OutageSwitch,
    pub(crate) state: RwLock<State>,
    pub(crate) webhooks: Arc<Sender>,
    pub(crate) clock: Arc<ShiftedClock>,
    /// States to return to, by name.
    pub(crate) snapshots: Mutex<BTreeMap<String, State>>,
    /// The proxies of apps that were heard of since the start.
    pub(crate) apps: Mutex<BTreeSet<String>>,
    /// Set after every change; heard by whoever keeps the state file.
    pub(crate) dirty: Arc<Notify>,
}

impl Instance {
    /// Takes note of an app whose proxy knows the secret key: where people who sign in by hand can go.
    pub(crate) fn remember_app(&self, proxy: &str) {
        let mut apps = self.apps.lock();
        if apps.len() < APPS_LIMIT && !apps.contains(proxy) {
            apps.insert(proxy.to_owned());
        }
    }

    pub(crate) fn read<T>(&self, reading: impl FnOnce(View<'_>) -> T) -> T {
        let state = self.state.read();
        let now = self.clock.now();
        reading(View { state: &state, instance_id: &self.identity.instance_id, now })
    }

    /// Runs a change and publishes what it announces. A refused change announces nothing.
    pub(crate) fn change<T>(
        &self,
        origin: &Origin,
        operation: impl FnOnce(&mut Change<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.change_disturbed(origin, &Disturbance::NONE, operation).map(|(result, _)| result)
    }

    /// Runs a change and publishes what it announces, so far as the disturbance lets it; answers with the messages.
    pub(crate) fn change_disturbed<T>(
        &self,
        origin: &Origin,
        disturbance: &Disturbance,
        operation: impl FnOnce(&mut Change<'_>) -> Result<T, Refusal>,
    ) -> Result<(T, Vec<DeliveryId>), Refusal> {
        let mut state = self.state.write();
        // Read under the lock: a later change never carries an earlier time.
        let now = self.clock.now();
        let mut change = Change::begin(&mut state, &self.identity.instance_id, now);
        let result = operation(&mut change)?;
        let (events, ended) = (std::mem::take(&mut change.events), change.now);
        self.wait_until(&mut state, ended);
        let messages = self.publish(&mut state, &events, origin, disturbance);
        drop(state);
        self.dirty.notify_one();
        Ok((result, messages))
    }

    /// Announces something without changing anything.
    pub(crate) fn announce(&self, origin: &Origin, disturbance: &Disturbance, events: &[Event]) -> Vec<DeliveryId> {
        let mut state = self.state.write();
        self.publish(&mut state, events, origin, disturbance)
    }

    /// Moves the time of the instance forward, and lets happen what is due by then.
    pub(crate) fn advance(&self, by: Duration) {
        let mut state = self.state.write();
        self.move_clock(&mut state, by);
        drop(state);
        self.webhooks.wake();
        self.dirty.notify_one();
    }

    /// What took time takes it: nothing may happen before a change that has happened already. It is milliseconds, and the
    /// instance stays as far from the world's time as it was.
    fn wait_until(&self, state: &mut State, ended: Timestamp) {
        let ahead = ended.since(self.clock.now());
        if !ahead.is_zero() {
            std::thread::sleep(ahead);
            // A clock that a test holds still does not pass by waiting.
            self.move_clock(state, ended.since(self.clock.now()));
        }
    }

    fn move_clock(&self, state: &mut State, by: Duration) {
        self.clock.advance(by);
        state.clock_shift = u64::try_from(self.clock.shift().as_millis()).unwrap_or(u64::MAX);
    }

    /// Remembers the state under a name.
    pub(crate) fn take_snapshot(&self, name: &str) {
        let state = self.state.read().clone();
        self.snapshots.lock().insert(name.to_owned(), state);
    }

    /// Returns to a state that was remembered. Nothing is announced, messages stay where they are, the clock goes on,
    /// and so do ids: a repeated id would make a receiver take a new message for an old one.
    pub(crate) fn restore_snapshot(&self, name: &str) -> Result<(), Refusal> {
        let remembered = self.snapshots.lock().get(name).cloned();
        let remembered = remembered.ok_or_else(|| Refusal::not_found("snapshot", name))?;
        let mut state = self.state.write();
        let (ids, clock_shift) = (state.ids.clone(), state.clock_shift);
        *state = State { ids, clock_shift, ..remembered };
        drop(state);
        self.dirty.notify_one();
        Ok(())
    }

    pub(crate) fn mint<T>(&self, minting: impl FnOnce(Mint<'_>) -> T) -> T {
        let key = self.identity.keyring().read().current().clone();
        self.read(|view| {
            minting(Mint {
                state: view.state,
                instance_id: view.instance_id,
                key: &key,
                issuer: &self.issuer,
                session_claims: &self.session_claims,
                now: view.now,
            })
        })
    }

    fn publish(
        &self,
        state: &mut State,
        events: &[Event],
        origin: &Origin,
        disturbance: &Disturbance,
    ) -> Vec<DeliveryId> {
        let departures = match *disturbance == Disturbance::NONE {
            true => vec![vec![Duration::ZERO]; events.len()],
            false => disturbance.plan(events.len(), state.ids.secret()),
        };
        let mut ids = Vec::with_capacity(events.len());
        for (event, departures) in events.iter().zip(departures) {
            let id = state.ids.delivery(event.at);
            let body = envelope(event, &self.identity.instance_id, origin);
            let now = self.webhooks.now();
            let departures: Vec<Timestamp> = departures.into_iter().map(|wait| now.plus(wait)).collect();
            self.webhooks.with(|outbox| outbox.publish(id.clone(), event.kind.as_str(), body, event.at, &departures));
            ids.push(id);
        }
        ids
    }
}
