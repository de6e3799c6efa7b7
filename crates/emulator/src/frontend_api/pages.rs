//! The emulator's own pages, for people: who is there and what has happened, and signing in as anybody by one click.
//!
//! Plain HTML, rendered on the server, without a script. They are served at the emulator's own address and, through an
//! app's proxy, below the app's: there a click signs in at once, here it leads to the app with a ticket.

mod overview;
mod people;
mod sign_in;

use askama::Template;

pub(crate) use overview::overview;
pub(crate) use sign_in::{arrive, sign_in, sign_in_as};

use super::call::Answer;
use clerk::Timestamp;

/// A page as an answer.
fn render(page: &impl Template) -> Answer {
    Answer::page(page.render().expect("a page without includes of its own renders"))
}

/// A moment, to the second, as the clock of the emulator has it.
fn moment(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.millis()).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
