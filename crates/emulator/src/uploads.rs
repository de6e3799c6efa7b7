//! A picture on its way in: the file in a form of several parts, or base64 where a client has no files.

use axum::{
    body::to_bytes,
    extract::{FromRequest as _, Multipart, Request},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{StatusCode, header::CONTENT_TYPE};

use crate::{
    images::{self, SIZE_LIMIT, Upload},
    refusal::Refusal,
};

/// The longest text of a picture in base64, with what a data URL says before it.
const TEXT_LIMIT: usize = SIZE_LIMIT / 3 * 4 + 128;

/// The picture in a request, or nothing when it carries none.
pub(crate) async fn receive(request: Request) -> Result<Option<Upload>, Refusal> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match content_type.map(|text| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()) {
        None => Ok(None),
        Some(media_type) if media_type == "application/octet-stream" => of_text(request).await,
        Some(_) => of_form(request).await,
    }
}

/// The first file of a form, whatever it is called there.
async fn of_form(request: Request) -> Result<Option<Upload>, Refusal> {
    let no_form = |reason: &dyn std::fmt::Display| {
        unreadable(format!("The request body is no form of several parts (multipart/form-data): {reason}."))
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|error| no_form(&error))?;
    while let Some(field) = form.next_field().await.map_err(|error| no_form(&error))? {
        if field.file_name().is_none() && field.name() != Some("file") {
            continue;
        }
        let declared = field.content_type().unwrap_or_default().to_owned();
        let name = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => images::too_large(),
            _ => no_form(&error),
        })?;
        return Upload::of(bytes, &declared).map(|upload| Some(upload.named(name)));
    }
    Ok(None)
}

/// Base64, alone or in a data URL: what `clerk-js` sends of a text.
async fn of_text(request: Request) -> Result<Option<Upload>, Refusal> {
    let text = to_bytes(request.into_body(), TEXT_LIMIT).await.map_err(|_| images::too_large())?;
    if text.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(&text).unwrap_or_default().trim();
    let (declared, text) = match text.strip_prefix("data:").and_then(|url| url.split_once(";base64,")) {
        Some((declared, text)) => (declared, text),
        None => ("application/octet-stream", text),
    };
    let bytes = STANDARD.decode(text).map_err(|_| {
        unreadable("The request body of type application/octet-stream must be the picture in base64.".to_owned())
    })?;
    Upload::of(Bytes::from(bytes), declared).map(Some)
}

fn unreadable(long: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "request_body_invalid", "Request body invalid", long)
}
