//! `/v1/machines`, and `/m2m_tokens` with and without `/v1`: the SDK leaves it out.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    change::Change,
    listing::{Listing, SortKey, unordered},
    m2m_tokens::{M2mToken, NewM2mToken},
    machines::{Machine, MachinePatch, NewMachine, read_rotation},
    refusal::Refusal,
    validity::read_reason,
};

pub(crate) fn list(call: &Call) -> Reply {
    let (listing, search) = (Listing::read(&call.query, &["created_at", "name"])?, call.query.search("query"));
    call.instance.read(|view| {
        let admits = |machine: &Machine| {
            search
                .as_ref()
                .is_none_or(|part| machine.name.to_lowercase().contains(part) || machine.id.to_lowercase() == *part)
        };
        let key = |machine: &Machine, _: &str| SortKey::Text(machine.name.clone());
        let (page, total_count) = listing.select(view.state.machines.oldest_first(), admits, key);
        reply(&Paginated { data: page.into_iter().map(|machine| machine.object(view)).collect(), total_count })
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewMachine::read(call.form()?)?;
    call.change(|change| {
        let machine = change.create_machine(new)?;
        let mut object = machine.object(change.view());
        object["secret_key"] = json!(machine.secret_key.expose());
        reply(&object)
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    call.instance.read(|view| reply(&view.state.machine(call.path("machine_id"))?.object(view)))
}

pub(crate) fn update(call: &Call) -> Reply {
    let patch = MachinePatch::read(call.form()?)?;
    call.change(|change| {
        let machine = change.update_machine(call.path("machine_id"), patch)?;
        reply(&machine.object(change.view()))
    })
}

pub(crate) fn delete(call: &Call) -> Reply {
    let id = call.path("machine_id");
    call.change(|change| {
        change.delete_machine(id)?;
        reply(&json!({ "object": "machine", "id": id, "deleted": true }))
    })
}

pub(crate) fn secret_key(call: &Call) -> Reply {
    call.instance.read(|view| secret(view.state.machine(call.path("machine_id"))?))
}

pub(crate) fn rotate_secret_key(call: &Call) -> Reply {
    let previous = read_rotation(call.form()?)?;
    call.change(|change| secret(&change.rotate_machine_key(call.path("machine_id"), previous)?))
}

pub(crate) fn create_scope(call: &Call) -> Reply {
    let mut form = call.form()?;
    let to = form.string("to_machine_id")?.required("to_machine_id")?;
    form.finish()?;
    let from = call.path("machine_id");
    call.change(|change| {
        change.add_machine_scope(from, &to)?;
        let object = "machine_scope";
        reply(&json!({ "object": object, "from_machine_id": from, "to_machine_id": to, "created_at": change.now }))
    })
}

pub(crate) fn delete_scope(call: &Call) -> Reply {
    let (from, to) = (call.path("machine_id"), call.path("other_machine_id"));
    call.change(|change| {
        change.remove_machine_scope(from, to)?;
        reply(&json!({ "object": "machine_scope", "from_machine_id": from, "to_machine_id": to, "deleted": true }))
    })
}

/// Asked for by a machine with its own secret key.
pub(crate) fn create_token(call: &Call) -> Reply {
    let new = NewM2mToken::read(call.form()?)?;
    let Some(machine) = &call.machine else {
        let short = "Machine secret key required";
        let long = "Ask for a machine token with the secret key of the machine: `Authorization: Bearer ak_…`.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "machine_secret_key_required", short, long));
    };
    let token = call.change(|change| change.create_m2m_token(machine, new))?;
    let mut object = token.object(token.created_at);
    object["token"] = match &token.token {
        Some(secret) => json!(secret.expose()),
        None => json!(call.instance.mint(|mint| mint.of_machine(
            &token.id,
            &token.subject,
            jwt_claims(&token),
            &token.validity
        ))),
    };
    reply(&object)
}

pub(crate) fn list_tokens(call: &Call) -> Reply {
    let subject = call.query.first("subject").ok_or_else(|| Refusal::missing("subject"))?;
    let (revoked, expired) = (call.query.boolean("revoked")?, call.query.boolean("expired")?);
    let listing = Listing::newest_first(&call.query)?;
    call.instance.read(|view| {
        view.state.machine(subject)?;
        let admits = |token: &M2mToken| {
            token.subject == subject
                && token.validity.revoked == revoked.unwrap_or(false)
                && token.validity.expired(view.now) == expired.unwrap_or(false)
        };
        let (page, total_count) = listing.select(view.state.m2m_tokens.oldest_first(), admits, unordered);
        let tokens: Vec<Value> = page.into_iter().map(|token| token.object(view.now)).collect();
        reply(&json!({ "m2m_tokens": tokens, "total_count": total_count }))
    })
}

pub(crate) fn revoke_token(call: &Call) -> Reply {
    let reason = read_reason(call.form()?)?;
    shown(call, |change| change.revoke_m2m_token(call.path("m2m_token_id"), reason))
}

pub(crate) fn verify_token(call: &Call) -> Reply {
    let mut form = call.form()?;
    let token = form.string("token")?.required("token")?;
    form.finish()?;
    call.refuse_foreign(&token)?;
    shown(call, |change| change.verify_m2m_token(&token, call.machine.as_deref()))
}

fn jwt_claims(token: &M2mToken) -> Map<String, Value> {
    let mut claims = token.claims.clone().unwrap_or_default();
    claims.insert("scopes".to_owned(), json!(token.scopes.join(" ")));
    claims
}

fn shown(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<M2mToken, Refusal>) -> Reply {
    call.change(|change| reply(&operation(change)?.object(change.now)))
}

fn secret(machine: &Machine) -> Reply {
    reply(&json!({ "object": "machine_secret_key", "secret": machine.secret_key.expose() }))
}
