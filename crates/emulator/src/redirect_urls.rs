//! Redirect URLs that native applications may come back to: a list that is kept and shown.

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{change::Change, refusal::Refusal, table::Row};

/// One URL, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedirectUrl {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl RedirectUrl {
    pub(crate) fn object(&self) -> Value {
        json!({
            "object": "redirect_url",
            "id": self.id,
            "url": self.url,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

impl Row for RedirectUrl {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Change<'_> {
    pub(crate) fn create_redirect_url(&mut self, url: &str) -> Result<RedirectUrl, Refusal> {
        let refused = |code, short: &'static str| {
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, short, format!("{url:?} cannot be returned to.")))
        };
        match url::Url::parse(url) {
            Err(_) => return refused("invalid_redirect_url", "Redirect url invalid"),
            Ok(url) if matches!(url.scheme(), "javascript" | "data" | "file") => {
                return refused("prohibited_redirect_url", "Invalid URL scheme");
            }
            Ok(_) => {}
        }
        if self.state.redirect_urls.find(|known| known.url == url).is_some() {
            let long = format!("the redirect url {url} already exists");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "duplicate_record", "duplicate redirect url", long));
        }
        let redirect_url = RedirectUrl {
            id: self.state.ids.prefixed("ru_", self.now),
            url: url.to_owned(),
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.redirect_urls.put(redirect_url.clone());
        Ok(redirect_url)
    }
}
