//! One RSA public key that may sign tokens.
//!
//! A key set comes from the issuer, yet a mistake in it must not become ours. Under an exponent of 1 every text is its
//! own signature; a modulus too short can be factored, and one too long is refused by the library at every single
//! token. Such keys are not read at all: they are then missing from the set, and not failing in its name.

use std::ops::RangeInclusive;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// NIST SP 800-131A: RSA below 2048 bits signs nothing any more. aws-lc verifies up to 8192.
const MODULUS_BITS: RangeInclusive<usize> = 2048..=8192;
/// FIPS 186-5 §A.1.1: odd and above 2^16. The upper end allows in size whatever anybody uses; aws-lc takes 33 bits.
const EXPONENTS: RangeInclusive<u32> = 65_537..=u32::MAX;

/// Parsed once: libraries that keep the numbers build the key anew for every token, a tenth of the work.
pub(crate) struct RsaKey(ParsedPublicKey);

impl RsaKey {
    /// Takes `n` and `e` of a JSON Web Key (RFC 7518 §6.3.1), when they are a key to trust.
    pub(crate) fn from_components(n: &str, e: &str) -> Option<Self> {
        let (modulus, exponent) = (number(n)?, number(e)?);
        let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
        let small = exponent.iter().try_fold(0_u32, |value, byte| Some(value.checked_mul(256)? | u32::from(*byte)))?;
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        if !MODULUS_BITS.contains(&bits) || !EXPONENTS.contains(&small) || !is_odd(&modulus) || !is_odd(&exponent) {
            return None;
        }
        let key = RsaPublicKeyComponents { n: modulus, e: exponent };
        key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok().map(Self)
    }

    /// Whether `signature`, in base64url, is this key's RS256 signature of `message`.
    pub(crate) fn signed(&self, message: &str, signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.0.verify_sig(message.as_bytes(), &signature).is_ok()
    }
}

/// A big-endian number without leading zeros. RFC 7518 §6.3.1.1 warns of implementations that send one, and aws-lc-rs
/// accepts none.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number of so many bits, all of them one: odd, and as good as any modulus to somebody who does not factor it.
    fn modulus(bits: usize) -> String {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= (8 - bits % 8) % 8;
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn reads(n: &str, e: &[u8]) -> bool {
        RsaKey::from_components(n, &URL_SAFE_NO_PAD.encode(e)).is_some()
    }

    #[test]
    fn a_modulus_has_2048_to_8192_bits() {
        let tried = [1, 1024, 2040, 2047, 2048, 2049, 3072, 4096, 8191, 8192, 8193, 16_384];
        let accepted: Vec<usize> = tried.into_iter().filter(|bits| reads(&modulus(*bits), &[1, 0, 1])).collect();
        assert_eq!(accepted, [2048, 2049, 3072, 4096, 8191, 8192]);
        assert!(!reads("", &[1, 0, 1]));
        let mut even = vec![0xff; 256];
        even[255] = 0xfe;
        assert!(!reads(&URL_SAFE_NO_PAD.encode(even), &[1, 0, 1]), "an even number has a factor for everybody to see");
    }

    #[test]
    fn an_exponent_is_odd_and_neither_tiny_nor_huge() {
        for good in [&[1, 0, 1][..], &[0, 1, 0, 1], &[1, 0, 3], &[0xff, 0xff, 0xff, 0xff]] {
            assert!(reads(&modulus(2048), good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[0],
            &[1],
            &[0, 0, 0, 1],
            &[2],
            &[3],
            &[17],
            &[0xff, 0xff],
            &[1, 0, 0],
            &[1, 0, 2],
            &[1, 0, 0, 0, 1],
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        ] {
            assert!(!reads(&modulus(2048), bad), "{bad:?}");
        }
    }

    #[test]
    fn numbers_are_base64url() {
        assert!(RsaKey::from_components(&modulus(2048), "AQAB").is_some());
        for e in ["AQAB=", "AQ+B", "AQ B", "", "65537"] {
            assert!(RsaKey::from_components(&modulus(2048), e).is_none(), "{e}");
        }
    }
}
