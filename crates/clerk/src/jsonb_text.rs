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
