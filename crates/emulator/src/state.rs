//! Everything an instance knows, in memory.
//!
//! The rule between the parts: a membership's user and organization exist, and so do a session's user and the organization
//! of an invitation or a domain. The operations keep it; [`State::check`] asks it of a state that comes from a file.

use clerk::{InstanceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    access_lists::ListedIdentifier,
    api_keys::ApiKey,
    billing::Billing,
    configuration::Configuration,
    frontend_api::{clients::Clients, handshakes::Handshakes},
    ids::IdSource,
    images::Image,
    invitations::Invitation,
    jwt_templates::JwtTemplates,
    m2m_tokens::M2mToken,
    machines::Machine,
    memberships::Memberships,
    oauth_applications::OauthApplication,
    oauth_tokens::OauthToken,
    organization_domains::OrganizationDomain,
    organization_invitations::OrganizationInvitation,
    organizations::Organizations,
    redirect_urls::RedirectUrl,
    restrictions::Restrictions,
    roles::Roles,
    sessions::Sessions,
    table::Table,
    tickets::SignInTicket,
    users::Users,
    verifications::Verification,
    waitlist::WaitlistEntry,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct State {
    /// When the instance was made.
    pub(crate) created_at: Timestamp,
    pub(crate) ids: IdSource,
    pub(crate) users: Users,
    pub(crate) organizations: Organizations,
    pub(crate) memberships: Memberships,
    pub(crate) sessions: Sessions,
    pub(crate) jwt_templates: JwtTemplates,
    /// Browsers.
    #[serde(default)]
    pub(crate) clients: Clients,
    /// Lives for a minute at most, so it is not saved.
    #[serde(skip)]
    pub(crate) handshakes: Handshakes,
    #[serde(default)]
    pub(crate) roles: Roles,
    #[serde(default)]
    pub(crate) organization_invitations: Table<OrganizationInvitation>,
    #[serde(default)]
    pub(crate) organization_domains: Table<OrganizationDomain>,
    #[serde(default)]
    pub(crate) invitations: Table<Invitation>,
    #[serde(default)]
    pub(crate) waitlist: Table<WaitlistEntry>,
    #[serde(default)]
    pub(crate) billing: Billing,
    #[serde(default)]
    pub(crate) verifications: Table<Verification>,
    #[serde(default)]
    pub(crate) sign_in_tickets: Table<SignInTicket>,
    #[serde(default)]
    pub(crate) access_lists: Table<ListedIdentifier>,
    #[serde(default)]
    pub(crate) redirect_urls: Table<RedirectUrl>,
    #[serde(default)]
    pub(crate) machines: Table<Machine>,
    #[serde(default)]
    pub(crate) m2m_tokens: Table<M2mToken>,
    #[serde(default)]
    pub(crate) api_keys: Table<ApiKey>,
    #[serde(default)]
    pub(crate) oauth_applications: Table<OauthApplication>,
    #[serde(default)]
    pub(crate) oauth_tokens: Table<OauthToken>,
    #[serde(default)]
    pub(crate) images: Table<Image>,
    #[serde(default)]
    pub(crate) restrictions: Restrictions,
    #[serde(default)]
    pub(crate) configuration: Configuration,
    /// How far the instance is ahead of its clock, in milliseconds.
    #[serde(default)]
    pub(crate) clock_shift: u64,
    /// Where the instance listens, for links in e-mails; not part of what is saved.
    #[serde(skip)]
    pub(crate) base_url: String,
}

/// Two parts of a state contradict each other.
#[derive(Debug, thiserror::Error)]
#[error("{what} {id} refers to {missing}, which is not there")]
pub(crate) struct Dangling {
    what: &'static str,
    id: String,
    missing: String,
}

impl State {
    pub(crate) fn new(ids: IdSource, instance_id: &InstanceId, now: Timestamp) -> Self {
        Self {
            created_at: now,
            ids,
            users: Users::default(),
            organizations: Organizations::default(),
            memberships: Memberships::default(),
            sessions: Sessions::default(),
            jwt_templates: JwtTemplates::default(),
            clients: Clients::default(),
            handshakes: Handshakes::default(),
            roles: Roles::initial(instance_id, now),
            organization_invitations: Table::default(),
            organization_domains: Table::default(),
            invitations: Table::default(),
            waitlist: Table::default(),
            billing: Billing::initial(instance_id, now),
            verifications: Table::default(),
            sign_in_tickets: Table::default(),
            access_lists: Table::default(),
            redirect_urls: Table::default(),
            machines: Table::default(),
            m2m_tokens: Table::default(),
            api_keys: Table::default(),
            oauth_applications: Table::default(),
            oauth_tokens: Table::default(),
            images: Table::default(),
            restrictions: Restrictions::default(),
            configuration: Configuration::default(),
            clock_shift: 0,
            base_url: String::new(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Dangling> {
        for membership in self.memberships.oldest_first() {
            let dangling = |missing: &str| Dangling {
                what: "membership",
                id: membership.id.to_string(),
                missing: missing.to_owned(),
            };
            if self.users.get(membership.user_id.as_str()).is_none() {
                return Err(dangling(membership.user_id.as_str()));
            }
            if self.organizations.get(membership.organization_id.as_str()).is_none() {
                return Err(dangling(membership.organization_id.as_str()));
            }
        }
        for session in self.sessions.iter() {
            if self.users.get(session.user_id.as_str()).is_none() {
                let (id, missing) = (session.id.to_string(), session.user_id.to_string());
                return Err(Dangling { what: "session", id, missing });
            }
        }
        let owned =
            self.organization_invitations.oldest_first().map(|one| ("invitation", &one.id, &one.organization_id));
        let domains = self.organization_domains.oldest_first().map(|one| ("domain", &one.id, &one.organization_id));
        for (what, id, organization) in owned.chain(domains) {
            if self.organizations.get(organization.as_str()).is_none() {
                return Err(Dangling { what, id: id.clone(), missing: organization.to_string() });
            }
        }
        Ok(())
    }
}
