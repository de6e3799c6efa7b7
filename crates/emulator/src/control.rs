//! The control API under `/__rowlock`: what a test needs and Clerk does not offer.
//!
//! `docs/emulator.md` lists all of it, and a test holds the list to the table. Here: endpoints, what was sent to them,
//! sending again, losing and holding back; events on demand; tokens of any shape. It asks for the secret key like the
//! rest.

use clerk::EventKind;
use serde_json::{Value, json};

use crate::{
    api::{Call, Reply, reply},
    change::{Change, Event},
    identity::draw_webhook_secret,
    on_demand::on_demand,
    refusal::Refusal,
    tokens::TokenRequest,
    webhooks::{Disturbance, Endpoint, EndpointPatch, Message, NewEndpoint, SecretRotation},
};

/// At most this many copies of one message at once.
const COPIES_LIMIT: i64 = 100;
/// At most this many events at once.
const COUNT_LIMIT: i64 = 1000;

/// Where the instance is and what it is called: everything an `.env` file needs.
pub(crate) fn instance(call: &Call) -> Reply {
    let instance = &call.instance;
    reply(&json!({
        "base_url": instance.base_url,
        "issuer": instance.issuer,
        "instance_id": instance.identity.instance_id,
        "publishable_key": instance.publishable_key.to_string(),
        "secret_key": instance.identity.secret_key.expose(),
        "webhook_secret": instance.identity.webhook_secret.expose(),
        "jwt_key": instance.identity.keyring().read().current().public_key_pem(),
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

/// Lets an event happen, once or `count` times, with everything that has to be there first; or announces one without
/// anything happening: of an object that exists, by `object_id`, or with `data` of the caller's own. What may befall the
/// messages on their way is said by [`Disturbance`]. Answers with all of them, the one that was asked for last.
pub(crate) fn trigger(call: &Call) -> Reply {
    let mut form = call.form()?;
    let kind = EventKind::parse(&form.string("type")?.required("type")?);
    let (object_id, user) = (form.string("object_id")?.given(), form.string("user")?.given());
    let data = form.any("data");
    let count = form.bounded("count", 1..=COUNT_LIMIT)?.given().unwrap_or(1);
    let disturbance = Disturbance::take(&mut form)?;
    form.finish()?;
    let announce = |event: &dyn Fn() -> Result<Event, Refusal>| {
        let events: Vec<Event> = (0..count).map(|_| event()).collect::<Result<_, _>>()?;
        Ok(call.instance.announce(&call.origin, &disturbance, &events))
    };
    let ids = match (object_id, data, user) {
        (Some(id), None, None) => announce(&|| call.instance.read(|view| on_demand(view, kind.clone(), &id)))?,
        (None, Some(data), None) => announce(&|| Ok(Event::new(kind.clone(), &data, call.instance.clock.now())))?,
        (None, None, user) => {
            let happen = |change: &mut Change<'_>| (0..count).try_for_each(|_| change.happen(&kind, user.as_deref()));
            let whole = |change: &mut Change<'_>| change.all_or_nothing(happen);
            call.instance.change_disturbed(&call.origin, &disturbance, whole)?.1
        }
        _ => {
            let message = "Say one of these: `object_id`, an object to announce; `data`, to announce that; or `user`, \
                           to whom it is to happen.";
            return Err(Refusal::form("form_param_value_invalid", "is invalid", message, "object_id"));
        }
    };
    call.instance.webhooks.read(|outbox| {
        let messages: Result<Vec<Value>, Refusal> =
            ids.iter().map(|id| Ok(outbox.message(id.as_str())?.object())).collect();
        reply(&json!({ "messages": messages? }))
    })
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
