//! What holds for every text, and for every change of a good token.

use std::sync::OnceLock;

use proptest::prelude::*;
use tokens::Verifier;
use tokio::runtime::{Builder, Runtime};

use crate::support::{encode, session, verdict, verifier};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn accepts(token: &str) -> bool {
    static SCENE: OnceLock<(Runtime, Verifier)> = OnceLock::new();
    let (runtime, verifier) = SCENE.get_or_init(|| (Builder::new_multi_thread().build().unwrap(), verifier(|_| ())));
    runtime.block_on(verdict(verifier, token)).starts_with("accepted")
}

/// Good tokens of which every part has letters with spare bits, two and four of them.
fn good() -> [String; 2] {
    [("b1f6", 4), ("b1f67", 2)].map(|(id, spare)| {
        let header = format!(r#"{{"alg":"RS256","kid":"ins_2example","x":"{}"}}"#, &"0000"[..spare / 2]);
        let token = session().header_text(header).claim("jti", id).signed();
        assert!(accepts(&token));
        token
    })
}

fn with_byte(token: &str, at: usize, byte: u8) -> String {
    let mut bytes = token.as_bytes().to_vec();
    bytes[at] = byte;
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_bit_of_every_letter_counts() {
    for good in good() {
        for (at, letter) in good.bytes().enumerate() {
            let Some(value) = ALPHABET.iter().position(|known| *known == letter) else { continue };
            for bit in 0..6 {
                let changed = with_byte(&good, at, ALPHABET[value ^ (1 << bit)]);
                assert!(!accepts(&changed), "bit {bit} of letter {at}: {changed}");
            }
        }
    }
}

#[test]
fn the_last_letter_of_each_part_has_one_spelling() {
    let mut with_spare_bits = 0;
    for good in good() {
        let ends = [good.find('.').unwrap(), good.rfind('.').unwrap(), good.len()];
        let lengths = [ends[0], ends[1] - ends[0] - 1, ends[2] - ends[1] - 1];
        with_spare_bits += lengths.iter().filter(|length| *length % 4 != 0).count();
        for end in ends {
            for letter in ALPHABET.iter().filter(|letter| **letter != good.as_bytes()[end - 1]) {
                assert!(!accepts(&with_byte(&good, end - 1, *letter)));
            }
        }
    }
    assert!(with_spare_bits >= 4, "only {with_spare_bits} parts have spare bits");
}

proptest! {
    #[test]
    fn one_character_changed_is_another_token(at: prop::sample::Index, other: char) {
        let good = &good()[0];
        let (at, letter) = good.char_indices().nth(at.index(good.len())).unwrap();
        prop_assume!(other != letter);
        let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        prop_assert!(!accepts(&changed), "{}", changed);
    }

    #[test]
    fn one_character_more_or_less_is_another_token(at: prop::sample::Index, more: char) {
        let good = &good()[1];
        let at = at.index(good.len());
        let [longer, shorter] = [format!("{}{more}{}", &good[..at], &good[at..]), format!("{}{}", &good[..at], &good[at + 1..])];
        prop_assert!(!accepts(&longer), "{}", longer);
        prop_assert!(!accepts(&shorter), "{}", shorter);
    }

    #[test]
    fn no_text_is_a_token(text: String) {
        prop_assert!(!accepts(&text));
    }

    #[test]
    fn no_three_parts_are_a_token(header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
        let text = format!("{}.{}.{}", encode(header), encode(payload), encode(signature));
        prop_assert!(!accepts(&text));
    }

    #[test]
    fn nothing_that_is_signed_makes_it_panic(
        claims in prop_oneof![
            any::<String>(),
            "[{\\[\"a-z0-9:,.\\\\\\]}]{0,60}",
            ("(exp|iat|sub|sid|iss|v|o|role|aud|act)", "(null|-?[0-9]{1,30}|1e[0-9]{1,4}|\"[a-z_{}]{0,9}\"|\\[\\]|\\{\\})")
                .prop_map(|(claim, value)| format!(r#"{{"{claim}":{value}}}"#)),
        ],
        category in "[ -~]{0,20}",
    ) {
        let signed = session().header("cat", category).claims_text(&claims).signed();
        prop_assert!(!accepts(&signed), "a whole session in {}", claims);
    }
}
