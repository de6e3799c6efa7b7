//! Changes that can be written together: no two of them are about the same object.

use std::cell::Cell;
use std::collections::HashMap;

use super::flight::{Flight, Written};
use crate::ObjectKind;
use crate::change::{Change, End, State};

/// One wave, by kind of object.
#[derive(Default)]
pub(super) struct Wave<'a> {
    ends: HashMap<ObjectKind, Manner<'a, End>>,
    states: HashMap<ObjectKind, Manner<'a, State>>,
}

/// What happens to the objects of one kind in one manner.
struct Manner<'a, T> {
    /// With the position of each among all changes.
    changes: Vec<(usize, &'a T)>,
    /// The step that writes them, and the one that may bury them again at once.
    step: Cell<usize>,
    orphans: Cell<Option<usize>>,
}

impl<T> Default for Manner<'_, T> {
    fn default() -> Self {
        Self { changes: Vec::new(), step: Cell::default(), orphans: Cell::default() }
    }
}

/// Parts changes into waves: the n-th change of an object is in the n-th wave.
pub(super) fn waves<'a>(changes: &[&'a Change]) -> Vec<Wave<'a>> {
    let mut waves: Vec<Wave<'a>> = Vec::new();
    let mut seen: HashMap<(ObjectKind, &str), usize> = HashMap::new();
    for (position, change) in changes.iter().enumerate() {
        let Some(object) = change.object() else { continue };
        let number = seen.entry(object).and_modify(|number| *number += 1).or_default();
        if *number == waves.len() {
            waves.push(Wave::default());
        }
        let wave = &mut waves[*number];
        match change {
            Change::State(state) => wave.states.entry(object.0).or_default().changes.push((position, state)),
            Change::End(end) => wave.ends.entry(object.0).or_default().changes.push((position, end)),
            Change::None => {}
        }
    }
    waves
}

impl<'a> Wave<'a> {
    /// Parents before children, so that a child that comes to a tombstone finds it.
    pub(super) fn board(&self, flight: &mut Flight<'a>) {
        for kind in ObjectKind::ALL {
            if let Some(ends) = self.ends.get(kind) {
                bury(*kind, ends, flight);
            }
            if let Some(states) = self.states.get(kind) {
                upsert(*kind, states, flight);
            }
        }
    }

    /// Takes down which changes the mirror shows.
    pub(super) fn land(&self, written: &Written, shown: &mut [bool]) {
        for ends in self.ends.values() {
            for (position, end) in &ends.changes {
                shown[*position] = written.by(ends.step.get(), &end.id);
            }
        }
        for states in self.states.values() {
            for (position, state) in &states.changes {
                let id = &state.row.id;
                let orphaned = states.orphans.get().is_some_and(|step| written.by(step, id));
                shown[*position] = written.by(states.step.get(), id) && !orphaned;
            }
        }
    }
}

fn upsert<'a>(kind: ObjectKind, states: &Manner<'a, State>, flight: &mut Flight<'a>) {
    let (layout, statements) = (kind.layout(), kind.statements());
    let states_of = || states.changes.iter().map(|(_, state)| *state);
    let ids = || states_of().map(|state| Some(state.row.id.as_str()));
    let step = flight.add(&statements.upsert).texts(ids());
    for which in 0..layout.parents.len() {
        step.texts(states_of().map(|state| state.row.parents[which].as_deref()));
    }
    for which in 0..layout.columns.len() {
        step.texts(states_of().map(|state| state.row.values[which].as_deref()));
    }
    step.texts(states_of().map(|state| Some(state.row.raw.as_str())))
        .numbers(states_of().map(|state| state.version.clerk_updated_at))
        .numbers(states_of().map(|state| state.version.event_at))
        .texts(states_of().map(|state| Some(state.version.delivery_id.as_str())))
        .source();
    states.step.set(flight.last());
    if layout.parents.is_empty() {
        return;
    }
    // Its end may have come first, and shortened: then only now is it known whose it was.
    let step = flight.add(&statements.recall_parents).texts(ids());
    for which in 0..layout.parents.len() {
        step.texts(states_of().map(|state| state.row.parents[which].as_deref()));
    }
    // What belongs to something that is known to be gone is buried at once, as it would be in the other order.
    flight.add(&statements.bury_orphans).texts(ids());
    states.orphans.set(Some(flight.last()));
}

fn bury<'a>(kind: ObjectKind, ends: &Manner<'a, End>, flight: &mut Flight<'a>) {
    let (layout, statements) = (kind.layout(), kind.statements());
    let ends_of = || ends.changes.iter().map(|(_, end)| *end);
    let ids = || ends_of().map(|end| Some(end.id.as_str()));
    let moments = || ends_of().map(|end| end.version.event_at);
    let deliveries = || ends_of().map(|end| Some(end.version.delivery_id.as_str()));
    let step = flight.add(&statements.bury).texts(ids());
    for which in 0..layout.parents.len() {
        step.texts(ends_of().map(|end| end.parents[which].as_deref()));
    }
    step.numbers(moments()).texts(deliveries()).source();
    ends.step.set(flight.last());
    if !layout.parents.is_empty() {
        // What it belonged to may have gone earlier still: the earliest end is the one that is kept.
        flight.add(&statements.bury_orphans).texts(ids());
    }
    // And with it goes what belongs to it: Clerk does not announce those one by one.
    for child in ObjectKind::ALL {
        for (of, statement) in &child.statements().bury_children {
            if *of == kind {
                flight.add(statement).texts(ids()).numbers(moments()).texts(deliveries()).source();
            }
        }
    }
}
