//! The table of operations: method, path, function, and who may call.

use http::Method;

use super::{
    Call, Reply, identifications, instance, jwt_templates, memberships, organizations, roles, sessions, users,
};
use crate::control;

/// One operation of the API.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) run: fn(&Call) -> Reply,
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever has the instance's secret key.
    SecretKey,
    /// Anybody.
    Public,
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

const fn guarded(method: Method, path: &'static str, run: fn(&Call) -> Reply) -> Operation {
    Operation { method, path, access: Access::SecretKey, run }
}

const fn public(path: &'static str, run: fn(&Call) -> Reply) -> Operation {
    Operation { method: GET, path, access: Access::Public, run }
}

/// Everything the emulator does. What Clerk has and this table has not is answered with 501.
pub(crate) const OPERATIONS: &[Operation] = &[
    public("/.well-known/jwks.json", instance::jwks),
    public("/.well-known/openid-configuration", instance::openid_configuration),
    guarded(GET, "/v1/jwks", instance::jwks),
    guarded(GET, "/v1/domains", instance::domains),
    guarded(GET, "/v1/users", users::list),
    guarded(POST, "/v1/users", users::create),
    guarded(GET, "/v1/users/count", users::count),
    guarded(GET, "/v1/users/{user_id}", users::get),
    guarded(PATCH, "/v1/users/{user_id}", users::update),
    guarded(DELETE, "/v1/users/{user_id}", users::delete),
    guarded(PATCH, "/v1/users/{user_id}/metadata", users::merge_metadata),
    guarded(PUT, "/v1/users/{user_id}/metadata", users::replace_metadata),
    guarded(POST, "/v1/users/{user_id}/ban", users::ban),
    guarded(POST, "/v1/users/{user_id}/unban", users::unban),
    guarded(POST, "/v1/users/{user_id}/lock", users::lock),
    guarded(POST, "/v1/users/{user_id}/unlock", users::unlock),
    guarded(GET, "/v1/users/{user_id}/organization_memberships", memberships::list_of_user),
    guarded(POST, "/v1/email_addresses", identifications::create_email_address),
    guarded(GET, "/v1/email_addresses/{identification_id}", identifications::get_email_address),
    guarded(PATCH, "/v1/email_addresses/{identification_id}", identifications::update_email_address),
    guarded(DELETE, "/v1/email_addresses/{identification_id}", identifications::delete_email_address),
    guarded(POST, "/v1/phone_numbers", identifications::create_phone_number),
    guarded(GET, "/v1/phone_numbers/{identification_id}", identifications::get_phone_number),
    guarded(PATCH, "/v1/phone_numbers/{identification_id}", identifications::update_phone_number),
    guarded(DELETE, "/v1/phone_numbers/{identification_id}", identifications::delete_phone_number),
    guarded(GET, "/v1/organizations", organizations::list),
    guarded(POST, "/v1/organizations", organizations::create),
    guarded(GET, "/v1/organizations/{organization_id}", organizations::get),
    guarded(PATCH, "/v1/organizations/{organization_id}", organizations::update),
    guarded(DELETE, "/v1/organizations/{organization_id}", organizations::delete),
    guarded(PATCH, "/v1/organizations/{organization_id}/metadata", organizations::merge_metadata),
    guarded(PUT, "/v1/organizations/{organization_id}/metadata", organizations::replace_metadata),
    guarded(GET, "/v1/organizations/{organization_id}/memberships", memberships::list_of_organization),
    guarded(POST, "/v1/organizations/{organization_id}/memberships", memberships::create),
    guarded(PATCH, "/v1/organizations/{organization_id}/memberships/{user_id}", memberships::update),
    guarded(DELETE, "/v1/organizations/{organization_id}/memberships/{user_id}", memberships::delete),
    guarded(PATCH, "/v1/organizations/{organization_id}/memberships/{user_id}/metadata", memberships::merge_metadata),
    guarded(GET, "/v1/organization_memberships", memberships::list_of_instance),
    guarded(GET, "/v1/organization_roles", roles::list_roles),
    guarded(GET, "/v1/organization_roles/{role_id}", roles::get_role),
    guarded(GET, "/v1/organization_permissions", roles::list_permissions),
    guarded(GET, "/v1/organization_permissions/{permission_id}", roles::get_permission),
    guarded(GET, "/v1/sessions", sessions::list),
    guarded(POST, "/v1/sessions", sessions::create),
    guarded(GET, "/v1/sessions/{session_id}", sessions::get),
    guarded(POST, "/v1/sessions/{session_id}/revoke", sessions::revoke),
    guarded(POST, "/v1/sessions/{session_id}/tokens", sessions::create_token),
    guarded(POST, "/v1/sessions/{session_id}/tokens/{template_name}", sessions::create_token_by_template),
    guarded(GET, "/v1/jwt_templates", jwt_templates::list),
    guarded(POST, "/v1/jwt_templates", jwt_templates::create),
    guarded(GET, "/v1/jwt_templates/{template_id}", jwt_templates::get),
    guarded(PATCH, "/v1/jwt_templates/{template_id}", jwt_templates::update),
    guarded(DELETE, "/v1/jwt_templates/{template_id}", jwt_templates::delete),
    guarded(GET, "/__rowlock/instance", control::instance),
    guarded(POST, "/__rowlock/tokens", control::mint),
    guarded(POST, "/__rowlock/events", control::trigger),
    guarded(POST, "/__rowlock/sessions/{session_id}/end", sessions::end),
    guarded(GET, "/__rowlock/endpoints", control::list_endpoints),
    guarded(POST, "/__rowlock/endpoints", control::add_endpoint),
    guarded(GET, "/__rowlock/endpoints/{endpoint_id}", control::get_endpoint),
    guarded(PATCH, "/__rowlock/endpoints/{endpoint_id}", control::change_endpoint),
    guarded(DELETE, "/__rowlock/endpoints/{endpoint_id}", control::remove_endpoint),
    guarded(GET, "/__rowlock/deliveries", control::list_deliveries),
    guarded(GET, "/__rowlock/deliveries/{message_id}", control::get_delivery),
    guarded(POST, "/__rowlock/deliveries/{message_id}/send", control::send_again),
    guarded(POST, "/__rowlock/deliveries/{message_id}/discard", control::discard),
    guarded(GET, "/__rowlock/outbox", control::outbox),
    guarded(PATCH, "/__rowlock/outbox", control::change_outbox),
];
