//! `GET /`: people, organizations, sessions, mail that nobody receives, deliveries.

use askama::Template;
use serde_json::Value;

use super::{moment, people::Person, render};
use crate::{
    frontend_api::call::{FrontendCall, FrontendReply},
    instance::Instance,
    outage::Outage,
    view::View,
    webhooks::{Delivery, DeliveryStatus, Outbox},
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
    /// What is out of the ordinary: time, outages, held messages.
    notices: Vec<String>,
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
    /// The address at the end of the text, to be followed with a click.
    link: Option<String>,
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
    /// What came of it so far, and what comes next.
    story: String,
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
            notices: notices(instance),
            user_count: state.users.len(),
            people: people(view),
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

fn notices(instance: &Instance) -> Vec<String> {
    let mut notices = Vec::new();
    let ahead = instance.clock.shift().as_secs();
    if ahead > 0 {
        notices.push(format!("The time here is {ahead} s ahead of the world."));
    }
    let Outage { api, jwks } = instance.outage.get();
    for (down, what) in [(api, "The APIs answer"), (jwks, "The key set answers")] {
        if down {
            notices.push(format!("{what} 503, as in an outage: `rowlock clerk outage end` ends it."));
        }
    }
    if instance.webhooks.read(Outbox::paused) {
        notices.push("Webhooks are held back.".to_owned());
    }
    notices
}

/// By name, as on the page where they sign in.
fn people(view: View<'_>) -> Vec<Person> {
    let mut people: Vec<Person> =
        view.state.users.oldest_first().take(SHOWN).map(|user| Person::of(user, view)).collect();
    people.sort_by(|left, right| (&left.name, &left.address).cmp(&(&right.name, &right.address)));
    people
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

fn story(delivery: &Delivery) -> String {
    let mut story = match delivery.attempts.as_slice() {
        [] => return String::new(),
        [only] => only.outcome(),
        [.., last] => format!("{} attempts, the last one: {}", delivery.attempts.len(), last.outcome()),
    };
    if let DeliveryStatus::Pending { due } = delivery.status {
        story.push_str(&format!("; again at {}", moment(due)));
    }
    story
}

fn letters(outbox: &Outbox) -> Vec<Letter> {
    let messages =
        outbox.oldest_first().rev().filter(|message| matches!(message.kind.as_str(), "email.created" | "sms.created"));
    let letters = messages.take(SHOWN).filter_map(|message| {
        let data = serde_json::from_slice::<Value>(&message.body).ok()?["data"].take();
        let text = |names: [&str; 2]| names.iter().find_map(|name| data[*name].as_str()).unwrap_or_default().to_owned();
        let whole = text(["body_plain", "message"]);
        let (text_before, link) = match whole.rsplit_once(' ') {
            Some((before, word)) if word.starts_with("http://") => (before.to_owned(), Some(word.to_owned())),
            _ => (whole, None),
        };
        let to = text(["to_email_address", "to_phone_number"]);
        Some(Letter { time: moment(message.created_at), to, text: text_before, link })
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
                OutcomeOf { status, class, story: story(delivery) }
            })
            .collect(),
    });
    rows.collect()
}
