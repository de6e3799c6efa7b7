//! `POST /webhooks/clerk`: Clerk's webhooks, signed by Svix.
//!
//! The answer is 2xx only after the delivery is committed. A delivery that is stored but cannot be applied is answered
//! 200 all the same: it is ours now, and sending it again would change nothing.

use axum::Json;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use clerk::{DeliveryHeaders, SignatureError, verify_delivery};
use mirror::Delivery;
use serde::Serialize;

use crate::strangers::Peer;
use crate::{Failure, Services};

/// What became of a delivery.
#[derive(Debug, Serialize)]
pub(super) struct Receipt {
    delivery: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) async fn receive(State(services): State<Services>, request: Request) -> Result<Json<Receipt>, Failure> {
    let strangers = &services.webhooks.strangers;
    let stranger = strangers.who(request.extensions().get::<Peer>(), request.headers());
    if let Some(retry_after) = stranger.and_then(|stranger| strangers.shut_out_for(stranger)) {
        return Err(Failure::TooManyRefusals { retry_after });
    }
    let delivery = verified(&services, request).await;
    if let (Err(Failure::Signature(error)), Some(stranger)) = (&delivery, stranger)
        && is_a_strangers(error)
    {
        strangers.refused(stranger);
    }
    let delivery = delivery?;
    let outcome = services.mirror.deliver(&delivery).await.map_err(Failure::NotStored)?;
    Ok(Json(Receipt {
        delivery: delivery.id().to_string(),
        outcome: outcome.as_str(),
        reason: outcome.reason().map(str::to_owned),
    }))
}

async fn verified(services: &Services, mut request: Request) -> Result<Delivery, Failure> {
    let webhooks = &services.webhooks;
    let headers = std::mem::take(request.headers_mut());
    // Before the body is read: a stranger without the headers gets nothing out of us, and costs us nothing.
    let signed = DeliveryHeaders::from_lookup(|name| headers.get(name).and_then(|value| value.to_str().ok()))?;
    let body = read(request, &headers, webhooks.max_body_bytes).await?;
    let signed = verify_delivery(&webhooks.secrets, &signed, &body, services.clock.now(), webhooks.tolerance)?;
    Ok(Delivery::new(signed, body))
}

/// Whether the sender did not show who it is. A delivery that is genuine and late, or was written anew on its way, was
/// sent by a friend.
fn is_a_strangers(error: &SignatureError) -> bool {
    !matches!(
        error,
        SignatureError::NoSecret
            | SignatureError::TooOld { .. }
            | SignatureError::TooNew { .. }
            | SignatureError::BodyReencoded { .. }
    )
}

/// The whole body. The router's `DefaultBodyLimit` is `limit`; it stops a body that is longer than it was said to be.
async fn read(request: Request, headers: &HeaderMap, limit: usize) -> Result<Bytes, Failure> {
    if announced(headers).is_some_and(|length| length > limit as u64) {
        return Err(Failure::TooLarge { limit });
    }
    match Bytes::from_request(request, &()).await {
        Ok(body) => Ok(body),
        Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
            Err(Failure::TooLarge { limit })
        }
        Err(_) => Err(Failure::BrokenBody),
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
