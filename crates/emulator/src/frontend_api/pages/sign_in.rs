//! `/sign-in`: one click to be anybody, in any of their organizations.

use askama::Template;
use clerk::SessionId;

use super::{people::Person, render};
use crate::{
    change::Change,
    form::Form,
    frontend_api::{
        call::{Answer, FrontendCall, FrontendReply},
        origins,
        sign_in::SignInOn,
        tickets::Ticket,
    },
    refusal::Refusal,
    tickets::NewSignInTicket,
};

/// More cards than anybody wants to look through.
const SHOWN: usize = 60;
/// Where Next.js serves an app when nobody says otherwise, and the proxy in it.
const USUAL_APP: &str = "http://localhost:3000/__clerk";
/// Long enough to be redirected.
const TICKET_SECONDS: i64 = 60;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    application: &'a str,
    base: &'a str,
    redirect_url: &'a str,
    search: &'a str,
    people: Vec<Person>,
    /// How many more there are.
    hidden: usize,
    /// Whether people may be without an organization.
    personal: bool,
    /// Whether the app itself serves this page.
    proxied: bool,
    app: String,
    /// Whether the app's address is only the usual one.
    guessed: bool,
}

pub(crate) fn sign_in(call: &FrontendCall) -> FrontendReply {
    let instance = &call.instance;
    let search = call.query.first("q").unwrap_or_default().trim();
    let known = instance.apps.lock().iter().next().cloned();
    instance.read(|view| {
        let mut people: Vec<Person> = view
            .state
            .users
            .oldest_first()
            .map(|user| Person::of(user, view))
            .filter(|person| search.is_empty() || person.matches(search))
            .collect();
        people.sort_by_cached_key(|person| person.name.to_lowercase());
        let hidden = people.len().saturating_sub(SHOWN);
        people.truncate(SHOWN);
        Ok(render(&SignInPage {
            application: &instance.settings.application_name,
            base: call.public_url(),
            redirect_url: call.query.first("redirect_url").unwrap_or_default(),
            search,
            people,
            hidden,
            personal: !instance.settings.organization_required,
            proxied: call.proxy.is_some(),
            guessed: known.is_none(),
            app: known.unwrap_or_else(|| USUAL_APP.to_owned()),
        }))
    })
}

/// The click. In the app it signs in; at the emulator's own address it leads to the app, with a ticket.
pub(crate) fn sign_in_as(call: &FrontendCall) -> FrontendReply {
    let members = ["user_id", "organization_id"].into_iter().filter_map(|name| {
        let to = if name == "organization_id" { "org_id" } else { name };
        Some((to.to_owned(), call.form.text(name)?.into()))
    });
    let lifetime = [("expires_in_seconds".to_owned(), TICKET_SECONDS.into())];
    let new = NewSignInTicket::read_sign_in(Form::of(members.chain(lifetime).collect()))?;
    let ticket = call.change(|change| Ok(change.create_sign_in_ticket(new)?.token.expose().to_owned()))?;
    let redirect_url = call.form.text("redirect_url").unwrap_or_default();
    if call.proxy.is_some() {
        return enter(call, &ticket, redirect_url);
    }
    let app = call.form.required("app")?;
    let mut to = origins::destination(app, None).ok_or_else(|| elsewhere(app))?;
    to.path_segments_mut().map_err(|()| elsewhere(app))?.pop_if_empty().extend(["sign-in", "arrive"]);
    to.query_pairs_mut().append_pair("ticket", &ticket).append_pair("redirect_url", redirect_url);
    Ok(Answer::see_other(to))
}

/// The end of the way from the emulator's own address, in the app.
pub(crate) fn arrive(call: &FrontendCall) -> FrontendReply {
    let ticket = call.query.first("ticket").unwrap_or_default();
    enter(call, ticket, call.query.first("redirect_url").unwrap_or_default())
}

/// Signs in by the ticket, whoever was there before, and goes on into the app with the token of a development browser,
/// which makes the app's server ask who is there now.
fn enter(call: &FrontendCall, ticket: &str, redirect_url: &str) -> FrontendReply {
    let wanted = if redirect_url.is_empty() { "/" } else { redirect_url };
    let mut to = origins::destination(wanted, call.proxy.as_deref()).ok_or_else(|| elsewhere(wanted))?;
    let mut dev_browser = String::new();
    let seat = call.seat(|change, on| {
        make_room(change, on, ticket)?;
        change.sign_in_by_ticket(on, ticket)?;
        dev_browser = change.dev_browser(on.client);
        Ok(())
    })?;
    to.query_pairs_mut().append_pair("__clerk_db_jwt", &dev_browser);
    Ok(Answer::see_other(to).with_cookies(seat.cookie))
}

/// Signs out whoever is in the way: everybody where a browser takes one person, and the same person otherwise.
fn make_room(change: &mut Change<'_>, on: SignInOn<'_>, ticket: &str) -> Result<(), Refusal> {
    let view = change.view();
    let user = Ticket::find(view, ticket)?.user(view.state).map(|user| user.id.clone());
    let client = view.state.clients.get(on.client).into_iter();
    let sessions = client.flat_map(|client| client.sessions(view.state, view.now));
    let in_the_way: Vec<SessionId> = sessions
        .filter(|session| !on.settings.multi_session || user.as_ref() == Some(&session.user_id))
        .map(|session| session.id.clone())
        .collect();
    for id in in_the_way {
        change.end_session(id.as_str())?;
        change.left_client(on.client, &id);
    }
    Ok(())
}

fn elsewhere(address: &str) -> Refusal {
    let message = format!("{address:?} is no address of this machine, nor of an app that is known here.");
    Refusal::form("redirect_url_mismatch", "Redirect url mismatch", message, "redirect_url")
}
