//! What the permission cache costs whoever writes the mirror: deliveries about memberships, with its triggers and without.
//!
//! In process, without HTTP: what is left is the signature, the inbox and the rows, so the share of the triggers is the
//! largest that it can be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clerk::{Clock as _, DeliveryHeaders, DeliveryId, SigningSecret, SystemClock, verify_delivery};
use mirror::{Delivery, Mirror, Outcome};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::callers;
use crate::database::Database;
use crate::measure::{Contender, Race, Round};
use crate::report::Report;

/// As many as Svix sends at once, when there is much to send.
const SENDERS: usize = 64;
const TRIGGERS: [&str; 2] = ["hold_permissions_inserted", "hold_permissions_updated"];

/// What is delivered.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Memberships that nobody has heard of.
    New,
    /// The same ten thousand again and again, changed where permissions do not stand.
    Known,
}

pub(super) fn measure(runtime: &Runtime, database: &Database, report: &mut Report) -> Result<()> {
    let mirror = Arc::new(Mirror::new(database.owner.clone(), None));
    let next = Arc::new(AtomicU64::new(0));
    let round = |kind: Kind, cached: bool| -> Result<Round> {
        runtime.block_on(switch(database, cached))?;
        let (mirror, next) = (Arc::clone(&mirror), Arc::clone(&next));
        let round = callers::round(runtime, SENDERS, move || deliver(Arc::clone(&mirror), Arc::clone(&next), kind));
        runtime.block_on(switch(database, true))?;
        round
    };
    for (kind, what) in
        [(Kind::New, "memberships never seen before"), (Kind::Known, "ten thousand memberships, again and again")]
    {
        report.add(Race::run(
            format!("permission cache: deliveries of {what}, {SENDERS} in flight (Postgres {})", database.version()),
            vec![
                Contender::ours("the mirror", move || round(kind, true)),
                Contender::limit("the mirror without its permission cache", Ok(Box::new(move || round(kind, false)))),
            ],
        )?);
    }
    Ok(())
}

async fn switch(database: &Database, on: bool) -> Result<()> {
    let connection = database.owner.get().await?;
    for trigger in TRIGGERS {
        let word = if on { "enable" } else { "disable" };
        connection
            .batch_execute(&format!("alter table clerk.organization_memberships {word} trigger {trigger}"))
            .await?;
    }
    Ok(())
}

async fn deliver(mirror: Arc<Mirror>, next: Arc<AtomicU64>, kind: Kind) -> Result<()> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    let outcome = mirror.deliver(&delivery(number, kind)?).await?;
    ensure!(outcome == Outcome::Applied, "delivery {number} came to {outcome:?}");
    Ok(())
}

fn delivery(number: u64, kind: Kind) -> Result<Delivery> {
    let (member, event) = match kind {
        Kind::New => (number, "organizationMembership.created"),
        Kind::Known => (number % 10_000, "organizationMembership.updated"),
    };
    let now = SystemClock.now();
    let at = 1_700_000_000_000 + number;
    let letter = match kind {
        Kind::New => "n",
        Kind::Known => "k",
    };
    let body = json!({
        "object": "event", "type": event, "timestamp": at, "instance_id": "ins_bench",
        "data": {
            "id": format!("orgmem_{letter}{member:026}"), "object": "organization_membership", "role": "org:editor",
            "role_name": "Editor", "public_metadata": { "seen": number }, "created_at": 1_700_000_000_000_u64, "updated_at": at,
            "permissions": ["org:sys_memberships:read", "org:sys_profile:manage", "org:invoices:read", "org:invoices:manage", "org:posts:read"],
            "organization": {
                "id": format!("org_{:027}", member % 1000), "object": "organization", "name": "Acme", "slug": "acme",
                "created_by": "user_1", "members_count": 1, "max_allowed_memberships": 5, "public_metadata": {},
                "created_at": 1_700_000_000_000_u64, "updated_at": 1_700_000_000_000_u64,
            },
            "public_user_data": {
                "user_id": format!("user_{letter}{member:026}"), "identifier": "ada@example.com", "first_name": "Ada",
                "last_name": "Lovelace", "image_url": "https://img.clerk.com/1", "has_image": false,
            },
        },
    })
    .to_string();
    let secret = SigningSecret::generate([7; 24]);
    let id = format!("msg_{number:027}");
    let signature = secret.sign(&DeliveryId::parse(&id)?, now.seconds(), body.as_bytes());
    let seconds = now.seconds().to_string();
    let headers = DeliveryHeaders { id: &id, timestamp: &seconds, signatures: &signature };
    let signed = verify_delivery(&[secret], &headers, body.as_bytes(), now, Duration::from_secs(300))
        .ok()
        .context("a delivery of our own verifies")?;
    Ok(Delivery::new(signed, body))
}
