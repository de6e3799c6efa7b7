//! Users without end: one that the emulator described, each time under another id.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use clerk::{Clock as _, DeliveryId, Object, SigningSecret, SystemClock};
use postgres::Pool;

use crate::session::Session;

const EMPTY: &str =
    "truncate clerk.users, rowlock.inbox, rowlock.changes, rowlock.inquiries, public.users_by_hand cascade";
const FILL: &str = "
insert into clerk.users (id, raw, clerk_updated_at, event_at, delivery_id, source, synced_at)
select 'user_before' || number, $1::text::jsonb, 0, 0, 'msg_before' || number, 'backfill', now()
from generate_series(1, 10000) as number
";

pub(crate) struct Stock {
    /// The body of an event, cut where the user's id stands.
    parts: Vec<String>,
    user: Vec<String>,
    pub(crate) secret: SigningSecret,
    next: AtomicU64,
}

/// A delivery as it leaves the sender.
pub(crate) struct Signed {
    pub(crate) id: String,
    pub(crate) seconds: i64,
    pub(crate) signature: String,
    pub(crate) body: String,
}

/// A user and the event about them, for whoever writes rows without reading anything.
pub(crate) struct Rows {
    pub(crate) delivery_id: String,
    pub(crate) user_id: String,
    pub(crate) body: String,
    pub(crate) user: String,
}

impl Stock {
    pub(crate) fn of(session: &Session) -> Result<Self> {
        let id = session.user["id"].as_str().context("a user has an id")?;
        let user = session.user.to_string();
        let now = SystemClock.now().millis();
        let body = format!(
            r#"{{"data":{user},"event_attributes":{{"http_request":{{"client_ip":"192.0.2.1","user_agent":"bench"}}}},"instance_id":"ins_bench","object":"event","timestamp":{now},"type":"user.created"}}"#
        );
        let cut = |text: &str| text.split(id).map(str::to_owned).collect();
        // As Rowlock sends it.
        let in_order = Object::parse("user", &user)?.for_jsonb(&[]);
        Ok(Self {
            parts: cut(&body),
            user: cut(&in_order),
            secret: SigningSecret::generate([7; 24]),
            next: AtomicU64::new(0),
        })
    }

    /// The tables as everybody is to find them at the beginning of a turn: with ten thousand users, and with nothing of the turn
    /// before that would still have to be written to the disk.
    pub(crate) async fn renew(&self, owner: &Pool) -> Result<()> {
        let connection = owner.get().await?;
        connection.batch_execute(EMPTY).await?;
        connection.execute(FILL, &[&self.user.join("user_before")]).await?;
        connection.batch_execute("analyze clerk.users").await?;
        connection.batch_execute("checkpoint").await?;
        Ok(())
    }

    pub(crate) fn body_size(&self) -> usize {
        self.rows().body.len()
    }

    pub(crate) fn rows(&self) -> Rows {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let user_id = format!("user_{number:027}");
        let delivery_id = format!("msg_{number:027}");
        Rows { delivery_id, body: self.parts.join(&user_id), user: self.user.join(&user_id), user_id }
    }

    pub(crate) fn signed(&self) -> Result<Signed> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("msg_{number:027}");
        let body = self.parts.join(&format!("user_{number:027}"));
        let seconds = SystemClock.now().seconds();
        let signature = self.secret.sign(&DeliveryId::parse(&id)?, seconds, body.as_bytes());
        Ok(Signed { id, seconds, signature, body })
    }
}
