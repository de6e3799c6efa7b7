//! The table of operations: method, path, function.

mod clients;
mod handshake;
mod me;
mod organizations;
mod sessions;
mod sign_ins;
mod sign_ups;
mod tickets;
mod waitlist;

use http::Method;

use super::{
    call::{FrontendCall, FrontendReply},
    pages,
};

pub(crate) use handshake::payload as handshake_payload;

/// One operation of the Frontend API.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// Whether it is a form of the emulator's own pages.
    pub(crate) from_own_pages_only: bool,
    /// Whether its body is a picture.
    pub(crate) uploads: bool,
    pub(crate) run: fn(&FrontendCall) -> FrontendReply,
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

const fn on(method: Method, path: &'static str, run: fn(&FrontendCall) -> FrontendReply) -> Operation {
    Operation { method, path, from_own_pages_only: false, uploads: false, run }
}

const fn own_page(method: Method, path: &'static str, run: fn(&FrontendCall) -> FrontendReply) -> Operation {
    Operation { method, path, from_own_pages_only: true, uploads: false, run }
}

const fn upload(method: Method, path: &'static str, run: fn(&FrontendCall) -> FrontendReply) -> Operation {
    Operation { method, path, from_own_pages_only: false, uploads: true, run }
}

/// Everything a page can ask for. What Clerk has and this table has not is answered with 501.
pub(crate) const OPERATIONS: &[Operation] = &[
    on(GET, "/", pages::overview),
    on(GET, "/sign-in", pages::sign_in),
    own_page(POST, "/sign-in", pages::sign_in_as),
    on(GET, "/sign-in/arrive", pages::arrive),
    on(GET, "/v1/environment", clients::environment),
    on(PATCH, "/v1/environment", clients::environment),
    on(POST, "/v1/dev_browser", clients::create_dev_browser),
    on(GET, "/v1/client", clients::get),
    on(PUT, "/v1/client", clients::create),
    on(POST, "/v1/client", clients::create),
    on(DELETE, "/v1/client", clients::destroy),
    on(DELETE, "/v1/client/sessions", clients::remove_sessions),
    on(GET, "/v1/client/handshake", handshake::handshake),
    on(POST, "/v1/client/sign_ins", sign_ins::create),
    on(GET, "/v1/client/sign_ins/{sign_in_id}", sign_ins::get),
    on(POST, "/v1/client/sign_ins/{sign_in_id}/prepare_first_factor", sign_ins::prepare_first_factor),
    on(POST, "/v1/client/sign_ins/{sign_in_id}/attempt_first_factor", sign_ins::attempt_first_factor),
    on(POST, "/v1/client/sign_ins/{sign_in_id}/prepare_second_factor", sign_ins::prepare_second_factor),
    on(POST, "/v1/client/sign_ins/{sign_in_id}/attempt_second_factor", sign_ins::attempt_second_factor),
    on(POST, "/v1/client/sign_ins/{sign_in_id}/reset_password", sign_ins::reset_password),
    on(POST, "/v1/client/sign_ups", sign_ups::create),
    on(GET, "/v1/client/sign_ups/{sign_up_id}", sign_ups::get),
    on(PATCH, "/v1/client/sign_ups/{sign_up_id}", sign_ups::update),
    on(POST, "/v1/client/sign_ups/{sign_up_id}/prepare_verification", sign_ups::prepare),
    on(POST, "/v1/client/sign_ups/{sign_up_id}/attempt_verification", sign_ups::attempt),
    on(GET, "/v1/client/sessions/{session_id}", sessions::get),
    on(POST, "/v1/client/sessions/{session_id}/touch", sessions::touch),
    on(POST, "/v1/client/sessions/{session_id}/end", sessions::end),
    on(POST, "/v1/client/sessions/{session_id}/remove", sessions::remove),
    on(POST, "/v1/client/sessions/{session_id}/tokens", sessions::token),
    on(POST, "/v1/client/sessions/{session_id}/tokens/{template_name}", sessions::token_by_template),
    on(GET, "/v1/tickets/accept", tickets::accept),
    on(POST, "/v1/waitlist", waitlist::join),
    on(GET, "/v1/me", me::get),
    on(PATCH, "/v1/me", me::update),
    on(DELETE, "/v1/me", me::delete),
    on(PATCH, "/v1/me/metadata", me::update_metadata),
    on(POST, "/v1/me/change_password", me::change_password),
    on(POST, "/v1/me/remove_password", me::remove_password),
    upload(POST, "/v1/me/profile_image", me::set_picture),
    on(DELETE, "/v1/me/profile_image", me::delete_picture),
    on(POST, "/v1/me/totp", me::create_totp),
    on(DELETE, "/v1/me/totp", me::delete_totp),
    on(POST, "/v1/me/totp/attempt_verification", me::attempt_totp),
    on(POST, "/v1/me/backup_codes", me::create_backup_codes),
    on(GET, "/v1/me/sessions", me::sessions),
    on(GET, "/v1/me/sessions/active", me::active_sessions),
    on(POST, "/v1/me/sessions/{session_id}/revoke", me::revoke_session),
    on(GET, "/v1/me/email_addresses", me::list_email_addresses),
    on(POST, "/v1/me/email_addresses", me::create_email_address),
    on(GET, "/v1/me/email_addresses/{identification_id}", me::get_email_address),
    on(DELETE, "/v1/me/email_addresses/{identification_id}", me::delete_email_address),
    on(POST, "/v1/me/email_addresses/{identification_id}/prepare_verification", me::prepare_email_address),
    on(POST, "/v1/me/email_addresses/{identification_id}/attempt_verification", me::attempt_email_address),
    on(GET, "/v1/me/phone_numbers", me::list_phone_numbers),
    on(POST, "/v1/me/phone_numbers", me::create_phone_number),
    on(GET, "/v1/me/phone_numbers/{identification_id}", me::get_phone_number),
    on(PATCH, "/v1/me/phone_numbers/{identification_id}", me::update_phone_number),
    on(DELETE, "/v1/me/phone_numbers/{identification_id}", me::delete_phone_number),
    on(POST, "/v1/me/phone_numbers/{identification_id}/prepare_verification", me::prepare_phone_number),
    on(POST, "/v1/me/phone_numbers/{identification_id}/attempt_verification", me::attempt_phone_number),
    on(GET, "/v1/me/organization_memberships", organizations::list_mine),
    on(DELETE, "/v1/me/organization_memberships/{organization_id}", organizations::leave),
    on(GET, "/v1/me/organization_invitations", organizations::list_my_invitations),
    on(POST, "/v1/me/organization_invitations/{invitation_id}/accept", organizations::accept_invitation),
    on(GET, "/v1/me/organization_suggestions", organizations::none),
    on(POST, "/v1/organizations", organizations::create),
    on(GET, "/v1/organizations/{organization_id}", organizations::get),
    on(PATCH, "/v1/organizations/{organization_id}", organizations::update),
    on(DELETE, "/v1/organizations/{organization_id}", organizations::delete),
    upload(PUT, "/v1/organizations/{organization_id}/logo", organizations::set_logo),
    on(DELETE, "/v1/organizations/{organization_id}/logo", organizations::delete_logo),
    on(GET, "/v1/organizations/{organization_id}/roles", organizations::roles),
    on(GET, "/v1/organizations/{organization_id}/memberships", organizations::list_memberships),
    on(POST, "/v1/organizations/{organization_id}/memberships", organizations::create_membership),
    on(PATCH, "/v1/organizations/{organization_id}/memberships/{user_id}", organizations::update_membership),
    on(DELETE, "/v1/organizations/{organization_id}/memberships/{user_id}", organizations::delete_membership),
    on(GET, "/v1/organizations/{organization_id}/invitations", organizations::list_invitations),
    on(POST, "/v1/organizations/{organization_id}/invitations", organizations::create_invitation),
    on(POST, "/v1/organizations/{organization_id}/invitations/bulk", organizations::create_invitations),
    on(
        POST,
        "/v1/organizations/{organization_id}/invitations/{invitation_id}/revoke",
        organizations::revoke_invitation,
    ),
    on(GET, "/v1/organizations/{organization_id}/membership_requests", organizations::none),
    on(GET, "/v1/organizations/{organization_id}/domains", organizations::none),
];
