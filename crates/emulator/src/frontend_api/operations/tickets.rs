//! `GET /v1/tickets/accept`: where the link in an invitation's e-mail leads.

use crate::{
    frontend_api::{
        call::{Answer, FrontendCall, FrontendReply},
        origins,
        tickets::Ticket,
    },
    refusal::Refusal,
};

/// Hands the ticket to the app, with what to do with it: sign in, or sign up.
pub(super) fn accept(call: &FrontendCall) -> FrontendReply {
    let text = call.query.first("ticket").unwrap_or_default();
    let (ticket, known) = call.instance.read(|view| {
        let ticket = Ticket::find(view, text)?;
        let known = ticket.user(view.state).is_some();
        Ok::<_, Refusal>((ticket, known))
    })?;
    let app = call.proxy.clone().or_else(|| call.instance.apps.lock().iter().next().cloned());
    let wanted = ticket.redirect_url.as_deref().unwrap_or("/");
    let mut to = origins::destination(wanted, app.as_deref()).ok_or_else(|| {
        let message = format!(
            "The invitation leads to {wanted:?}, which is no address of this machine; give a redirect_url, or open the app first."
        );
        Refusal::form("redirect_url_mismatch", "Redirect url mismatch", message, "redirect_url")
    })?;
    to.query_pairs_mut()
        .append_pair("__clerk_ticket", text)
        .append_pair("__clerk_status", if known { "sign_in" } else { "sign_up" });
    Ok(Answer::redirect(to))
}
