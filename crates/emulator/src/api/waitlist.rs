//! `/v1/waitlist_entries`.

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    change::Change,
    form::Form,
    refusal::Refusal,
    waitlist::{NewWaitlistEntry, WaitlistEntry, WaitlistList},
};

/// Clerk: "limited to a maximum of 50 entries per API call".
const BULK_LIMIT: usize = 50;

pub(crate) fn list(call: &Call) -> Reply {
    let list = WaitlistList::read(&call.query)?;
    call.instance.read(|view| {
        let (page, total_count) = list.select(view);
        reply(&Paginated { data: page.into_iter().map(|entry| entry.object(view)).collect(), total_count })
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewWaitlistEntry::read(call.form()?)?;
    changed(call, |change| Ok(change.create_waitlist_entries(vec![new])?.remove(0)))
}

pub(crate) fn create_many(call: &Call) -> Reply {
    let forms = Form::parse_many(&call.body, BULK_LIMIT)?;
    let new = forms.into_iter().map(NewWaitlistEntry::read).collect::<Result<Vec<_>, _>>()?;
    call.change(|change| {
        let entries = change.create_waitlist_entries(new)?;
        reply(&entries.iter().map(|entry| entry.object(change.view())).collect::<Vec<_>>())
    })
}

pub(crate) fn invite(call: &Call) -> Reply {
    let mut form = call.form()?;
    let ignore_existing = form.boolean("ignore_existing")?.given().unwrap_or(false);
    form.finish()?;
    changed(call, |change| change.invite_waitlist_entry(call.path("waitlist_entry_id"), ignore_existing))
}

pub(crate) fn reject(call: &Call) -> Reply {
    changed(call, |change| change.reject_waitlist_entry(call.path("waitlist_entry_id")))
}

pub(crate) fn delete(call: &Call) -> Reply {
    call.change(|change| reply(&change.delete_waitlist_entry(call.path("waitlist_entry_id"))?.deleted()))
}

fn changed(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<WaitlistEntry, Refusal>) -> Reply {
    call.change(|change| {
        let entry = operation(change)?;
        reply(&entry.object(change.view()))
    })
}
