//! How a message shows text that somebody else wrote.

/// Characters of foreign text shown before it is cut: enough for an id or an origin, too little to carry a token.
const SHOWN: usize = 96;

/// `text` in double quotes, control characters escaped so that it cannot forge a line of a log, cut after 96 characters
/// with its full length behind.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => format!("{text:?}"),
        Some((cut, _)) => format!("{:?}… ({} bytes)", &text[..cut], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, quoted};

    #[test]
    fn text_is_shown_escaped_and_cut() {
        assert_eq!(quoted("user_1"), r#""user_1""#);
        assert_eq!(quoted("a\r\nforged: line\u{1b}[31m"), r#""a\r\nforged: line\u{1b}[31m""#);
        assert_eq!(quoted(&"ü".repeat(SHOWN)), format!("\"{}\"", "ü".repeat(SHOWN)));
        assert_eq!(quoted(&"ü".repeat(SHOWN + 1)), format!("\"{}\"… (194 bytes)", "ü".repeat(SHOWN)));
    }
}
