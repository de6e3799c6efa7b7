//! `/api_keys` and `/oauth_applications/access_tokens/verify`, with and without `/v1`: the SDK leaves it out.

use serde_json::{Value, json};

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    api_keys::{ApiKey, ApiKeyPatch, NewApiKey},
    change::Change,
    listing::{Listing, unordered},
    oauth_tokens::NewOauthToken,
    refusal::Refusal,
    validity::read_reason,
};

pub(crate) fn list(call: &Call) -> Reply {
    let subject = call.query.first("subject").ok_or_else(|| Refusal::missing("subject"))?;
    let kind = call.query.first("type").unwrap_or("api_key");
    let include_invalid = call.query.boolean("include_invalid")?.unwrap_or(false);
    let (listing, search) = (Listing::newest_first(&call.query)?, call.query.search("query"));
    call.instance.read(|view| {
        let admits = |key: &ApiKey| {
            key.subject == subject
                && key.kind == kind
                && (include_invalid || key.validity.is_good(view.now))
                && search.as_ref().is_none_or(|part| key.name.to_lowercase().contains(part))
        };
        let (page, total_count) = listing.select(view.state.api_keys.oldest_first(), admits, unordered);
        reply(&Paginated { data: page.into_iter().map(|key| key.object(view.now)).collect(), total_count })
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewApiKey::read(call.form()?)?;
    call.change(|change| {
        let key = change.create_api_key(new)?;
        let mut object = key.object(change.now);
        object["secret"] = json!(key.secret.expose());
        reply(&object)
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    read(call, |key, call| key.object(call.instance.clock.now()))
}

pub(crate) fn secret(call: &Call) -> Reply {
    read(call, |key, _| json!({ "secret": key.secret.expose() }))
}

pub(crate) fn update(call: &Call) -> Reply {
    let patch = ApiKeyPatch::read(call.form()?)?;
    shown(call, |change| change.update_api_key(call.path("api_key_id"), patch))
}

pub(crate) fn revoke(call: &Call) -> Reply {
    let reason = read_reason(call.form()?)?;
    shown(call, |change| change.revoke_api_key(call.path("api_key_id"), reason))
}

pub(crate) fn delete(call: &Call) -> Reply {
    let id = call.path("api_key_id");
    call.change(|change| {
        change.delete_api_key(id)?;
        reply(&json!({ "object": "api_key", "id": id, "deleted": true }))
    })
}

pub(crate) fn verify(call: &Call) -> Reply {
    let mut form = call.form()?;
    let secret = form.string("secret")?.required("secret")?;
    form.finish()?;
    shown(call, |change| change.verify_api_key(&secret))
}

/// Letting an application in, which takes a person; here it belongs to the control API.
pub(crate) fn create_oauth_token(call: &Call) -> Reply {
    let new = NewOauthToken::read(call.form()?)?;
    call.change(|change| {
        let token = change.create_oauth_token(new)?;
        let mut object = token.object(change.now);
        object["access_token"] = json!(token.token.expose());
        reply(&object)
    })
}

pub(crate) fn verify_oauth_token(call: &Call) -> Reply {
    let mut form = call.form()?;
    let (token, secret) = (form.string("access_token")?.given(), form.string("secret")?.given());
    form.finish()?;
    let token = token.or(secret).ok_or_else(|| Refusal::missing("access_token"))?;
    call.change(|change| reply(&change.verify_oauth_token(&token)?.object(change.now)))
}

fn read(call: &Call, show: impl FnOnce(&ApiKey, &Call) -> Value) -> Reply {
    let id = call.path("api_key_id");
    call.instance.read(|view| {
        let key = view.state.api_keys.get(id).ok_or_else(|| Refusal::not_found("API key", id))?;
        reply(&show(key, call))
    })
}

fn shown(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<ApiKey, Refusal>) -> Reply {
    call.change(|change| reply(&operation(change)?.object(change.now)))
}
