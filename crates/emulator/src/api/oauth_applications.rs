//! `/v1/oauth_applications`.

use serde_json::json;

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    listing::{Listing, SortKey},
    oauth_applications::{OauthApplication, OauthApplicationForm},
    refusal::Refusal,
};

pub(crate) fn list(call: &Call) -> Reply {
    let listing = Listing::read(&call.query, &["created_at", "name"])?;
    let search = call.query.search("name_query");
    call.instance.read(|view| {
        let admits = |application: &OauthApplication| {
            search.as_ref().is_none_or(|part| {
                [&application.name, &application.id, &application.client_id]
                    .into_iter()
                    .any(|text| text.to_lowercase().contains(part))
            })
        };
        let by_name = |application: &OauthApplication, _: &str| SortKey::Text(application.name.to_lowercase());
        let (page, total_count) = listing.select(view.state.oauth_applications.oldest_first(), admits, by_name);
        reply(&Paginated { data: page.into_iter().map(|one| one.object(view)).collect(), total_count })
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let form = OauthApplicationForm::read(call.form()?)?;
    call.change(|change| {
        let application = change.create_oauth_application(form)?;
        reply(&application.object_with_secret(change.view()))
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("oauth_application_id");
    call.instance.read(|view| match view.state.oauth_applications.get(id) {
        Some(application) => reply(&application.object(view)),
        None => Err(Refusal::not_found("OAuth application", id)),
    })
}

pub(crate) fn update(call: &Call) -> Reply {
    let form = OauthApplicationForm::read(call.form()?)?;
    call.change(|change| {
        let application = change.update_oauth_application(call.path("oauth_application_id"), form)?;
        reply(&application.object(change.view()))
    })
}

pub(crate) fn rotate_secret(call: &Call) -> Reply {
    call.change(|change| {
        let application = change.rotate_oauth_secret(call.path("oauth_application_id"))?;
        reply(&application.object_with_secret(change.view()))
    })
}

pub(crate) fn revoke_token(call: &Call) -> Reply {
    let mut form = call.form()?;
    let token = form.string("token")?.required("token")?;
    form.finish()?;
    call.change(|change| change.revoke_oauth_token(call.path("oauth_application_id"), &token))?;
    Ok(Vec::new())
}

pub(crate) fn delete(call: &Call) -> Reply {
    call.change(|change| {
        let application = change.delete_oauth_application(call.path("oauth_application_id"))?;
        reply(&json!({ "object": "oauth_application", "id": application.id, "deleted": true }))
    })
}
