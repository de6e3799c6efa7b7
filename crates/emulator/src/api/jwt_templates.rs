//! `/v1/jwt_templates`.

use serde_json::{Value, json};

use super::{Call, Reply, call::Paginated, reply};
use crate::{jwt_templates::JwtTemplateForm, query::Page, refusal::Refusal};

pub(crate) fn list(call: &Call) -> Reply {
    let Page { limit, offset } = call.query.page()?;
    let paginated = call.query.boolean("paginated")?.unwrap_or(false);
    call.instance.read(|view| {
        let templates = view.state.jwt_templates.newest_first();
        let total_count = templates.len();
        let data: Vec<Value> = templates.skip(offset).take(limit).map(|template| template.object()).collect();
        if paginated { reply(&Paginated { data, total_count }) } else { reply(&data) }
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let form = JwtTemplateForm::read(call.form()?)?;
    call.change(|change| reply(&change.create_jwt_template(form)?.object()))
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("template_id");
    call.instance.read(|view| {
        let template = view.state.jwt_templates.get(id).ok_or_else(|| Refusal::not_found("JWT template", id))?;
        reply(&template.object())
    })
}

pub(crate) fn update(call: &Call) -> Reply {
    let form = JwtTemplateForm::read(call.form()?)?;
    call.change(|change| reply(&change.update_jwt_template(call.path("template_id"), form)?.object()))
}

pub(crate) fn delete(call: &Call) -> Reply {
    call.change(|change| {
        let template = change.delete_jwt_template(call.path("template_id"))?;
        reply(&json!({ "object": "jwt_template", "id": template.id, "deleted": true }))
    })
}
