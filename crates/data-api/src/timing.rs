//! `Server-Timing`: how long each part of a request took.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use http::{HeaderValue, Response};

/// Times one part after the other.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    since: Instant,
    parts: Vec<(&'static str, Duration)>,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { since: Instant::now(), parts: Vec::new() }
    }

    /// What was done since the last part was `part`.
    pub(crate) fn lap(&mut self, part: &'static str) {
        let now = Instant::now();
        self.parts.push((part, now - self.since));
        self.since = now;
    }

    /// `jwt;dur=0.1, parse;dur=0.2`, in milliseconds.
    pub(crate) fn show<T>(&self, response: &mut Response<T>) {
        let mut text = String::new();
        for (part, took) in &self.parts {
            let separator = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{separator}{part};dur={:.1}", took.as_secs_f64() * 1000.0);
        }
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert("server-timing", value);
        }
    }
}
