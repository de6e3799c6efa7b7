//! How an error message shows text that somebody else wrote.

/// Characters of foreign text shown before it is cut: enough to recognise an id, too little to flood a log.
const SHOWN: usize = 48;

/// `text` in double quotes, control characters escaped, cut after [`SHOWN`] characters with its full length behind.
pub(crate) fn quoted(text: &str) -> String {
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
        assert_eq!(quoted(&"ü".repeat(SHOWN + 1)), format!("\"{}\"… (98 bytes)", "ü".repeat(SHOWN)));
    }
}
