//! The table of operations: method, path, function, and who may call.

use http::{Method, StatusCode};

use super::{
    Call, Reply, access_lists, agent_tasks, api_keys, billing, clients, configuration, credentials, disturbances,
    identifications, images, instance, invitations, jwt_templates, machines, memberships, oauth_applications,
    organization_domains, organization_invitations, organizations, redirect_urls, roles, seed, sessions, sign_ups,
    tickets, time_travel, users, verifications, waitlist,
};
use crate::{control, frontend_api::operations::handshake_payload};

/// One operation of the API.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// What a good answer is called.
    pub(crate) status: StatusCode,
    /// Whether a picture comes with it, as a form of several parts.
    pub(crate) uploads: bool,
    pub(crate) run: fn(&Call) -> Reply,
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Whoever has the instance's secret key.
    SecretKey,
    /// Whoever has the instance's secret key or that of a machine.
    SecretKeyOrMachine,
    /// Anybody.
    Public,
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

const fn guarded(method: Method, path: &'static str, run: fn(&Call) -> Reply) -> Operation {
    Operation { method, path, access: Access::SecretKey, status: StatusCode::OK, uploads: false, run }
}

const fn machine(method: Method, path: &'static str, run: fn(&Call) -> Reply) -> Operation {
    Operation { method, path, access: Access::SecretKeyOrMachine, status: StatusCode::OK, uploads: false, run }
}

const fn public(path: &'static str, run: fn(&Call) -> Reply) -> Operation {
    Operation { method: GET, path, access: Access::Public, status: StatusCode::OK, uploads: false, run }
}

impl Operation {
    /// The same with another status for what went well.
    const fn answering(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with a picture in its body.
    const fn uploading(mut self) -> Self {
        self.uploads = true;
        self
    }
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
    guarded(POST, "/v1/users/ban", users::ban_many),
    guarded(POST, "/v1/users/unban", users::unban_many),
    guarded(GET, "/v1/users/{user_id}", users::get),
    guarded(PATCH, "/v1/users/{user_id}", users::update),
    guarded(DELETE, "/v1/users/{user_id}", users::delete),
    guarded(PATCH, "/v1/users/{user_id}/metadata", users::merge_metadata),
    guarded(PUT, "/v1/users/{user_id}/metadata", users::replace_metadata),
    guarded(POST, "/v1/users/{user_id}/ban", users::ban),
    guarded(POST, "/v1/users/{user_id}/unban", users::unban),
    guarded(POST, "/v1/users/{user_id}/remove_password", users::remove_password),
    guarded(PUT, "/v1/users/{user_id}/email_address", identifications::replace_email_address),
    guarded(PUT, "/v1/users/{user_id}/phone_number", identifications::replace_phone_number),
    guarded(POST, "/v1/users/{user_id}/lock", users::lock),
    guarded(POST, "/v1/users/{user_id}/unlock", users::unlock),
    guarded(GET, "/v1/users/{user_id}/organization_memberships", memberships::list_of_user),
    guarded(POST, "/v1/users/{user_id}/verify_password", credentials::verify_password),
    guarded(POST, "/v1/users/{user_id}/verify_totp", credentials::verify_totp),
    guarded(POST, "/v1/users/{user_id}/password/set_compromised", credentials::set_compromised),
    guarded(POST, "/v1/users/{user_id}/password/unset_compromised", credentials::unset_compromised),
    guarded(DELETE, "/v1/users/{user_id}/mfa", credentials::disable_mfa),
    guarded(DELETE, "/v1/users/{user_id}/totp", credentials::delete_totp),
    guarded(DELETE, "/v1/users/{user_id}/backup_code", credentials::delete_backup_codes),
    guarded(DELETE, "/v1/users/{user_id}/passkeys/{passkey_identification_id}", credentials::delete_passkey),
    guarded(
        DELETE,
        "/v1/users/{user_id}/web3_wallets/{web3_wallet_identification_id}",
        credentials::delete_web3_wallet,
    ),
    guarded(
        DELETE,
        "/v1/users/{user_id}/external_accounts/{external_account_id}",
        credentials::delete_external_account,
    ),
    guarded(POST, "/v1/users/{user_id}/profile_image", images::set_of_user).uploading(),
    guarded(DELETE, "/v1/users/{user_id}/profile_image", images::delete_of_user),
    guarded(PUT, "/v1/organizations/{organization_id}/logo", images::set_of_organization).uploading(),
    guarded(DELETE, "/v1/organizations/{organization_id}/logo", images::delete_of_organization),
    guarded(PUT, "/v1/oauth_applications/{oauth_application_id}/logo", images::set_of_oauth_application).uploading(),
    guarded(GET, "/v1/users/{user_id}/trusted_devices", credentials::list_trusted_devices),
    guarded(DELETE, "/v1/users/{user_id}/trusted_devices/{trusted_device_id}", credentials::revoke_trusted_device),
    guarded(GET, "/v1/users/{user_id}/oauth_access_tokens/{provider}", credentials::oauth_access_token),
    guarded(POST, "/v1/email_addresses", identifications::create_email_address),
    guarded(GET, "/v1/email_addresses/{identification_id}", identifications::get_email_address),
    guarded(PATCH, "/v1/email_addresses/{identification_id}", identifications::update_email_address),
    guarded(DELETE, "/v1/email_addresses/{identification_id}", identifications::delete_email_address),
    guarded(POST, "/v1/phone_numbers", identifications::create_phone_number),
    guarded(GET, "/v1/phone_numbers/{identification_id}", identifications::get_phone_number),
    guarded(PATCH, "/v1/phone_numbers/{identification_id}", identifications::update_phone_number),
    guarded(DELETE, "/v1/phone_numbers/{identification_id}", identifications::delete_phone_number),
    guarded(POST, "/v1/email_addresses/{identification_id}/prepare_verification", verifications::prepare_email_address),
    guarded(POST, "/v1/email_addresses/{identification_id}/attempt_verification", verifications::attempt_email_address),
    guarded(POST, "/v1/phone_numbers/{identification_id}/prepare_verification", verifications::prepare_phone_number),
    guarded(POST, "/v1/phone_numbers/{identification_id}/attempt_verification", verifications::attempt_phone_number),
    guarded(GET, "/v1/invitations", invitations::list),
    guarded(POST, "/v1/invitations", invitations::create),
    guarded(POST, "/v1/invitations/bulk", invitations::create_many),
    guarded(DELETE, "/v1/invitations/{invitation_id}", invitations::delete),
    guarded(POST, "/v1/invitations/{invitation_id}/revoke", invitations::revoke),
    guarded(GET, "/v1/waitlist_entries", waitlist::list),
    guarded(POST, "/v1/waitlist_entries", waitlist::create),
    guarded(POST, "/v1/waitlist_entries/bulk", waitlist::create_many),
    guarded(DELETE, "/v1/waitlist_entries/{waitlist_entry_id}", waitlist::delete),
    guarded(POST, "/v1/waitlist_entries/{waitlist_entry_id}/invite", waitlist::invite),
    guarded(POST, "/v1/waitlist_entries/{waitlist_entry_id}/reject", waitlist::reject),
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
    guarded(GET, "/v1/organizations/{organization_id}/invitations", organization_invitations::list_of_organization),
    guarded(POST, "/v1/organizations/{organization_id}/invitations", organization_invitations::create),
    guarded(POST, "/v1/organizations/{organization_id}/invitations/bulk", organization_invitations::create_many),
    guarded(
        GET,
        "/v1/organizations/{organization_id}/invitations/pending",
        organization_invitations::list_pending_of_organization,
    ),
    guarded(GET, "/v1/organizations/{organization_id}/invitations/{invitation_id}", organization_invitations::get),
    guarded(
        POST,
        "/v1/organizations/{organization_id}/invitations/{invitation_id}/revoke",
        organization_invitations::revoke,
    ),
    guarded(GET, "/v1/organization_invitations", organization_invitations::list_of_instance),
    guarded(GET, "/v1/users/{user_id}/organization_invitations", organization_invitations::list_of_user),
    guarded(GET, "/v1/organizations/{organization_id}/domains", organization_domains::list_of_organization),
    guarded(POST, "/v1/organizations/{organization_id}/domains", organization_domains::create),
    guarded(PATCH, "/v1/organizations/{organization_id}/domains/{domain_id}", organization_domains::update),
    guarded(DELETE, "/v1/organizations/{organization_id}/domains/{domain_id}", organization_domains::delete),
    guarded(
        POST,
        "/v1/organizations/{organization_id}/domains/{domain_id}/verify_ownership",
        organization_domains::verify_ownership,
    ),
    guarded(GET, "/v1/organization_domains", organization_domains::list_of_instance),
    guarded(GET, "/v1/organization_roles", roles::list_roles),
    guarded(POST, "/v1/organization_roles", roles::create_role),
    guarded(GET, "/v1/organization_roles/{role_id}", roles::get_role),
    guarded(PATCH, "/v1/organization_roles/{role_id}", roles::update_role),
    guarded(DELETE, "/v1/organization_roles/{role_id}", roles::delete_role),
    guarded(POST, "/v1/organization_roles/{role_id}/permissions/{permission_id}", roles::assign_permission),
    guarded(DELETE, "/v1/organization_roles/{role_id}/permissions/{permission_id}", roles::remove_permission),
    guarded(GET, "/v1/organization_permissions", roles::list_permissions),
    guarded(POST, "/v1/organization_permissions", roles::create_permission),
    guarded(GET, "/v1/organization_permissions/{permission_id}", roles::get_permission),
    guarded(PATCH, "/v1/organization_permissions/{permission_id}", roles::update_permission),
    guarded(DELETE, "/v1/organization_permissions/{permission_id}", roles::delete_permission),
    guarded(GET, "/v1/role_sets", roles::list_role_sets),
    guarded(POST, "/v1/role_sets", roles::create_role_set),
    guarded(GET, "/v1/role_sets/{role_set_key_or_id}", roles::get_role_set),
    guarded(PATCH, "/v1/role_sets/{role_set_key_or_id}", roles::update_role_set),
    guarded(POST, "/v1/role_sets/{role_set_key_or_id}/replace", roles::replace_role_set),
    guarded(POST, "/v1/role_sets/{role_set_key_or_id}/roles", roles::add_to_role_set),
    guarded(POST, "/v1/role_sets/{role_set_key_or_id}/roles/replace", roles::replace_in_role_set),
    guarded(GET, "/v1/sessions", sessions::list),
    guarded(POST, "/v1/sessions", sessions::create),
    guarded(GET, "/v1/sessions/{session_id}", sessions::get),
    guarded(POST, "/v1/sessions/{session_id}/revoke", sessions::revoke),
    guarded(POST, "/v1/sessions/{session_id}/verify", sessions::verify),
    guarded(POST, "/v1/sessions/{session_id}/tokens", sessions::create_token),
    guarded(POST, "/v1/sessions/{session_id}/tokens/{template_name}", sessions::create_token_by_template),
    guarded(POST, "/v1/sessions/{session_id}/refresh", clients::refresh_session),
    guarded(GET, "/v1/clients", clients::list),
    guarded(POST, "/v1/clients/verify", clients::verify),
    guarded(GET, "/v1/clients/{client_id}", clients::get),
    guarded(GET, "/v1/sign_ups/{id}", sign_ups::get),
    guarded(PATCH, "/v1/sign_ups/{id}", sign_ups::update),
    guarded(GET, "/v1/clients/handshake_payload", handshake_payload),
    guarded(GET, "/v1/jwt_templates", jwt_templates::list),
    guarded(POST, "/v1/jwt_templates", jwt_templates::create),
    guarded(GET, "/v1/jwt_templates/{template_id}", jwt_templates::get),
    guarded(PATCH, "/v1/jwt_templates/{template_id}", jwt_templates::update),
    guarded(DELETE, "/v1/jwt_templates/{template_id}", jwt_templates::delete),
    guarded(GET, "/v1/billing/plans", billing::list_plans),
    guarded(GET, "/v1/billing/prices", billing::list_prices),
    guarded(GET, "/v1/billing/subscription_items", billing::list_subscription_items),
    guarded(DELETE, "/v1/billing/subscription_items/{subscription_item_id}", billing::cancel_subscription_item),
    guarded(
        POST,
        "/v1/billing/subscription_items/{subscription_item_id}/extend_free_trial",
        billing::extend_free_trial,
    ),
    guarded(GET, "/v1/billing/statements", billing::list_statements),
    guarded(GET, "/v1/billing/statements/{statement_id}", billing::get_statement),
    guarded(GET, "/v1/billing/statements/{statement_id}/payment_attempts", billing::list_payment_attempts),
    guarded(POST, "/v1/billing/prices", billing::create_price),
    guarded(POST, "/v1/billing/subscription_items/{subscription_item_id}/price_transition", billing::move_to_price),
    guarded(POST, "/v1/billing/subscription_items/{subscription_item_id}/discounts", billing::apply_discount),
    guarded(
        DELETE,
        "/v1/billing/subscription_items/{subscription_item_id}/discounts/{discount_id}",
        billing::remove_discount,
    ),
    guarded(GET, "/v1/users/{user_id}/billing/credits", billing::credits_of_user),
    guarded(POST, "/v1/users/{user_id}/billing/credits", billing::adjust_credits_of_user),
    guarded(GET, "/v1/organizations/{organization_id}/billing/credits", billing::credits_of_organization),
    guarded(POST, "/v1/organizations/{organization_id}/billing/credits", billing::adjust_credits_of_organization),
    guarded(GET, "/v1/users/{user_id}/billing/subscription", billing::subscription_of_user),
    guarded(GET, "/v1/organizations/{organization_id}/billing/subscription", billing::subscription_of_organization),
    guarded(POST, "/__rowlock/billing/plans", billing::create_plan),
    guarded(POST, "/__rowlock/billing/subscription_items", billing::subscribe),
    guarded(PATCH, "/__rowlock/billing/subscription_items/{subscription_item_id}", billing::change_status),
    guarded(
        POST,
        "/__rowlock/billing/subscription_items/{subscription_item_id}/free_trial_ending",
        billing::free_trial_ending,
    ),
    guarded(POST, "/__rowlock/billing/payment_attempts", billing::create_payment_attempt),
    guarded(PATCH, "/__rowlock/billing/payment_attempts/{payment_attempt_id}", billing::settle_payment_attempt),
    guarded(POST, "/v1/sign_in_tokens", tickets::create_sign_in_token),
    guarded(POST, "/v1/sign_in_tokens/{sign_in_token_id}/revoke", tickets::revoke_sign_in_token),
    guarded(POST, "/v1/actor_tokens", tickets::create_actor_token),
    guarded(POST, "/v1/actor_tokens/{actor_token_id}/revoke", tickets::revoke_actor_token),
    guarded(POST, "/v1/testing_tokens", tickets::create_testing_token),
    guarded(POST, "/__rowlock/tickets/redeem", tickets::redeem),
    guarded(GET, "/v1/allowlist_identifiers", access_lists::list_allowed),
    guarded(POST, "/v1/allowlist_identifiers", access_lists::allow),
    guarded(DELETE, "/v1/allowlist_identifiers/{identifier_id}", access_lists::remove_allowed),
    guarded(GET, "/v1/blocklist_identifiers", access_lists::list_blocked),
    guarded(POST, "/v1/blocklist_identifiers", access_lists::block),
    guarded(DELETE, "/v1/blocklist_identifiers/{identifier_id}", access_lists::remove_blocked),
    guarded(GET, "/v1/redirect_urls", redirect_urls::list),
    guarded(POST, "/v1/redirect_urls", redirect_urls::create),
    guarded(GET, "/v1/redirect_urls/{redirect_url_id}", redirect_urls::get),
    guarded(DELETE, "/v1/redirect_urls/{redirect_url_id}", redirect_urls::delete),
    guarded(GET, "/v1/instance", configuration::instance),
    guarded(GET, "/v1/instance/organization_settings", configuration::organization_settings),
    guarded(PATCH, "/v1/instance", configuration::update_instance).answering(StatusCode::NO_CONTENT),
    guarded(PATCH, "/v1/instance/restrictions", configuration::update_restrictions),
    guarded(PATCH, "/v1/instance/organization_settings", configuration::update_organization_settings),
    guarded(GET, "/v1/instance/protect", configuration::protection),
    guarded(PATCH, "/v1/instance/protect", configuration::update_protection),
    guarded(GET, "/v1/instance/communication", configuration::communication),
    guarded(PATCH, "/v1/instance/communication", configuration::update_communication),
    guarded(GET, "/v1/instance/oauth_application_settings", configuration::oauth),
    guarded(PATCH, "/v1/instance/oauth_application_settings", configuration::update_oauth),
    guarded(PATCH, "/v1/beta_features/instance_settings", configuration::update_settings),
    guarded(GET, "/v1/machines", machines::list),
    guarded(POST, "/v1/machines", machines::create),
    guarded(GET, "/v1/machines/{machine_id}", machines::get),
    guarded(PATCH, "/v1/machines/{machine_id}", machines::update),
    guarded(DELETE, "/v1/machines/{machine_id}", machines::delete),
    guarded(GET, "/v1/machines/{machine_id}/secret_key", machines::secret_key),
    guarded(POST, "/v1/machines/{machine_id}/secret_key/rotate", machines::rotate_secret_key),
    guarded(POST, "/v1/machines/{machine_id}/scopes", machines::create_scope),
    guarded(DELETE, "/v1/machines/{machine_id}/scopes/{other_machine_id}", machines::delete_scope),
    machine(POST, "/v1/m2m_tokens", machines::create_token).answering(StatusCode::CREATED),
    machine(GET, "/v1/m2m_tokens", machines::list_tokens),
    machine(POST, "/v1/m2m_tokens/{m2m_token_id}/revoke", machines::revoke_token),
    machine(POST, "/v1/m2m_tokens/verify", machines::verify_token),
    guarded(GET, "/v1/api_keys", api_keys::list),
    guarded(POST, "/v1/api_keys", api_keys::create),
    guarded(GET, "/v1/api_keys/{api_key_id}", api_keys::get),
    guarded(PATCH, "/v1/api_keys/{api_key_id}", api_keys::update),
    guarded(DELETE, "/v1/api_keys/{api_key_id}", api_keys::delete),
    guarded(GET, "/v1/api_keys/{api_key_id}/secret", api_keys::secret),
    guarded(POST, "/v1/api_keys/{api_key_id}/revoke", api_keys::revoke),
    guarded(POST, "/v1/api_keys/verify", api_keys::verify),
    guarded(GET, "/v1/oauth_applications", oauth_applications::list),
    guarded(POST, "/v1/oauth_applications", oauth_applications::create),
    guarded(GET, "/v1/oauth_applications/{oauth_application_id}", oauth_applications::get),
    guarded(PATCH, "/v1/oauth_applications/{oauth_application_id}", oauth_applications::update),
    guarded(DELETE, "/v1/oauth_applications/{oauth_application_id}", oauth_applications::delete),
    guarded(POST, "/v1/oauth_applications/{oauth_application_id}/rotate_secret", oauth_applications::rotate_secret),
    guarded(POST, "/v1/oauth_applications/{oauth_application_id}/revoke_token", oauth_applications::revoke_token)
        .answering(StatusCode::NO_CONTENT),
    guarded(POST, "/v1/agents/tasks", agent_tasks::create),
    guarded(POST, "/v1/agents/tasks/{agent_task_id}/revoke", agent_tasks::revoke),
    guarded(POST, "/v1/oauth_applications/access_tokens/verify", api_keys::verify_oauth_token),
    // The SDK asks for these without a version.
    machine(POST, "/m2m_tokens", machines::create_token).answering(StatusCode::CREATED),
    machine(GET, "/m2m_tokens", machines::list_tokens),
    machine(POST, "/m2m_tokens/{m2m_token_id}/revoke", machines::revoke_token),
    machine(POST, "/m2m_tokens/verify", machines::verify_token),
    guarded(GET, "/api_keys", api_keys::list),
    guarded(POST, "/api_keys", api_keys::create),
    guarded(GET, "/api_keys/{api_key_id}", api_keys::get),
    guarded(PATCH, "/api_keys/{api_key_id}", api_keys::update),
    guarded(DELETE, "/api_keys/{api_key_id}", api_keys::delete),
    guarded(GET, "/api_keys/{api_key_id}/secret", api_keys::secret),
    guarded(POST, "/api_keys/{api_key_id}/revoke", api_keys::revoke),
    guarded(POST, "/api_keys/verify", api_keys::verify),
    guarded(POST, "/oauth_applications/access_tokens/verify", api_keys::verify_oauth_token),
    guarded(POST, "/__rowlock/oauth_tokens", api_keys::create_oauth_token),
    guarded(POST, "/__rowlock/seed", seed::plant),
    guarded(GET, "/__rowlock/clock", time_travel::clock),
    guarded(POST, "/__rowlock/clock/advance", time_travel::advance),
    guarded(POST, "/__rowlock/snapshots", time_travel::snapshot),
    guarded(POST, "/__rowlock/snapshots/{snapshot_name}/restore", time_travel::restore),
    guarded(POST, "/__rowlock/signing_keys/rotate", time_travel::rotate_signing_key),
    guarded(GET, "/__rowlock/rate_limits", disturbances::rate_limits),
    guarded(PATCH, "/__rowlock/rate_limits", disturbances::change_rate_limits),
    guarded(GET, "/__rowlock/outage", disturbances::outage),
    guarded(PATCH, "/__rowlock/outage", disturbances::change_outage),
    guarded(GET, "/__rowlock/instance", control::instance),
    guarded(POST, "/__rowlock/tokens", control::mint),
    guarded(POST, "/__rowlock/events", control::trigger),
    guarded(POST, "/__rowlock/sessions", sessions::create_any),
    guarded(POST, "/__rowlock/sessions/{session_id}/activate", sessions::activate),
    guarded(POST, "/__rowlock/sessions/{session_id}/end", sessions::end),
    guarded(POST, "/__rowlock/sessions/{session_id}/remove", sessions::remove),
    guarded(POST, "/__rowlock/sessions/{session_id}/replace", sessions::replace),
    guarded(POST, "/__rowlock/organization_invitations/{invitation_id}/accept", organization_invitations::accept),
    guarded(POST, "/__rowlock/invitations/{invitation_id}/accept", invitations::accept),
    guarded(GET, "/__rowlock/endpoints", control::list_endpoints),
    guarded(POST, "/__rowlock/endpoints", control::add_endpoint),
    guarded(GET, "/__rowlock/endpoints/{endpoint_id}", control::get_endpoint),
    guarded(PATCH, "/__rowlock/endpoints/{endpoint_id}", control::change_endpoint),
    guarded(DELETE, "/__rowlock/endpoints/{endpoint_id}", control::remove_endpoint),
    guarded(POST, "/__rowlock/endpoints/{endpoint_id}/rotate_secret", control::rotate_secret),
    guarded(GET, "/__rowlock/deliveries", control::list_deliveries),
    guarded(GET, "/__rowlock/deliveries/{message_id}", control::get_delivery),
    guarded(POST, "/__rowlock/deliveries/{message_id}/send", control::send_again),
    guarded(POST, "/__rowlock/deliveries/{message_id}/discard", control::discard),
    guarded(GET, "/__rowlock/outbox", control::outbox),
    guarded(PATCH, "/__rowlock/outbox", control::change_outbox),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::OPERATIONS;

    #[test]
    fn the_page_about_the_emulator_lists_the_whole_control_api() {
        let page = include_str!("../../../../docs/emulator.md");
        let documented: BTreeSet<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
            .map(|(request, _)| request)
            .collect();
        let known: BTreeSet<String> = OPERATIONS
            .iter()
            .filter(|operation| operation.path.starts_with("/__rowlock/"))
            .map(|operation| format!("{} {}", operation.method, operation.path))
            .collect();
        assert_eq!(documented, known.iter().map(String::as_str).collect());
    }
}
