//! `GET /`: people, organizations, sessions, mail that nobody receives, deliveries.

use askama::Template;
use serde_json::Value;

use super::{moment, people::Person, render};
use crate::{
    frontend_api::call::{FrontendCall, FrontendReply},
    view::View,
    webhooks::Outbox,
};

/// So many of each; the APIs list the rest.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    application: &'a str,
    address: &'a str,
    instance_id: &'a str,
    base: &'a str,
    /// The origins of apps that were heard of.
    apps: Vec<String>,
    user_count: usize,
    people: Vec<Person>,
    organization_count: usize,
    organizations: Vec<OrganizationRow>,
    sessions: Vec<SessionRow>,
    letters: Vec<Letter>,
    endpoint_count: usize,
    deliveries: Vec<DeliveryRow>,
}

struct OrganizationRow {
    id: String,
    name: String,
    slug: String,
    members: usize,
}

struct SessionRow {
    since: String,
    who: String,
    place: String,
    status: &'static str,
    open: bool,
}

struct Letter {
    time: String,
    to: String,
    text: String,
}

struct DeliveryRow {
    id: String,
    time: String,
    kind: String,
    outcomes: Vec<OutcomeOf>,
}

struct OutcomeOf {
    status: &'static str,
    class: &'static str,
    attempts: usize,
}

pub(crate) fn overview(call: &FrontendCall) -> FrontendReply {
    let instance = &call.instance;
    let apps = instance.apps.lock().iter().filter_map(|proxy| origin(proxy)).collect();
    let (letters, deliveries, endpoint_count) =
        instance.webhooks.read(|outbox| (letters(outbox), deliveries(outbox), outbox.endpoints().count()));
    instance.read(|view| {
        let state = view.state;
        Ok(render(&Overview {
            application: &instance.settings.application_name,
            address: &instance.base_url,
            instance_id: view.instance_id.as_str(),
            base: call.public_url(),
            apps,
            user_count: state.users.len(),
            people: state.users.oldest_first().take(SHOWN).map(|user| Person::of(user, view)).collect(),
            organization_count: state.organizations.len(),
            organizations: organizations(view),
            sessions: sessions(view),
            letters,
            endpoint_count,
            deliveries,
        }))
    })
}

fn origin(address: &str) -> Option<String> {
    Some(url::Url::parse(address).ok()?.origin().ascii_serialization())
}

fn organizations(view: View<'_>) -> Vec<OrganizationRow> {
    let rows = view.state.organizations.oldest_first().take(SHOWN).map(|organization| OrganizationRow {
        id: organization.id.to_string(),
        name: organization.name.clone(),
        slug: organization.slug.clone(),
        members: view.state.memberships.count_in(&organization.id),
    });
    rows.collect()
}

fn sessions(view: View<'_>) -> Vec<SessionRow> {
    let state = view.state;
    let mut sessions: Vec<_> = state.sessions.iter().collect();
    sessions.sort_unstable_by(|left, right| (right.created_at, &right.id).cmp(&(left.created_at, &left.id)));
    let rows = sessions.into_iter().take(SHOWN).map(|session| {
        let user = state.users.get(session.user_id.as_str()).map(|user| Person::of(user, view).name);
        let active = session.last_active_organization_id.as_ref();
        let place = active.and_then(|id| state.organizations.get(id.as_str())).map(|it| it.name.clone());
        SessionRow {
            since: moment(session.created_at),
            who: user.unwrap_or_default(),
            place: place.unwrap_or_default(),
            status: session.status_at(view.now).as_str(),
            open: session.is_open(view.now),
        }
    });
    rows.collect()
}

fn letters(outbox: &Outbox) -> Vec<Letter> {
    let messages =
        outbox.oldest_first().rev().filter(|message| matches!(message.kind.as_str(), "email.created" | "sms.created"));
    let letters = messages.take(SHOWN).filter_map(|message| {
        let data = serde_json::from_slice::<Value>(&message.body).ok()?["data"].take();
        let text = |names: [&str; 2]| names.iter().find_map(|name| data[*name].as_str()).unwrap_or_default().to_owned();
        Some(Letter {
            time: moment(message.created_at),
            to: text(["to_email_address", "to_phone_number"]),
            text: text(["body_plain", "message"]),
        })
    });
    letters.collect()
}

fn deliveries(outbox: &Outbox) -> Vec<DeliveryRow> {
    let rows = outbox.oldest_first().rev().take(SHOWN).map(|message| DeliveryRow {
        id: message.id.to_string(),
        time: moment(message.created_at),
        kind: message.kind.clone(),
        outcomes: message
            .deliveries
            .values()
            .map(|delivery| {
                let status = delivery.status.name();
                let class = match status {
                    "delivered" => "good",
                    "failed" => "bad",
                    _ => "soft",
                };
                OutcomeOf { status, class, attempts: delivery.attempts.len() }
            })
            .collect(),
    });
    rows.collect()
}
