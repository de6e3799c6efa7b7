//! `POST /webhooks/clerk`: Clerk's webhooks, signed by Svix.
//!
//! The answer is 2xx only after the delivery is committed. A delivery that is stored but cannot be applied is answered
//! 200 all the same: it is ours now, and sending it again would change nothing.

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use clerk::{DeliveryHeaders, verify_delivery};
use mirror::Delivery;
use serde::Serialize;

use crate::{Failure, Services};

/// What became of a delivery.
#[derive(Debug, Serialize)]
pub(super) struct Receipt {
    delivery: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) async fn receive(
    State(services): State<Services>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Receipt>, Failure> {
    let webhooks = &services.webhooks;
    // Before the body is read: a stranger without the headers gets nothing out of us, and costs us nothing.
    let signed = DeliveryHeaders::from_lookup(|name| headers.get(name).and_then(|value| value.to_str().ok()))?;
    let body = read(&headers, body, webhooks.max_body_bytes).await?;
    let signed = verify_delivery(&webhooks.secrets, &signed, &body, services.clock.now(), webhooks.tolerance)?;
    let delivery = Delivery::new(signed, body.into());
    let outcome = services.mirror.deliver(&delivery).await.map_err(Failure::NotStored)?;
    Ok(Json(Receipt {
        delivery: delivery.id().to_string(),
        outcome: outcome.as_str(),
        reason: outcome.reason().map(str::to_owned),
    }))
}

async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Failure::TooLarge { limit });
    }
    to_bytes(body, limit).await.map_err(|error| {
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            // `LengthLimitError` of http-body-util, which axum does not name.
            if cause.to_string().contains("length limit") {
                return Failure::TooLarge { limit };
            }
            source = cause.source();
        }
        Failure::BrokenBody
    })
}
