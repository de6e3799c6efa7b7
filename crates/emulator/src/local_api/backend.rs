//! The whole table of operations from Rust, by method and path: what HTTP can ask for, without a socket.
//!
//! One way in for everything, so that a test of another crate can drive any object, list any list and let happen what
//! only the control API can (`/__rowlock/…`). The most common operations have methods of their own beside it.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::LocalCall;
use crate::{
    Refusal,
    api::{Operation, operations::OPERATIONS},
    instance::Instance,
};

/// Every operation, by method and path.
#[derive(Debug, Clone, Copy)]
pub struct BackendApi<'a>(pub(super) &'a Arc<Instance>);

/// The operation that a path means, and the parameters in it. Where two would do, the one with fewer parameters is meant:
/// `/v1/users/count` is no user.
fn find<'a>(method: &Method, path: &'a str) -> Option<(&'static Operation, Vec<(&'static str, &'a str)>)> {
    let matching = OPERATIONS.iter().filter(|operation| operation.method == *method);
    let found = matching.filter_map(|operation| Some((operation, parameters(operation.path, path)?)));
    found.min_by_key(|(_, parameters)| parameters.len())
}

/// What stands in `path` where `pattern` has `{names}`; nothing when the two differ elsewhere.
fn parameters<'a>(pattern: &'static str, path: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let mut found = Vec::new();
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some(wanted), Some(given)) => match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !given.is_empty() => found.push((name, given)),
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

#[expect(clippy::missing_errors_doc, reason = "each operation refuses what Clerk refuses, as its own page says")]
impl BackendApi<'_> {
    /// Any operation. An empty body is [`Value::Null`].
    pub fn call(&self, method: &Method, path: &str, query: &[(&str, &str)], body: &Value) -> Result<Value, Refusal> {
        let found = find(method, path);
        let (operation, parameters) = found.ok_or_else(|| Refusal::not_emulated(format_args!("{method} {path}")))?;
        let mut call = LocalCall::to(self.0).query(query);
        for (name, value) in parameters {
            call = call.path(name, value);
        }
        call.body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        call.run(operation.run)
    }

    /// `GET`, with the parameters of the query.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        self.call(&Method::GET, path, query, &Value::Null)
    }

    /// `POST`.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(&Method::POST, path, &[], body)
    }

    /// `PATCH`.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(&Method::PATCH, path, &[], body)
    }

    /// `PUT`.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Refusal> {
        self.call(&Method::PUT, path, &[], body)
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Result<Value, Refusal> {
        self.call(&Method::DELETE, path, &[], &Value::Null)
    }

    /// A list of any kind from its first page to its last: a bare array, or the `data` of one that knows its length.
    pub fn list_all(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Refusal> {
        let mut all = Vec::new();
        loop {
            let offset = all.len().to_string();
            let page = [("limit", "500"), ("offset", offset.as_str())];
            let answer = self.get(path, &[query, &page].concat())?;
            let rows = match answer {
                Value::Array(rows) => rows,
                mut object => match object["data"].take() {
                    Value::Array(rows) => rows,
                    other => return Err(Refusal::wrong_value("path", path, &format!("a list, found {other}"))),
                },
            };
            let last = rows.len() < 500;
            all.extend(rows);
            if last {
                return Ok(all);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_own_path() {
        for operation in OPERATIONS {
            let path = operation.path.replace(['{', '}'], "");
            let (found, parameters) = find(&operation.method, &path).unwrap();
            assert_eq!(found.path, operation.path);
            assert!(parameters.iter().all(|(name, value)| name == value), "{path}");
        }
        assert!(find(&Method::GET, "/v1/users/").is_none());
        assert!(find(&Method::DELETE, "/v1/users").is_none());
    }
}
