//! Draws ids in Clerk's form: a prefix and 27 base62 characters.
//!
//! Clerk's ids are KSUIDs: four bytes of seconds, sixteen bytes of payload, so ids sort by creation. With a seed the
//! payload is a hash of seed and position, and the position takes the place of the clock: the same calls draw the same
//! ids on every run. The position is part of the state, so a restart continues the sequence instead of repeating it.

use aws_lc_rs::digest::{SHA256, digest};
use clerk::{DeliveryId, MembershipId, OrganizationId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// 2014-05-13, where KSUIDs begin to count.
const KSUID_EPOCH: i64 = 1_400_000_000;
/// Where seeded ids begin to count: 2026-01-01 in Unix seconds.
const SEEDED_EPOCH: i64 = 1_767_225_600;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ENCODED_LENGTH: usize = 27;

/// Where ids come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct IdSource {
    seed: Option<u64>,
    drawn: u64,
}

impl IdSource {
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn user(&mut self, now: Timestamp) -> UserId {
        UserId::parse(&self.prefixed("user_", now)).expect("a KSUID makes a user id")
    }

    pub(crate) fn organization(&mut self, now: Timestamp) -> OrganizationId {
        OrganizationId::parse(&self.prefixed("org_", now)).expect("a KSUID makes an organization id")
    }

    pub(crate) fn membership(&mut self, now: Timestamp) -> MembershipId {
        MembershipId::parse(&self.prefixed("orgmem_", now)).expect("a KSUID makes a membership id")
    }

    pub(crate) fn session(&mut self, now: Timestamp) -> SessionId {
        SessionId::parse(&self.prefixed("sess_", now)).expect("a KSUID makes a session id")
    }

    pub(crate) fn delivery(&mut self, now: Timestamp) -> DeliveryId {
        DeliveryId::parse(&self.prefixed("msg_", now)).expect("a KSUID makes a delivery id")
    }

    /// An id of a kind that has no type of its own: `idn_`, `client_`, `jtmp_`, `ep_`.
    pub(crate) fn prefixed(&mut self, prefix: &str, now: Timestamp) -> String {
        let (seconds, payload) = self.draw(now);
        format!("{prefix}{}", ksuid(seconds, payload))
    }

    /// Bytes for a secret: as unpredictable as the source is.
    pub(crate) fn secret<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        for chunk in bytes.chunks_mut(16) {
            let (_, payload) = self.draw(Timestamp::from_millis(0));
            chunk.copy_from_slice(&payload[..chunk.len()]);
        }
        bytes
    }

    fn draw(&mut self, now: Timestamp) -> (i64, [u8; 16]) {
        self.drawn += 1;
        let Some(seed) = self.seed else { return (now.seconds(), random()) };
        let mut preimage = [0; 16];
        preimage[..8].copy_from_slice(&seed.to_le_bytes());
        preimage[8..].copy_from_slice(&self.drawn.to_le_bytes());
        let mut payload = [0; 16];
        payload.copy_from_slice(&digest(&SHA256, &preimage).as_ref()[..16]);
        (SEEDED_EPOCH.saturating_add_unsigned(self.drawn), payload)
    }
}

/// Bytes nobody can predict, for what must never repeat: token ids and trace ids.
pub(crate) fn random<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn ksuid(seconds: i64, payload: [u8; 16]) -> String {
    let since_epoch = u32::try_from(seconds.saturating_sub(KSUID_EPOCH).max(0)).unwrap_or(u32::MAX);
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&since_epoch.to_be_bytes());
    bytes[4..].copy_from_slice(&payload);
    base62(bytes)
}

/// Base62 of a 160-bit number, most significant digit first, padded to 27 digits.
pub(crate) fn base62(mut number: [u8; 20]) -> String {
    let mut digits = [b'0'; ENCODED_LENGTH];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_usize;
        for byte in &mut number {
            let dividend = remainder << 8 | usize::from(*byte);
            *byte = u8::try_from(dividend / 62).expect("the quotient of a byte carried by less than 62 fits a byte");
            remainder = dividend % 62;
        }
        *digit = BASE62[remainder];
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base62_is_big_endian_and_padded() {
        assert_eq!(base62([0; 20]), "0".repeat(27));
        let mut sixty_two = [0; 20];
        sixty_two[19] = 62;
        assert_eq!(base62(sixty_two), format!("{}10", "0".repeat(25)));
        // The greatest KSUID, as the format's own documentation states it.
        assert_eq!(base62([0xff; 20]), "aWgEPTl1tmebfsQzFP4bxwgy80V");
    }

    #[test]
    fn a_seed_repeats_its_sequence_and_a_restart_continues_it() {
        let now = Timestamp::from_millis(0);
        let mut first = IdSource::new(Some(7));
        let mut second = IdSource::new(Some(7));
        let drawn: Vec<_> = (0..3).map(|_| first.user(now)).collect();
        assert_eq!(drawn, (0..3).map(|_| second.user(now)).collect::<Vec<_>>());
        let saved = serde_json::to_string(&second).unwrap();
        let mut restarted: IdSource = serde_json::from_str(&saved).unwrap();
        assert_eq!(restarted.user(now), first.user(now));
        assert_ne!(IdSource::new(Some(8)).user(now), drawn[0]);
    }

    #[test]
    fn ids_sort_by_creation() {
        let mut seeded = IdSource::new(Some(1));
        let ids: Vec<_> = (0..100).map(|_| seeded.user(Timestamp::from_millis(0))).collect();
        assert!(ids.is_sorted());
        let mut random = IdSource::new(None);
        let earlier = random.user(Timestamp::from_seconds(1_700_000_000));
        let later = random.user(Timestamp::from_seconds(1_700_000_001));
        assert!(earlier < later);
        assert_eq!(earlier.as_str().len(), "user_".len() + 27);
    }
}
