//! The control API under `/__rowlock`: what a test needs and Clerk does not offer.
//!
//! `docs/emulator.md` lists all of it, and a test holds the list to the table. Here: endpoints, what was sent to them,
//! sending again, losing and holding back; events on demand; tokens of any shape. It asks for the secret key like the
//! rest.

use clerk::EventKind;
use serde_json::{Value, json};

use crate::{
    api::{Call, Reply, reply},
    change::Event,
    identity::draw_webhook_secret,
    on_demand::on_demand,
    refusal::Refusal,
    tokens::TokenRequest,
    webhooks::{Endpoint, EndpointPatch, Message, NewEndpoint, SecretRotation},
};

/// At most this many copies of one message at once.
const COPIES_LIMIT: i64 = 100;

/// Where the instance is and what it is called: everything an `.env` file needs.
pub(crate) fn instance(call: &Call) -> Reply {
    let instance = &call.instance;
    reply(&json!({
        "base_url": instance.base_url,
        "issuer": instance.issuer,
        "instance_id": instance.identity.signing_key.instance_id(),
        "publishable_key": instance.publishable_key.to_string(),
        "secret_key": instance.identity.secret_key.expose(),
        "webhook_secret": instance.identity.webhook_secret.expose(),
        "jwt_key": instance.identity.keyring.read().current().public_key_pem(),
    }))
}

pub(crate) fn mint(call: &Call) -> Reply {
    let request: TokenRequest = serde_json::from_slice(&call.body).map_err(|error| {
        let message = format!("The token request is unusable: {error}.");
        Refusal::new(http::StatusCode::UNPROCESSABLE_ENTITY, "form_param_value_invalid", "is invalid", message)
    })?;
    let jwt = call.instance.mint(|mint| mint.of_request(&request))?;
    reply(&json!({ "object": "token", "jwt": jwt }))
}

/// Announces an event: of an object that exists, by `object_id`, or with `data` of the caller's own.
pub(crate) fn trigger(call: &Call) -> Reply {
    let mut form = call.form()?;
    let kind = EventKind::parse(&form.string("type")?.required("type")?);
    let object_id = form.string("object_id")?.given();
    let data = form.any("data");
    form.finish()?;
    let event = match (object_id, data) {
        (Some(id), None) => call.instance.read(|view| on_demand(view, kind, &id))?,
        (None, Some(data)) => Event::new(kind, &data),
        (None, None) | (Some(_), Some(_)) => {
            let message = "Give the id of an object in `object_id`, or the object itself in `data`.";
            return Err(Refusal::form("form_param_missing", "is missing", message, "object_id"));
        }
    };
    let id = call.instance.announce(&call.origin, &event);
    call.instance.webhooks.read(|outbox| reply(&outbox.message(id.as_str())?.object()))
}

pub(crate) fn list_endpoints(call: &Call) -> Reply {
    let endpoints: Vec<Value> =
        call.instance.webhooks.read(|outbox| outbox.endpoints().map(Endpoint::object).collect());
    reply(&endpoints)
}

pub(crate) fn add_endpoint(call: &Call) -> Reply {
    let new = NewEndpoint::read(call.form()?)?;
    let now = call.instance.clock.now();
    let mut state = call.instance.state.write();
    let endpoint = Endpoint {
        id: state.ids.prefixed("ep_", now),
        url: new.url,
        secret: new.secret.unwrap_or_else(|| draw_webhook_secret(&mut state.ids)),
        previous_secret: None,
        events: new.events,
        disabled: None,
        failing_since: None,
        created_at: now,
    };
    drop(state);
    let object = endpoint.object();
    call.instance.webhooks.with(|outbox| outbox.add_endpoint(endpoint));
    reply(&object)
}

pub(crate) fn get_endpoint(call: &Call) -> Reply {
    call.instance.webhooks.read(|outbox| reply(&outbox.endpoint(call.path("endpoint_id"))?.object()))
}

pub(crate) fn change_endpoint(call: &Call) -> Reply {
    let patch = EndpointPatch::read(call.form()?)?;
    let changed = |outbox: &mut crate::webhooks::Outbox| {
        outbox.change_endpoint(call.path("endpoint_id"), patch).map(Endpoint::object)
    };
    reply(&call.instance.webhooks.with(changed)?)
}

pub(crate) fn rotate_secret(call: &Call) -> Reply {
    let rotation = SecretRotation::read(call.form()?)?;
    let now = call.instance.clock.now();
    let drawn = draw_webhook_secret(&mut call.instance.state.write().ids);
    call.instance.webhooks.with(|outbox| {
        let endpoint = outbox.endpoint_mut(call.path("endpoint_id"))?;
        rotation.apply(endpoint, now, || drawn);
        reply(&endpoint.object())
    })
}

pub(crate) fn remove_endpoint(call: &Call) -> Reply {
    let endpoint = call.instance.webhooks.with(|outbox| outbox.remove_endpoint(call.path("endpoint_id")))?;
    reply(&json!({ "id": endpoint.id, "deleted": true }))
}

/// Messages and their deliveries, newest first.
pub(crate) fn list_deliveries(call: &Call) -> Reply {
    let page = call.query.page()?;
    let (kind, status) = (call.query.first("type"), call.query.first("status"));
    let endpoint = call.query.first("endpoint_id");
    let wanted = |message: &&Message| {
        let mut deliveries = message.deliveries.iter();
        kind.is_none_or(|kind| kind == message.kind)
            && (status.is_none() && endpoint.is_none()
                || deliveries.any(|(id, delivery)| {
                    endpoint.is_none_or(|endpoint| endpoint == id)
                        && status.is_none_or(|status| status == delivery.status.name())
                }))
    };
    call.instance.webhooks.read(|outbox| {
        let found = outbox.oldest_first().rev().filter(wanted).skip(page.offset).take(page.limit);
        reply(&found.map(Message::object).collect::<Vec<Value>>())
    })
}

pub(crate) fn get_delivery(call: &Call) -> Reply {
    call.instance.webhooks.read(|outbox| {
        let message = outbox.message(call.path("message_id"))?;
        let mut object = message.object();
        object["payload"] = serde_json::from_slice(&message.body).expect("an envelope is JSON");
        reply(&object)
    })
}

pub(crate) fn send_again(call: &Call) -> Reply {
    let mut form = call.form()?;
    let endpoint = form.string("endpoint_id")?.given();
    let copies = form.bounded("copies", 1..=COPIES_LIMIT)?.given().unwrap_or(1);
    form.finish()?;
    let copies = usize::try_from(copies).expect("a bounded count fits");
    let id = call.path("message_id");
    let attempts = call.instance.webhooks.with(|outbox| outbox.send_again(id, endpoint.as_deref(), copies))?;
    reply(&json!({ "id": id, "attempts": attempts }))
}

pub(crate) fn discard(call: &Call) -> Reply {
    let id = call.path("message_id");
    call.instance.webhooks.with(|outbox| outbox.discard(id))?;
    call.instance.webhooks.read(|outbox| reply(&outbox.message(id)?.object()))
}

pub(crate) fn outbox(call: &Call) -> Reply {
    call.instance.webhooks.read(|outbox| {
        reply(&json!({ "paused": outbox.paused(), "pending": outbox.pending(), "settled": outbox.is_settled() }))
    })
}

/// Holds everything back, or lets it go. What is sent again by hand goes out even while the outbox is paused.
pub(crate) fn change_outbox(call: &Call) -> Reply {
    let mut form = call.form()?;
    let paused = form.boolean("paused")?.required("paused")?;
    form.finish()?;
    call.instance.webhooks.with(|outbox| outbox.set_paused(paused));
    self::outbox(call)
}
