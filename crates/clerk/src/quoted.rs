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
