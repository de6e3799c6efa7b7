//! Signed deliveries, as Svix would send them, and a look at the rows they make.

pub(crate) mod instance;

use std::sync::atomic::{AtomicU32, Ordering};

use clerk::{DeliveryHeaders, DeliveryId, SigningSecret, Timestamp, verify_delivery};
use mirror::{Delivery, Mirror, Outcome};
use postgres::testing::TestDatabase;
use serde_json::{Value, json};

/// 2026-11-22 00:00:00 UTC, in milliseconds.
pub(crate) const DAY: i64 = 1_795_305_600_000;

pub(crate) struct Test {
    pub(crate) database: TestDatabase,
    pub(crate) mirror: Mirror,
}

impl Test {
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::create().await;
        let mirror = Mirror::new(database.owner.clone(), None);
        Self { database, mirror }
    }

    pub(crate) async fn deliver(&self, delivery: &Delivery) -> Outcome {
        self.mirror.deliver(delivery).await.unwrap()
    }

    /// The single value of a query that has one.
    pub(crate) async fn value(&self, statement: &str) -> Value {
        let connection = self.database.owner.get().await.unwrap();
        let statement = format!("select to_jsonb(found.*) from ({statement}) as found");
        let rows = connection.query(&statement, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, Value>(0)).collect()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        self.database.owner.get().await.unwrap().batch_execute(statement).await.unwrap();
    }
}

/// A verified delivery with these very bytes.
pub(crate) fn delivery_of(id: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let secret = SigningSecret::generate([7; 24]);
    let now = Timestamp::from_millis(DAY);
    let signature = secret.sign(&DeliveryId::parse(id).unwrap(), now.seconds(), &body);
    let seconds = now.seconds().to_string();
    let headers = DeliveryHeaders { id, timestamp: &seconds, signatures: &signature };
    let tolerance = std::time::Duration::from_secs(300);
    let signed = verify_delivery(&[secret], &headers, &body, now, tolerance).unwrap();
    Delivery::new(signed, body)
}

/// A verified delivery of an event, under a fresh id, `at` milliseconds into the day.
pub(crate) fn event(kind: &str, at: i64, data: &Value) -> Delivery {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let id = format!("msg_{:08}", COUNT.fetch_add(1, Ordering::Relaxed));
    event_under(&id, kind, at, data)
}

/// As [`event`], under a given id.
pub(crate) fn event_under(id: &str, kind: &str, at: i64, data: &Value) -> Delivery {
    let envelope = json!({
        "object": "event", "type": kind, "timestamp": DAY + at, "instance_id": "ins_test", "data": data,
    });
    delivery_of(id, envelope.to_string())
}

pub(crate) fn user(id: &str, updated_at: i64, first_name: &str) -> Value {
    json!({
        "id": id, "object": "user", "first_name": first_name, "last_name": null, "username": null,
        "created_at": DAY, "updated_at": DAY + updated_at, "primary_email_address_id": "idn_2",
        "email_addresses": [
            { "id": "idn_1", "email_address": "old@example.com", "verification": { "status": "verified" } },
            { "id": "idn_2", "email_address": "o'brien@example.com", "verification": { "status": "verified" } },
        ],
        "phone_numbers": [], "public_metadata": { "plan": "pro" }, "private_metadata": { "note": "secret" },
        "unsafe_metadata": {}, "banned": false, "locked": false, "last_sign_in_at": DAY, "image_url": "https://img.example.com/1",
    })
}

pub(crate) fn organization(id: &str, updated_at: i64, name: &str) -> Value {
    json!({
        "id": id, "object": "organization", "name": name, "slug": "acme", "created_by": "user_ada", "members_count": 1,
        "max_allowed_memberships": 5, "public_metadata": {}, "created_at": DAY, "updated_at": DAY + updated_at,
    })
}

pub(crate) fn membership(id: &str, organization_id: &str, user_id: &str, at: i64, role: &str) -> Value {
    json!({
        "id": id, "object": "organization_membership", "role": role, "role_name": role, "permissions": ["org:sys_profile:manage"],
        "public_metadata": {}, "created_at": DAY, "updated_at": DAY + at,
        "organization": organization(organization_id, 0, "Acme"),
        "public_user_data": { "user_id": user_id, "identifier": "o'brien@example.com" },
    })
}

pub(crate) fn deleted(id: &str, object: &str) -> Value {
    json!({ "id": id, "object": object, "deleted": true })
}
