//! `/v1/organization_roles` and `/v1/organization_permissions`: to be read; they are made by the options of the emulator.

use serde_json::Value;

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    query::{Page, Query},
    refusal::Refusal,
    roles::{permission_object, role_object},
    view::View,
};

pub(crate) fn list_roles(call: &Call) -> Reply {
    call.instance.read(|view| page(roles(view), &call.query))
}

pub(crate) fn get_role(call: &Call) -> Reply {
    call.instance.read(|view| one(roles(view), "organization role", call.path("role_id")))
}

pub(crate) fn list_permissions(call: &Call) -> Reply {
    call.instance.read(|view| page(permissions(view), &call.query))
}

pub(crate) fn get_permission(call: &Call) -> Reply {
    call.instance.read(|view| one(permissions(view), "organization permission", call.path("permission_id")))
}

fn roles(view: View<'_>) -> Vec<Value> {
    view.state.roles.iter().map(|role| role_object(role, view)).collect()
}

fn permissions(view: View<'_>) -> Vec<Value> {
    view.state.roles.permissions().into_iter().map(|key| permission_object(key, view)).collect()
}

fn one(objects: Vec<Value>, what: &str, id: &str) -> Reply {
    let found = objects.into_iter().find(|object| object["id"] == id);
    reply(&found.ok_or_else(|| Refusal::not_found(what, id))?)
}

fn page(mut objects: Vec<Value>, query: &Query) -> Reply {
    let (direction, property) = query.order("-created_at");
    if !["created_at", "name", "key"].contains(&property) {
        return Err(Refusal::wrong_value("order_by", property, "created_at, name or key"));
    }
    if let Some(part) = query.first("query").filter(|part| !part.is_empty()).map(str::to_lowercase) {
        let text = |object: &Value, name: &str| object[name].as_str().unwrap_or_default().to_lowercase();
        objects.retain(|object| {
            text(object, "id") == part || text(object, "name").contains(&part) || text(object, "key").contains(&part)
        });
    }
    let sort_key = |object: &Value| (object[property].to_string(), object["key"].to_string());
    objects.sort_by(|left, right| direction.apply(sort_key(left).cmp(&sort_key(right))));
    let Page { limit, offset } = query.page()?;
    let total_count = objects.len();
    reply(&Paginated { data: objects.into_iter().skip(offset).take(limit).collect(), total_count })
}
