//! Users, organizations, memberships, sessions and templates from Rust.

use std::sync::Arc;

use serde_json::{Value, json};

use super::LocalCall;
use crate::{Refusal, api, instance::Instance};

/// Users. Every method answers as the operation of the same name does over HTTP, refusals included.
#[derive(Debug, Clone, Copy)]
pub struct UsersApi<'a>(pub(super) &'a Arc<Instance>);

#[expect(clippy::missing_errors_doc, reason = "each one refuses what Clerk refuses, as the type says")]
impl UsersApi<'_> {
    /// `POST /v1/users`.
    pub fn create(&self, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).body(body).run(api::users::create)
    }

    /// `GET /v1/users/{id}`.
    pub fn get(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).run(api::users::get)
    }

    /// `GET /v1/users`, a bare array.
    pub fn list(&self, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        LocalCall::to(self.0).query(query).run(api::users::list)
    }

    /// `GET /v1/users` as the bytes that HTTP would carry.
    pub fn list_text(&self, query: &[(&str, &str)]) -> Result<Vec<u8>, Refusal> {
        LocalCall::to(self.0).query(query).run_as_text(api::users::list)
    }

    /// `GET /v1/users/count`, the number alone.
    pub fn count(&self, query: &[(&str, &str)]) -> Result<u64, Refusal> {
        let answer = LocalCall::to(self.0).query(query).run(api::users::count)?;
        Ok(answer["total_count"].as_u64().expect("a count is a number"))
    }

    /// `PATCH /v1/users/{id}`.
    pub fn update(&self, id: &str, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).body(body).run(api::users::update)
    }

    /// `PATCH /v1/users/{id}/metadata`: a deep merge.
    pub fn merge_metadata(&self, id: &str, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).body(body).run(api::users::merge_metadata)
    }

    /// `PUT /v1/users/{id}/metadata`: what is given replaces what was there.
    pub fn replace_metadata(&self, id: &str, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).body(body).run(api::users::replace_metadata)
    }

    /// `POST /v1/email_addresses`: `user_id`, `email_address`, and if wanted `verified` and `primary`.
    pub fn add_email_address(&self, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).body(body).run(api::identifications::create_email_address)
    }

    /// `DELETE /v1/email_addresses/{id}`.
    pub fn remove_email_address(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("identification_id", id).run(api::identifications::delete_email_address)
    }

    /// `DELETE /v1/users/{id}`.
    pub fn delete(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).run(api::users::delete)
    }

    /// `POST /v1/users/{id}/ban`.
    pub fn ban(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).run(api::users::ban)
    }

    /// `POST /v1/users/{id}/unban`.
    pub fn unban(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).run(api::users::unban)
    }

    /// `POST /v1/users/{id}/lock`.
    pub fn lock(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).run(api::users::lock)
    }

    /// `POST /v1/users/{id}/unlock`.
    pub fn unlock(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", id).run(api::users::unlock)
    }
}

/// Organizations.
#[derive(Debug, Clone, Copy)]
pub struct OrganizationsApi<'a>(pub(super) &'a Arc<Instance>);

#[expect(clippy::missing_errors_doc, reason = "each one refuses what Clerk refuses, as the type says")]
impl OrganizationsApi<'_> {
    /// `POST /v1/organizations`.
    pub fn create(&self, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).body(body).run(api::organizations::create)
    }

    /// `GET /v1/organizations/{id or slug}`.
    pub fn get(&self, id_or_slug: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("organization_id", id_or_slug).run(api::organizations::get)
    }

    /// `GET /v1/organizations`, `{data, total_count}`.
    pub fn list(&self, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        LocalCall::to(self.0).query(query).run(api::organizations::list)
    }

    /// `PATCH /v1/organizations/{id}`.
    pub fn update(&self, id: &str, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("organization_id", id).body(body).run(api::organizations::update)
    }

    /// `PATCH /v1/organizations/{id}/metadata`: a deep merge.
    pub fn merge_metadata(&self, id: &str, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("organization_id", id).body(body).run(api::organizations::merge_metadata)
    }

    /// `DELETE /v1/organizations/{id}`.
    pub fn delete(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("organization_id", id).run(api::organizations::delete)
    }
}

/// Memberships.
#[derive(Debug, Clone, Copy)]
pub struct MembershipsApi<'a>(pub(super) &'a Arc<Instance>);

#[expect(clippy::missing_errors_doc, reason = "each one refuses what Clerk refuses, as the type says")]
impl MembershipsApi<'_> {
    /// `POST /v1/organizations/{id}/memberships`.
    pub fn create(&self, organization: &str, user: &str, role: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0)
            .path("organization_id", organization)
            .body(&json!({ "user_id": user, "role": role }))
            .run(api::memberships::create)
    }

    /// `GET /v1/organizations/{id}/memberships`, `{data, total_count}`.
    pub fn list_of_organization(&self, organization: &str, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        LocalCall::to(self.0)
            .path("organization_id", organization)
            .query(query)
            .run(api::memberships::list_of_organization)
    }

    /// `GET /v1/users/{id}/organization_memberships`, `{data, total_count}`.
    pub fn list_of_user(&self, user: &str, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("user_id", user).query(query).run(api::memberships::list_of_user)
    }

    /// `GET /v1/organization_memberships`, `{data, total_count}`.
    pub fn list(&self, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        LocalCall::to(self.0).query(query).run(api::memberships::list_of_instance)
    }

    /// `PATCH /v1/organizations/{id}/memberships/{user_id}`.
    pub fn update_role(&self, organization: &str, user: &str, role: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0)
            .path("organization_id", organization)
            .path("user_id", user)
            .body(&json!({ "role": role }))
            .run(api::memberships::update)
    }

    /// `PATCH /v1/organizations/{id}/memberships/{user_id}/metadata`: a deep merge.
    pub fn merge_metadata(&self, organization: &str, user: &str, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0)
            .path("organization_id", organization)
            .path("user_id", user)
            .body(body)
            .run(api::memberships::merge_metadata)
    }

    /// `DELETE /v1/organizations/{id}/memberships/{user_id}`; answers with the membership that was.
    pub fn delete(&self, organization: &str, user: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("organization_id", organization).path("user_id", user).run(api::memberships::delete)
    }
}

/// Sessions.
#[derive(Debug, Clone, Copy)]
pub struct SessionsApi<'a>(pub(super) &'a Arc<Instance>);

#[expect(clippy::missing_errors_doc, reason = "each one refuses what Clerk refuses, as the type says")]
impl SessionsApi<'_> {
    /// `POST /v1/sessions`: signs the user in, with an active organization or without one.
    pub fn create(&self, user: &str, active_organization: Option<&str>) -> Result<Value, Refusal> {
        LocalCall::to(self.0)
            .body(&json!({ "user_id": user, "active_organization_id": active_organization }))
            .run(api::sessions::create)
    }

    /// `GET /v1/sessions/{id}`.
    pub fn get(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("session_id", id).run(api::sessions::get)
    }

    /// `GET /v1/sessions`, a bare array; `user_id` or `client_id` must be in the query.
    pub fn list(&self, query: &[(&str, &str)]) -> Result<Value, Refusal> {
        LocalCall::to(self.0).query(query).run(api::sessions::list)
    }

    /// `POST /v1/sessions/{id}/revoke`.
    pub fn revoke(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("session_id", id).run(api::sessions::revoke)
    }

    /// Signs out: the session is `ended`.
    pub fn end(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("session_id", id).run(api::sessions::end)
    }

    /// `POST /v1/sessions/{id}/tokens`, the token alone.
    pub fn token(&self, id: &str) -> Result<String, Refusal> {
        let answer = LocalCall::to(self.0).path("session_id", id).run(api::sessions::create_token)?;
        Ok(answer["jwt"].as_str().expect("a token is text").to_owned())
    }
}

/// JWT templates.
#[derive(Debug, Clone, Copy)]
pub struct JwtTemplatesApi<'a>(pub(super) &'a Arc<Instance>);

#[expect(clippy::missing_errors_doc, reason = "each one refuses what Clerk refuses, as the type says")]
impl JwtTemplatesApi<'_> {
    /// `POST /v1/jwt_templates`.
    pub fn create(&self, body: &Value) -> Result<Value, Refusal> {
        LocalCall::to(self.0).body(body).run(api::jwt_templates::create)
    }

    /// `DELETE /v1/jwt_templates/{id}`.
    pub fn delete(&self, id: &str) -> Result<Value, Refusal> {
        LocalCall::to(self.0).path("template_id", id).run(api::jwt_templates::delete)
    }
}
