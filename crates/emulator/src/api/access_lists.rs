//! `/v1/allowlist_identifiers` and `/v1/blocklist_identifiers`.

use serde_json::{Value, json};

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    access_lists::{AccessList, ListedIdentifier},
    listing::{Listing, unordered},
};

/// A bare array, or on request one that knows its length.
pub(crate) fn list_allowed(call: &Call) -> Reply {
    let (data, total_count) = page(call, AccessList::Allow)?;
    let paginated = call.query.boolean("paginated")?.unwrap_or(false);
    if paginated { reply(&Paginated { data, total_count }) } else { reply(&data) }
}

pub(crate) fn list_blocked(call: &Call) -> Reply {
    let (data, total_count) = page(call, AccessList::Block)?;
    reply(&Paginated { data, total_count })
}

pub(crate) fn allow(call: &Call) -> Reply {
    let mut form = call.form()?;
    form.ignore(&["notify"]);
    add(call, form, AccessList::Allow)
}

pub(crate) fn block(call: &Call) -> Reply {
    add(call, call.form()?, AccessList::Block)
}

pub(crate) fn remove_allowed(call: &Call) -> Reply {
    remove(call, AccessList::Allow)
}

pub(crate) fn remove_blocked(call: &Call) -> Reply {
    remove(call, AccessList::Block)
}

fn page(call: &Call, list: AccessList) -> Result<(Vec<Value>, usize), crate::refusal::Refusal> {
    let listing = Listing::newest_first(&call.query)?;
    Ok(call.instance.read(|view| {
        let on_list = |listed: &ListedIdentifier| listed.list == list;
        let (page, total) = listing.select(view.state.access_lists.oldest_first(), on_list, unordered);
        (page.into_iter().map(|listed| listed.object(view)).collect(), total)
    }))
}

fn add(call: &Call, mut form: crate::form::Form, list: AccessList) -> Reply {
    let identifier = form.string("identifier")?.required("identifier")?;
    form.finish()?;
    call.change(|change| {
        let listed = change.list_identifier(list, &identifier)?;
        reply(&listed.object(change.view()))
    })
}

fn remove(call: &Call, list: AccessList) -> Reply {
    call.change(|change| {
        let listed = change.unlist_identifier(list, call.path("identifier_id"))?;
        reply(&json!({ "object": list.object_name(), "id": listed.id, "deleted": true }))
    })
}
