//! `GET /v1/sessions`: of a user or a client, newest first.

use clerk::Timestamp;
use http::StatusCode;

use super::{Session, Sessions};
use crate::{
    query::{Page, Query},
    refusal::Refusal,
};

const STATUSES: [&str; 8] = ["abandoned", "active", "ended", "expired", "pending", "removed", "replaced", "revoked"];

/// One request for a list of sessions.
#[derive(Debug)]
pub(crate) struct SessionList {
    user_id: Option<String>,
    client_id: Option<String>,
    status: Option<String>,
    page: Page,
    /// Whether the answer says how many there are on all pages.
    pub(crate) paginated: bool,
}

impl SessionList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        let text = |name: &str| query.first(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let list = Self {
            user_id: text("user_id"),
            client_id: text("client_id"),
            status: text("status"),
            page: query.page()?,
            paginated: query.boolean("paginated")?.unwrap_or(false),
        };
        if list.user_id.is_none() && list.client_id.is_none() {
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "missing_query_parameter",
                "Missing query parameter",
                "Either of the following query parameters must be provided: client_id, user_id.",
            ));
        }
        if let Some(status) = &list.status
            && !STATUSES.contains(&status.as_str())
        {
            return Err(Refusal::wrong_value("status", status, &STATUSES.join(", ")));
        }
        Ok(list)
    }

    /// The sessions of this page and how many there are on all pages.
    pub(crate) fn select<'a>(&self, sessions: &'a Sessions, now: Timestamp) -> (Vec<&'a Session>, usize) {
        let mut found: Vec<&Session> = match &self.user_id {
            Some(user) => sessions.of_user(user).collect(),
            None => sessions.iter().collect(),
        };
        found.retain(|session| {
            self.client_id.as_ref().is_none_or(|client| *client == session.client_id)
                && self.status.as_ref().is_none_or(|status| status == session.status_at(now).as_str())
        });
        found.sort_unstable_by(|left, right| (right.created_at, &right.id).cmp(&(left.created_at, &left.id)));
        let total = found.len();
        (found.into_iter().skip(self.page.offset).take(self.page.limit).collect(), total)
    }
}
