//! One's own picture.

use serde_json::json;

use crate::{
    frontend_api::call::{FrontendCall, FrontendReply},
    images,
};

pub(crate) fn set(call: &FrontendCall) -> FrontendReply {
    let upload = call.upload.as_ref().ok_or_else(images::missing)?;
    let url = call.as_user(|change, asking| {
        let url = change.keep_image(upload);
        change.set_user_image(asking.user.as_str(), Some(url.clone()))?;
        Ok(url)
    })?;
    call.show(|_, _| Ok(images::object(&url, upload.name.as_deref())))
}

pub(crate) fn delete(call: &FrontendCall) -> FrontendReply {
    call.as_user(|change, asking| change.set_user_image(asking.user.as_str(), None))?;
    call.show(|_, _| Ok(json!({ "object": "image", "deleted": true })))
}
