//! Deliveries that are good, and one thing wrong with each of the others.

use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::{DeliveryHeaders, SignatureError, SignedDelivery, SigningSecret, verify_delivery};
use crate::told::told;
use crate::{DeliveryId, Timestamp};

const TOLERANCE: Duration = Duration::from_secs(300);
const SENT: i64 = 1_700_000_000;
const BODY: &[u8] = br#"{"data":{"id":"user_1"},"type":"user.created"}"#;

/// A delivery on its way, so that a test can spoil one thing.
#[derive(Clone)]
struct Delivery {
    id: String,
    timestamp: String,
    signatures: String,
    body: Vec<u8>,
}

impl Delivery {
    fn signed_by(secret: &SigningSecret) -> Self {
        let id = DeliveryId::parse("msg_1").unwrap();
        let signatures = secret.sign(&id, SENT, BODY);
        Self { id: id.to_string(), timestamp: SENT.to_string(), signatures, body: BODY.to_vec() }
    }

    fn arrives_at(&self, now: Timestamp, secrets: &[SigningSecret]) -> Result<SignedDelivery, SignatureError> {
        let headers = DeliveryHeaders { id: &self.id, timestamp: &self.timestamp, signatures: &self.signatures };
        verify_delivery(secrets, &headers, &self.body, now, TOLERANCE)
    }

    fn arrives(&self, secrets: &[SigningSecret]) -> Result<SignedDelivery, SignatureError> {
        self.arrives_at(Timestamp::from_seconds(SENT + 2), secrets)
    }
}

fn secret(seed: u8) -> SigningSecret {
    SigningSecret::generate([seed; 24])
}

/// Message, causes, code and hint of a refusal.
fn refusal(result: Result<SignedDelivery, SignatureError>) -> String {
    let error = result.unwrap_err();
    format!("{} [{}]\nhint: {}", told(&error), error.code(), error.hint())
}

#[test]
fn a_good_delivery_is_taken() {
    let delivery = Delivery::signed_by(&secret(1)).arrives(&[secret(1)]).unwrap();
    assert_eq!(delivery.id.as_str(), "msg_1");
    assert_eq!(delivery.sent_at, Timestamp::from_seconds(SENT));
    assert_eq!(delivery.secret_index, 0);
}

#[test]
fn any_of_several_secrets_may_have_signed() {
    let secrets = [secret(1), secret(2), secret(3)];
    for (index, signer) in secrets.iter().enumerate() {
        assert_eq!(Delivery::signed_by(signer).arrives(&secrets).unwrap().secret_index, index);
    }
    let twice = [secret(1), secret(2), secret(2)];
    assert_eq!(Delivery::signed_by(&secret(2)).arrives(&twice).unwrap().secret_index, 1, "the first that matches");
}

#[test]
fn any_of_several_signatures_may_be_ours() {
    let mut delivery = Delivery::signed_by(&secret(1));
    let (ours, theirs) = (delivery.signatures.clone(), Delivery::signed_by(&secret(9)).signatures);
    delivery.signatures = format!(
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== {theirs} v1,!!! {ours}"
    );
    assert!(delivery.arrives(&[secret(1)]).is_ok());
}

#[test]
fn only_the_first_sixteen_signatures_are_looked_at() {
    let mut delivery = Delivery::signed_by(&secret(1));
    let ours = delivery.signatures.clone();
    delivery.signatures = format!("{}{ours}", "v1,eA== ".repeat(15));
    assert!(delivery.arrives(&[secret(1)]).is_ok(), "the sixteenth");
    delivery.signatures = format!("{}{ours}", "v1,eA== ".repeat(16));
    assert!(delivery.arrives(&[secret(1)]).is_err(), "the seventeenth");
}

#[test]
fn the_window_is_five_minutes_in_both_directions() {
    let delivery = Delivery::signed_by(&secret(1));
    let at = |milliseconds: i64| {
        let now = Timestamp::from_millis(SENT * 1000 + milliseconds);
        delivery.arrives_at(now, &[secret(1)]).map_err(|error| error.code())
    };
    assert!(at(300_000).is_ok());
    assert!(at(300_999).is_ok(), "the header has no fraction, so neither has the comparison");
    assert_eq!(at(301_000).unwrap_err(), "too-old");
    assert!(at(-300_000).is_ok());
    assert_eq!(at(-300_001).unwrap_err(), "too-new");
}

#[test]
fn refusals_of_time_are_only_said_of_genuine_deliveries() {
    let delivery = Delivery::signed_by(&secret(1));
    let late = Timestamp::from_seconds(SENT + 3_600);
    assert_snapshot!(refusal(delivery.arrives_at(late, &[secret(1)])), @r"
    webhook is too old: sent 3600 s ago, at most 300 s are accepted (delivery msg_1) [too-old]
    hint: set this machine's clock (NTP); if the clock is right, an old delivery was replayed byte for byte: let Clerk send it again
    ");
    let early = Timestamp::from_seconds(SENT - 400);
    assert_snapshot!(refusal(delivery.arrives_at(early, &[secret(1)])), @r"
    webhook is from the future: sent 400 s ahead of this clock, at most 300 s are accepted (delivery msg_1) [too-new]
    hint: set this machine's clock (NTP): it is behind
    ");
    assert_eq!(delivery.arrives_at(late, &[secret(2)]).unwrap_err().code(), "signature-mismatch");
}

#[test]
fn another_secret_is_told_with_what_was_tried() {
    let delivery = Delivery::signed_by(&secret(1));
    assert_snapshot!(refusal(delivery.arrives(&[secret(2)])), @r"
    webhook signature does not match (1 secret configured, delivery msg_1, age 2 s) [signature-mismatch]
    hint: copy the signing secret of exactly this endpoint from the Clerk dashboard, Webhooks; every endpoint has its own
    ");
    let early = Timestamp::from_seconds(SENT - 1);
    assert_snapshot!(delivery.arrives_at(early, &[secret(2), secret(3)]).unwrap_err(), @"webhook signature does not match (2 secrets configured, delivery msg_1, 1 s in the future)");
    assert_snapshot!(refusal(delivery.arrives(&[])), @r"
    webhook cannot be verified: no signing secret is configured [no-secret]
    hint: copy the signing secret (`whsec_…`) of this endpoint from the Clerk dashboard, Webhooks, into the configuration
    ");
}

#[test]
fn a_body_that_was_parsed_and_written_again_is_told_apart() {
    let mut delivery = Delivery::signed_by(&secret(1));
    delivery.body = b"{\n  \"data\": {\t\"id\": \"user_1\"\r\n},  \"type\": \"user.created\"\n}\n".to_vec();
    assert_snapshot!(refusal(delivery.arrives(&[secret(1)])), @r"
    webhook signature does not match: the body was re-encoded on the way (delivery msg_1) [body-re-encoded]
    hint: pass the raw bytes of the request: a proxy or body parser in front reads the JSON and writes it anew
    ");
    assert_eq!(delivery.arrives(&[secret(2)]).unwrap_err().code(), "signature-mismatch");
    delivery.body = br#"{"data":{"id":"user _1"},"type":"user.created"}"#.to_vec();
    assert_eq!(delivery.arrives(&[secret(1)]).unwrap_err().code(), "signature-mismatch", "space in a string counts");
}

#[test]
fn space_in_strings_survives_escaped_quotes() {
    let compact = br#"{"a":"\" b","c":"\\","d":1}"#;
    let mut delivery = Delivery::signed_by(&secret(1));
    delivery.signatures = secret(1).sign(&DeliveryId::parse("msg_1").unwrap(), SENT, compact);
    delivery.body = br#"{ "a": "\" b", "c": "\\", "d": 1 }"#.to_vec();
    assert_eq!(delivery.arrives(&[secret(1)]).unwrap_err().code(), "body-re-encoded");
}

#[test]
fn only_version_one_is_checked() {
    let mut delivery = Delivery::signed_by(&secret(1));
    delivery.signatures = delivery.signatures.replace("v1,", "v1a,") + " v2,x";
    assert_snapshot!(refusal(delivery.arrives(&[secret(1)])), @r#"
    webhook has no `v1` signature: found "v1a v2", expected `v1,<base64>` [no-supported-signature]
    hint: the endpoint is set to asymmetric signatures, or the sender is not Svix; set it to symmetric ones
    "#);
    for empty in ["", " ", ",", "V1,x", "v1"] {
        delivery.signatures = empty.into();
        assert_eq!(delivery.arrives(&[secret(1)]).unwrap_err().code(), "no-supported-signature", "{empty:?}");
    }
}

#[test]
fn id_and_time_must_be_readable() {
    let mut delivery = Delivery::signed_by(&secret(1));
    for timestamp in ["", "+1700000000", "-1", "1700000000.5", "17e8", " 1700000000", "99999999999999999999", "１７"]
    {
        delivery.timestamp = timestamp.into();
        assert_eq!(delivery.arrives(&[secret(1)]).unwrap_err().code(), "unreadable-timestamp", "{timestamp:?}");
    }
    assert_snapshot!(refusal(delivery.arrives(&[secret(1)])), @r#"
    webhook timestamp is unreadable: found "１７", expected Unix seconds in decimal digits [unreadable-timestamp]
    hint: the sender is not Svix, or a proxy in front changed the header
    "#);
    delivery.id = "msg.1".into();
    assert_snapshot!(refusal(delivery.arrives(&[secret(1)])), @r#"
    webhook delivery id is unreadable
    cause: not a delivery id: found "msg.1", expected 1 to 256 visible ASCII characters without `.` [unreadable-id]
    hint: the sender is not Svix, or a proxy in front changed the header
    "#);
}

#[test]
fn the_last_second_of_time_does_not_overflow() {
    let mut delivery = Delivery::signed_by(&secret(1));
    delivery.timestamp = i64::MAX.to_string();
    delivery.signatures = secret(1).sign(&DeliveryId::parse("msg_1").unwrap(), i64::MAX, BODY);
    for now in [i64::MIN, 0, i64::MAX] {
        let now = Timestamp::from_millis(now);
        assert_eq!(delivery.arrives_at(now, &[secret(2)]).unwrap_err().code(), "signature-mismatch");
        let _ = delivery.arrives_at(now, &[secret(1)]);
    }
    assert_eq!(delivery.arrives(&[secret(1)]).unwrap_err().code(), "too-new");
}

/// A time written with a leading zero is the same second but another text, and only the text is signed.
#[test]
fn the_signed_time_is_the_text_of_the_header() {
    let mut delivery = Delivery::signed_by(&secret(1));
    delivery.timestamp.insert(0, '0');
    assert_eq!(delivery.arrives(&[secret(1)]).unwrap_err().code(), "signature-mismatch");
}

proptest! {
    #[test]
    fn what_is_signed_is_verified(
        key: [u8; 24], id in "[!-~&&[^.]]{1,64}", seconds in 0..=253_402_300_799i64, body: Vec<u8>, ahead in -300i64..=300,
    ) {
        let secret = SigningSecret::generate(key);
        let id = DeliveryId::parse(&id).unwrap();
        let signatures = secret.sign(&id, seconds, &body);
        let delivery = Delivery { id: id.to_string(), timestamp: seconds.to_string(), signatures, body };
        let taken = delivery.arrives_at(Timestamp::from_seconds(seconds + ahead), &[secret]);
        prop_assert_eq!(taken.unwrap().id, id);
    }

    /// One byte of id, time, signature or body is another one: the delivery is not taken.
    #[test]
    fn one_changed_byte_is_enough(part in 0..4usize, place: prop::sample::Index, change in 1..=255u8) {
        let mut delivery = Delivery::signed_by(&secret(1));
        let spoil = |bytes: &mut Vec<u8>| {
            let place = place.index(bytes.len());
            bytes[place] ^= change;
        };
        let spoil_text = |text: &mut String| {
            let mut bytes = text.clone().into_bytes();
            spoil(&mut bytes);
            *text = String::from_utf8_lossy(&bytes).into_owned();
        };
        match part {
            0 => spoil_text(&mut delivery.id),
            1 => spoil_text(&mut delivery.timestamp),
            2 => spoil_text(&mut delivery.signatures),
            _ => spoil(&mut delivery.body),
        }
        prop_assert!(delivery.arrives(&[secret(1)]).is_err());
    }

    #[test]
    fn no_header_panics(id: String, timestamp: String, signatures: String, body: Vec<u8>, now: i64) {
        let delivery = Delivery { id, timestamp, signatures, body };
        prop_assert!(delivery.arrives_at(Timestamp::from_millis(now), &[secret(1)]).is_err());
    }
}
