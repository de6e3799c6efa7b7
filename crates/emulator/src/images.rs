//! Pictures of users, logos of organizations and OAuth applications: taken in, kept, and served below `/images`.
//!
//! An address is a hash of the picture, so that a changed picture has another one and browsers may keep each forever. What
//! nobody uploaded has Clerk's default picture, whose address says what to draw and leads to Clerk.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{change::Change, ids::hex, refusal::Refusal, table::Row};

/// Clerk: "The file size cannot exceed 10MB".
pub(crate) const SIZE_LIMIT: usize = 10 * 1024 * 1024;
/// The types that Clerk takes, and how a file of each begins.
const TYPES: [(&str, &[u8]); 4] = [
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
];

/// A picture as somebody sends it.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    content_type: &'static str,
    bytes: Bytes,
    /// What the file is called where it comes from.
    pub(crate) name: Option<String>,
}

/// A picture, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    /// The end of its address.
    id: String,
    pub(crate) content_type: String,
    base64: String,
    created_at: Timestamp,
}

impl Upload {
    /// Looks at the beginning of a file: what it is counts, not what it is called.
    pub(crate) fn of(bytes: Bytes, declared: &str) -> Result<Self, Refusal> {
        let found = TYPES.iter().find(|(_, beginning)| bytes.starts_with(beginning));
        match found {
            Some((content_type, _)) => Ok(Self { content_type, bytes, name: None }),
            None => {
                let long = format!(
                    "'{declared}' images are not currently supported. Please consult the API documentation for more information."
                );
                let short = "Unsupported image type";
                Err(Refusal::new(StatusCode::BAD_REQUEST, "request_body_invalid", short, long))
            }
        }
    }

    pub(crate) fn named(self, name: Option<String>) -> Self {
        Self { name, ..self }
    }
}

impl Image {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.base64).unwrap_or_default()
    }
}

impl Row for Image {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Change<'_> {
    /// Keeps a picture; answers with its address.
    pub(crate) fn keep_image(&mut self, upload: &Upload) -> String {
        let id = hex(&digest(&SHA256, &upload.bytes).as_ref()[..16]);
        let url = format!("{}/images/{id}", self.state.base_url);
        self.state.images.put(Image {
            id,
            content_type: upload.content_type.to_owned(),
            base64: STANDARD.encode(&upload.bytes),
            created_at: self.now,
        });
        url
    }
}

/// A picture as the Frontend API shows it to whoever sent it.
pub(crate) fn object(url: &str, name: Option<&str>) -> Value {
    let id = url.rsplit('/').next().unwrap_or_default();
    let mut object = json!({ "object": "image", "id": format!("img_{id}"), "public_url": url });
    if let Some(name) = name {
        object["name"] = json!(name);
    }
    object
}

pub(crate) fn missing() -> Refusal {
    let long = "There was no image file present in the request";
    Refusal::new(StatusCode::BAD_REQUEST, "form_param_missing", "Image file missing", long)
}

pub(crate) fn too_large() -> Refusal {
    let long = "The image being uploaded is more than 10MB. Please choose a smaller one.";
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "image_too_large", "Image too large", long)
}

pub(crate) fn not_found() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "image_not_found", "Image not found", "Image not found")
}
