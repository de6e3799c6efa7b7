//! Is this delivery genuine, and is it of now?
//!
//! The signature is checked before the time, so that "too old" is only ever said of a delivery that Clerk did sign: it
//! means a wrong clock or a replay, never noise. All secrets are tried against all signatures without leaving early; the
//! time taken says nothing about which of them matched.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{DeliveryHeaders, SignatureError, SigningSecret};
use crate::quoted::quoted;
use crate::{DeliveryId, Timestamp};

/// Signatures looked at in one header. Svix sends one per active secret, two during a rotation; the rest is an attempt to
/// keep us busy.
const MOST_SIGNATURES: usize = 16;

/// A delivery whose signature is good and whose time is near. Only [`verify_delivery`] makes one.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SignedDelivery {
    /// What the delivery is deduplicated by.
    pub id: DeliveryId,
    /// When this attempt was sent. Retries are signed anew, so it says nothing about the order of events.
    pub sent_at: Timestamp,
    /// Which of the secrets matched, to show when an old one can be removed.
    pub secret_index: usize,
}

/// Verifies a delivery over the exact bytes of its body. `tolerance` is taken in both directions; Svix uses 5 minutes.
pub fn verify_delivery(
    secrets: &[SigningSecret],
    headers: &DeliveryHeaders<'_>,
    body: &[u8],
    now: Timestamp,
    tolerance: Duration,
) -> Result<SignedDelivery, SignatureError> {
    let id = DeliveryId::parse(headers.id).map_err(|source| SignatureError::UnreadableId { source })?;
    let sent_at = parse_timestamp(headers.timestamp)?;
    if secrets.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    let candidates = candidates(headers.signatures)?;

    let Some(secret_index) = matching_secret(secrets, headers, body, &candidates) else {
        let compact = compact_json(body);
        if compact != body && matching_secret(secrets, headers, &compact, &candidates).is_some() {
            return Err(SignatureError::BodyReencoded { id });
        }
        return Err(SignatureError::Mismatch {
            id,
            secrets: secrets.len(),
            age_seconds: now.seconds().saturating_sub(sent_at.seconds()),
        });
    };
    // Whole seconds on both sides, as Svix compares them: the sender's header has no fraction.
    let now = Timestamp::from_seconds(now.seconds());
    let (age, ahead) = (now.since(sent_at), sent_at.since(now));
    if age > tolerance {
        return Err(SignatureError::TooOld { id, age, tolerance });
    }
    if ahead > tolerance {
        return Err(SignatureError::TooNew { id, ahead, tolerance });
    }
    Ok(SignedDelivery { id, sent_at, secret_index })
}

/// Decimal digits and nothing else: the text is part of what is signed, so there must be one way to write a time.
fn parse_timestamp(text: &str) -> Result<Timestamp, SignatureError> {
    let is_decimal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = is_decimal.then(|| text.parse().ok()).flatten();
    seconds.map(Timestamp::from_seconds).ok_or_else(|| SignatureError::UnreadableTimestamp { found: quoted(text) })
}

/// The `v1` signatures of the header, decoded. Other versions (`v1a` is Ed25519) are skipped, as the standard asks.
fn candidates(header: &str) -> Result<Vec<Vec<u8>>, SignatureError> {
    let looked_at = || header.split_ascii_whitespace().take(MOST_SIGNATURES);
    let v1: Vec<&str> = looked_at().filter_map(|signature| signature.strip_prefix("v1,")).collect();
    if v1.is_empty() {
        let versions: Vec<&str> =
            looked_at().map(|signature| signature.split_once(',').map_or(signature, |(version, _)| version)).collect();
        return Err(SignatureError::NoSupportedSignature { found: quoted(&versions.join(" ")) });
    }
    // Damaged base64 is a signature that does not match; it must not spoil a good one beside it.
    Ok(v1.into_iter().filter_map(|encoded| STANDARD.decode(encoded).ok()).collect())
}

/// The first secret under which one of the signatures is good.
fn matching_secret(
    secrets: &[SigningSecret],
    headers: &DeliveryHeaders<'_>,
    body: &[u8],
    candidates: &[Vec<u8>],
) -> Option<usize> {
    let mut matching = None;
    for (index, secret) in secrets.iter().enumerate() {
        let tag = secret.tag(headers.id, headers.timestamp, body);
        for candidate in candidates {
            let matches = verify_slices_are_equal(tag.as_ref(), candidate).is_ok();
            matching = matching.or(matches.then_some(index));
        }
    }
    matching
}

/// `body` without the white space between JSON tokens. Svix signs compact JSON; a proxy or framework that parses the body
/// and writes it again loses the signed bytes, and this is how that mistake is told from a wrong secret.
fn compact_json(body: &[u8]) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    let mut compact = body.to_vec();
    compact.retain(|&byte| {
        let keep = in_string || !matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ => {}
        }
        keep
    });
    compact
}
