//! The inbox as an operator sees it: which deliveries there are and what became of each. Bodies are personal data and are
//! given out one at a time, to whoever asks for that one.

use clerk::DeliveryId;
use serde::Serialize;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::{Mirror, MirrorError};

/// Which deliveries are meant; empty means all.
#[derive(Debug, Clone, Default)]
pub struct InboxFilter {
    /// One of the inbox's states: applied, stale, kept, failed, dead.
    pub state: Option<String>,
    /// An event type such as `user.created`, where `*` stands for anything: `user.*`.
    pub event_type: Option<String>,
    /// The `svix-id`.
    pub delivery_id: Option<String>,
    /// A Clerk id that the delivery is about.
    pub object_id: Option<String>,
    /// The person that the delivery speaks of.
    pub user_id: Option<String>,
    /// Received at this time or later, in milliseconds.
    pub since: Option<i64>,
}

impl InboxFilter {
    /// The type as `like` takes it.
    fn pattern(&self) -> Option<String> {
        let mut pattern = String::new();
        for character in self.event_type.as_ref()?.chars() {
            match character {
                '*' => pattern.push('%'),
                '%' | '_' | '\\' => pattern.extend(['\\', character]),
                other => pattern.push(other),
            }
        }
        Some(pattern)
    }
}

/// A delivery as the inbox knows it, without its body. Times are in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub struct InboxEntry {
    /// The `svix-id`.
    pub delivery_id: String,
    /// The event's type, when the body said one.
    pub event_type: Option<String>,
    /// What it is about, when the body said so.
    pub object_id: Option<String>,
    /// Whom it speaks of, when it speaks of a person.
    pub user_id: Option<String>,
    /// What became of it.
    pub state: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When the event happened, by Clerk's clock.
    pub event_at: Option<i64>,
    /// When the attempt that arrived was sent.
    pub sent_at: i64,
    /// When it came.
    pub received_at: i64,
    /// When it was decided what becomes of it; none while it is tried again.
    pub settled_at: Option<i64>,
    /// When it will be tried again.
    pub next_attempt_at: Option<i64>,
    /// The body's size; none when it is not kept any more.
    pub body_bytes: Option<i32>,
}

impl InboxEntry {
    /// Milliseconds from the event to the end of its delivery, or to its arrival while it waits. Two clocks take part, so
    /// it may come out a little below zero.
    pub fn lag(&self) -> Option<i64> {
        Some(self.settled_at.unwrap_or(self.received_at) - self.event_at?)
    }
}

/// Deliveries that can be tried again.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Oldest first, up to the limit that was asked for.
    pub ids: Vec<DeliveryId>,
    /// How many there are.
    pub total: i64,
}

impl Mirror {
    /// The deliveries that fit `filter`, newest first.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn deliveries(&self, filter: &InboxFilter, limit: i64) -> Result<Vec<InboxEntry>, MirrorError> {
        let list = include_str!("../../../sql/mirror/list_deliveries.sql");
        self.entries(list, filter, &[&limit]).await
    }

    /// What came at `since` or later, in milliseconds, and what is known now of those `watched`; in the order in which they
    /// were settled.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn news(
        &self,
        filter: &InboxFilter,
        since: i64,
        watched: &[String],
    ) -> Result<Vec<InboxEntry>, MirrorError> {
        let news = include_str!("../../../sql/mirror/news_of_deliveries.sql");
        self.entries(news, filter, &[&since, &watched]).await
    }

    /// The deliveries that fit `filter` and can be replayed.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn waiting(&self, filter: &InboxFilter, limit: i64) -> Result<Waiting, MirrorError> {
        let rows = self.filtered(include_str!("../../../sql/mirror/waiting_deliveries.sql"), filter, &[&limit]).await?;
        Ok(Waiting {
            ids: rows.iter().filter_map(|row| DeliveryId::parse(row.get("delivery_id")).ok()).collect(),
            total: rows.first().map_or(0, |row| row.get("total")),
        })
    }

    /// The bytes as they came, but for secrets; none when there is no such delivery or its body is not kept any more.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn body(&self, id: &DeliveryId) -> Result<Option<Vec<u8>>, MirrorError> {
        let connection = self.pool.get().await?;
        let body = connection.prepare_cached(include_str!("../../../sql/mirror/delivery_body.sql")).await?;
        Ok(connection.query_opt(&body, &[&id.as_str()]).await?.and_then(|row| row.get(0)))
    }

    async fn entries(
        &self,
        statement: &str,
        filter: &InboxFilter,
        more: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<InboxEntry>, MirrorError> {
        Ok(self.filtered(statement, filter, more).await?.iter().map(entry).collect())
    }

    async fn filtered(
        &self,
        statement: &str,
        filter: &InboxFilter,
        more: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, MirrorError> {
        let pattern = filter.pattern();
        let mut parameters: Vec<&(dyn ToSql + Sync)> =
            vec![&filter.state, &pattern, &filter.delivery_id, &filter.object_id, &filter.user_id, &filter.since];
        parameters.extend(more);
        let connection = self.pool.get().await?;
        let statement = connection.prepare_cached(statement).await?;
        Ok(connection.query(&statement, &parameters).await?)
    }
}

fn entry(row: &Row) -> InboxEntry {
    InboxEntry {
        delivery_id: row.get("delivery_id"),
        event_type: row.get("event_type"),
        object_id: row.get("object_id"),
        user_id: row.get("user_id"),
        state: row.get("state"),
        reason: row.get("reason"),
        attempts: row.get("attempts"),
        event_at: row.get("event_at"),
        sent_at: row.get("sent_at"),
        received_at: row.get("received_at"),
        settled_at: row.get("settled_at"),
        next_attempt_at: row.get("next_attempt_at"),
        body_bytes: row.get("body_bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_and_nothing_else_is_special() {
        let pattern =
            |text: &str| InboxFilter { event_type: Some(text.to_owned()), ..InboxFilter::default() }.pattern();
        assert_eq!(pattern("user.*").as_deref(), Some("user.%"));
        assert_eq!(pattern(r"100%_\*").as_deref(), Some(r"100\%\_\\%"));
        assert_eq!(InboxFilter::default().pattern(), None);
    }
}
