//! What a request is about, in one word: for counts and log lines.
//!
//! It is read off method, path and one header, before anything is understood, so that what is refused has a word, too; and it is one
//! of a fixed list, so that nothing a stranger sends becomes a label.

use http::{HeaderMap, Method};

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// Rows of a relation.
    Read,
    /// New rows.
    Insert,
    /// Rows that are new or take the place of others.
    Upsert,
    /// Other values for rows.
    Update,
    /// Rows that go.
    Delete,
    /// A function.
    Call,
    /// The description of the schema.
    Describe,
    /// What may be done, or whether a page may ask.
    Options,
    /// Nothing that there is.
    Other,
}

impl RequestKind {
    /// The kind of a request whose `path` is below the API's own.
    pub fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        if *method == Method::OPTIONS {
            return Self::Options;
        }
        if path == "/" || path.is_empty() {
            return if matches!(*method, Method::GET | Method::HEAD) { Self::Describe } else { Self::Other };
        }
        if path.starts_with("/rpc/") {
            return Self::Call;
        }
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            Method::POST if resolves(headers) => Self::Upsert,
            Method::POST => Self::Insert,
            Method::PUT => Self::Upsert,
            Method::PATCH => Self::Update,
            Method::DELETE => Self::Delete,
            _ => Self::Other,
        }
    }

    /// Its word in counts and log lines. The words are stable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Insert => "insert",
            Self::Upsert => "upsert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Call => "rpc",
            Self::Describe => "openapi",
            Self::Options => "options",
            Self::Other => "other",
        }
    }
}

/// `Prefer: resolution=merge-duplicates`, or the other one.
fn resolves(headers: &HeaderMap) -> bool {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|preference| preference.trim_start().starts_with("resolution="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_has_one_of_nine_words() {
        let mut upsert = HeaderMap::new();
        upsert.insert("prefer", "return=minimal, resolution=merge-duplicates".parse().unwrap());
        let plain = HeaderMap::new();
        let cases = [
            ("GET", "/tasks", &plain),
            ("HEAD", "/tasks", &plain),
            ("POST", "/tasks", &plain),
            ("POST", "/tasks", &upsert),
            ("PUT", "/tasks", &plain),
            ("PATCH", "/tasks", &plain),
            ("DELETE", "/tasks", &plain),
            ("GET", "/rpc/add", &plain),
            ("POST", "/rpc/add", &upsert),
            ("GET", "/", &plain),
            ("POST", "/", &plain),
            ("OPTIONS", "/rpc/add", &plain),
            ("TRACE", "/tasks", &plain),
            ("PURGE", "/tasks", &plain),
        ];
        let words = cases.map(|(method, path, headers)| {
            let kind = RequestKind::of(&method.parse().unwrap(), path, headers);
            format!("{method} {path}: {}", kind.name())
        });
        insta::assert_snapshot!(words.join("\n"), @"
        GET /tasks: read
        HEAD /tasks: read
        POST /tasks: insert
        POST /tasks: upsert
        PUT /tasks: upsert
        PATCH /tasks: update
        DELETE /tasks: delete
        GET /rpc/add: rpc
        POST /rpc/add: rpc
        GET /: openapi
        POST /: other
        OPTIONS /rpc/add: options
        TRACE /tasks: other
        PURGE /tasks: other
        ");
    }
}
