//! `/v1/redirect_urls`.

use serde_json::{Value, json};

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    listing::{Listing, unordered},
    refusal::Refusal,
};

pub(crate) fn list(call: &Call) -> Reply {
    let listing = Listing::newest_first(&call.query)?;
    let paginated = call.query.boolean("paginated")?.unwrap_or(false);
    call.instance.read(|view| {
        let (page, total_count) = listing.select(view.state.redirect_urls.oldest_first(), |_| true, unordered);
        let data: Vec<Value> = page.into_iter().map(|url| url.object()).collect();
        if paginated { reply(&Paginated { data, total_count }) } else { reply(&data) }
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let mut form = call.form()?;
    let url = form.string("url")?.required("url")?;
    form.finish()?;
    call.change(|change| reply(&change.create_redirect_url(&url)?.object()))
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("redirect_url_id");
    call.instance.read(|view| {
        let url = view.state.redirect_urls.get(id).ok_or_else(|| Refusal::not_found("redirect url", id))?;
        reply(&url.object())
    })
}

pub(crate) fn delete(call: &Call) -> Reply {
    let id = call.path("redirect_url_id");
    call.change(|change| {
        change.state.redirect_urls.remove(id).ok_or_else(|| Refusal::not_found("redirect url", id))?;
        reply(&json!({ "object": "redirect_url", "id": id, "deleted": true }))
    })
}
