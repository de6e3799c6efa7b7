//! Setting and removing pictures and logos.

use super::{Call, Reply, reply};
use crate::{
    images,
    refusal::Refusal,
    view::{Detail, View},
};

pub(crate) fn set_of_user(call: &Call) -> Reply {
    let upload = call.upload.as_ref().ok_or_else(images::missing)?;
    of_user(call, |change| Ok(Some(change.keep_image(upload))))
}

pub(crate) fn delete_of_user(call: &Call) -> Reply {
    of_user(call, |_| Ok(None))
}

fn of_user(call: &Call, url: impl FnOnce(&mut crate::change::Change<'_>) -> Result<Option<String>, Refusal>) -> Reply {
    let id = call.path("user_id");
    call.change(|change| {
        change.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?;
        let url = url(change)?;
        let id = change.set_user_image(id, url)?;
        let view = change.view();
        reply(&view.user(view.state.users.get(id.as_str()).expect("a user that was just changed exists")))
    })
}

pub(crate) fn set_of_organization(call: &Call) -> Reply {
    let upload = call.upload.as_ref().ok_or_else(images::missing)?;
    call.change(|change| {
        let id = organization(change.view(), call.path("organization_id"))?;
        let url = change.keep_image(upload);
        change.set_organization_image(&id, Some(url))?;
        let view = change.view();
        let organization = view.state.organizations.get(&id).expect("an organization that was just changed exists");
        let shown = serde_json::to_value(view.organization(organization, Detail::Plain));
        let mut shown = shown.expect("an organization has a JSON form");
        // An older name of the same, which this one answer still has (schema OrganizationWithLogo).
        shown["logo_url"] = shown["image_url"].clone();
        reply(&shown)
    })
}

pub(crate) fn delete_of_organization(call: &Call) -> Reply {
    call.change(|change| {
        let id = organization(change.view(), call.path("organization_id"))?;
        change.set_organization_image(&id, None)?;
        let view = change.view();
        let organization = view.state.organizations.get(&id).expect("an organization that was just changed exists");
        reply(&view.organization(organization, Detail::Plain))
    })
}

pub(crate) fn set_of_oauth_application(call: &Call) -> Reply {
    let upload = call.upload.as_ref().ok_or_else(images::missing)?;
    let id = call.path("oauth_application_id");
    call.change(|change| {
        change.state.oauth_applications.get(id).ok_or_else(|| Refusal::not_found("OAuth application", id))?;
        let url = change.keep_image(upload);
        let application = change.set_oauth_image(id, url)?;
        reply(&application.object(change.view()))
    })
}

fn organization(view: View<'_>, id: &str) -> Result<String, Refusal> {
    let found = view.state.organizations.by_id_or_slug(id);
    Ok(found.ok_or_else(|| Refusal::not_found("organization", id))?.id.to_string())
}
