//! JSON text that Postgres takes as `jsonb`.
//!
//! JSON allows two things in a string that `jsonb` refuses: the escape `\u0000`, because a Postgres text cannot hold a
//! zero byte, and half a surrogate pair, because it is no character (PostgreSQL documentation, §8.14). A name typed
//! into a profile can contain both, and one such delivery must not block the mirror. Both become `\ufffd`, the
//! replacement character; the text keeps its length, and everything else stays byte for byte.
//!
//! Not handled: text that is not JSON at all (Postgres will say so), numbers beyond `numeric`, nesting beyond the
//! server's stack.

use std::borrow::Cow;

/// Length of `\uXXXX`.
const ESCAPE: usize = 6;
const REPLACEMENT: &str = "\\ufffd";

/// Makes JSON text acceptable to Postgres `jsonb`: `\u0000` and lone surrogates become `\ufffd`; everything else stays
/// byte for byte (numbers keep their digits). Borrows when there is nothing to do, which is nearly always.
pub fn jsonb_text(json: &str) -> Cow<'_, str> {
    let mut cleaned: Option<String> = None;
    // Up to where `json` is copied into `cleaned`.
    let mut copied = 0;
    let mut at = 0;
    while let Some(offset) = json[at..].find('\\') {
        at += offset;
        let (length, acceptable) = escape_at(&json[at..]);
        if !acceptable {
            let cleaned = cleaned.get_or_insert_with(|| String::with_capacity(json.len()));
            cleaned.push_str(&json[copied..at]);
            cleaned.push_str(REPLACEMENT);
            copied = at + length;
        }
        at += length;
    }
    match cleaned {
        None => Cow::Borrowed(json),
        Some(mut cleaned) => {
            cleaned.push_str(&json[copied..]);
            Cow::Owned(cleaned)
        }
    }
}

/// Length of the escape that `text` begins with, and whether `jsonb` takes it. A whole surrogate pair counts as one.
fn escape_at(text: &str) -> (usize, bool) {
    match code_unit(text) {
        Some(0) => (ESCAPE, false),
        Some(0xd800..=0xdbff) => match code_unit(&text[ESCAPE..]) {
            Some(0xdc00..=0xdfff) => (2 * ESCAPE, true),
            _ => (ESCAPE, false),
        },
        Some(0xdc00..=0xdfff) => (ESCAPE, false),
        Some(_) => (ESCAPE, true),
        // `\n`, `\\`, …: the backslash and the character behind it, which may be the end of broken text.
        None => (1 + text[1..].chars().next().map_or(0, char::len_utf8), true),
    }
}

/// The code unit that `text` spells with `\uXXXX`, if it begins so.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    // `from_str_radix` alone would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::jsonb_text;

    #[test]
    fn what_postgres_takes_is_borrowed() {
        for json in [
            "",
            r#"{"a":1.0e3,"b":"\n\"\\\/"}"#,
            r#""caf\u00e9 \uD83D\uDE00 \ud83d\ude00""#,
            r#""an escaped backslash: \\u0000 \\ud800""#,
            r#""\\\\u0000""#,
        ] {
            assert!(matches!(jsonb_text(json), Cow::Borrowed(same) if same == json), "{json}");
        }
    }

    #[test]
    fn what_postgres_refuses_is_replaced() {
        let cases = [
            (r#""\u0000""#, r#""\ufffd""#),
            (r#""a\u0000\u0000b""#, r#""a\ufffd\ufffdb""#),
            (r#""\\\u0000""#, r#""\\\ufffd""#),
            (r#"{"\u0000":"ä\u0000"}"#, r#"{"\ufffd":"ä\ufffd"}"#),
            (r#""\ud800""#, r#""\ufffd""#),
            (r#""\uDFFF""#, r#""\ufffd""#),
            (r#""\udc00\ud800""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ud83d\n\ude00""#, r#""\ufffd\n\ufffd""#),
            (r#""\ud83d\u0000""#, r#""\ufffd\ufffd""#),
        ];
        for (json, expected) in cases {
            assert_eq!(jsonb_text(json), expected, "{json}");
        }
    }

    #[test]
    fn escapes_that_are_cut_off_are_left_to_postgres() {
        for text in [r"\", r"\u", r"\u00", r"\u000", r"\u00ä0", r"\ud83", r"\ä", r"\u+000"] {
            assert_eq!(jsonb_text(text), text);
        }
        assert_eq!(jsonb_text(r"\ud83d\u12"), r"\ufffd\u12");
        assert_eq!(jsonb_text(r"\ud83d\"), r"\ufffd\");
    }

    proptest! {
        /// Strings out of the pieces that matter, in every order.
        #[test]
        fn the_result_is_json_without_zero_bytes(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just(r"\u0000"), Just(r"\ud83d"), Just(r"\ude00"), Just(r"\\"), Just(r"\n"), Just("u0000"), Just("ä"), Just("x"),
                ],
                0..12,
            )
        ) {
            let json = format!("\"{}\"", pieces.concat());
            let cleaned = jsonb_text(&json);
            prop_assert_eq!(cleaned.len(), json.len());
            // serde_json refuses lone surrogates as Postgres does, and would read `\u0000` as a zero byte.
            let text: String = serde_json::from_str(&cleaned).unwrap();
            prop_assert!(!text.contains('\0'));
            prop_assert_eq!(jsonb_text(&cleaned), cleaned.as_ref(), "cleaning twice changes nothing more");
        }
    }
}
