//! Data that an instance holds before anybody looks: written down by hand, or a crowd that differs in numbers.
//!
//! A seed says what the operations of the API would be told, and everything they check is checked. Ids may be given, so
//! that a test or a demo knows them beforehand. Nothing is announced unless the seed says so.

use clerk::{OrganizationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    billing::NewPlan,
    change::Change,
    form::Form,
    memberships::NewMembership,
    organizations::NewOrganization,
    refusal::Refusal,
    roles::{ADMIN, MEMBER, NewPermission, NewRole},
    users::{Identifier, NewUser, User},
};

/// What to plant, in this order: permissions, roles, plans, users, organizations with their members, the crowd.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Whether what is planted is announced to webhook endpoints, as if it happened now.
    pub events: bool,
    /// Bodies of `POST /v1/organization_permissions`.
    pub permissions: Vec<Value>,
    /// Bodies of `POST /v1/organization_roles`; permissions may be named by their keys.
    pub roles: Vec<Value>,
    /// Bodies of `POST /__rowlock/billing/plans`.
    pub plans: Vec<Value>,
    /// Bodies of `POST /v1/users`, with an `id` if wanted.
    pub users: Vec<Value>,
    /// Bodies of `POST /v1/organizations`, with an `id` if wanted; `created_by` is any name of a user.
    pub organizations: Vec<Value>,
    /// Who belongs where beside the creators.
    pub memberships: Vec<SeededMember>,
    /// Many of everything.
    pub crowd: Crowd,
}

/// One membership of a seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededMember {
    /// Id or slug.
    pub organization: String,
    /// Id, e-mail address, username or external id.
    pub user: String,
    /// `org:member` unless said otherwise.
    #[serde(default = "member")]
    pub role: String,
}

/// So many users, `person-0@example.com` and on, each created a millisecond after the one before, and so many
/// organizations that share them out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crowd {
    /// How many users.
    pub users: u32,
    /// How many organizations.
    pub organizations: u32,
    /// How many members each organization has, the first one as its administrator.
    pub members_per_organization: u32,
}

fn member() -> String {
    MEMBER.to_owned()
}

impl Change<'_> {
    /// Plants a seed. What cannot be planted is refused; the caller throws the whole change away then.
    pub(crate) fn plant(&mut self, seed: &Seed) -> Result<(), Refusal> {
        self.quiet = !seed.events;
        for body in &seed.permissions {
            self.create_permission(NewPermission::read(form(body)?)?)?;
        }
        for body in &seed.roles {
            self.create_role(NewRole::read(form(body)?)?)?;
        }
        for body in &seed.plans {
            self.create_plan(NewPlan::read(form(body)?)?)?;
        }
        for body in &seed.users {
            let (id, form) = id_and_form(body)?;
            let new = NewUser::read(form)?;
            let id = id.map(|id| UserId::parse(&id).map_err(|error| unusable_id(&error))).transpose()?;
            self.create_user(match id {
                Some(id) => new.with_id(id),
                None => new,
            })?;
        }
        for body in &seed.organizations {
            self.plant_organization(body)?;
        }
        for member in &seed.memberships {
            let user = self.anybody(&member.user)?.id.clone();
            self.create_membership(&member.organization, NewMembership::plain(user.as_str(), &member.role))?;
        }
        self.plant_crowd(seed.crowd)
    }

    fn plant_organization(&mut self, body: &Value) -> Result<(), Refusal> {
        let mut body = body.clone();
        if let Some(creator) = body["created_by"].as_str() {
            body["created_by"] = Value::String(self.anybody(creator)?.id.to_string());
        }
        let (id, form) = id_and_form(&body)?;
        let new = NewOrganization::read(form)?;
        let id = id.map(|id| OrganizationId::parse(&id).map_err(|error| unusable_id(&error))).transpose()?;
        self.create_organization(match id {
            Some(id) => new.with_id(id),
            None => new,
        })?;
        Ok(())
    }

    fn plant_crowd(&mut self, crowd: Crowd) -> Result<(), Refusal> {
        // The youngest is created now.
        let moment = |number: u32, count: u32| {
            Timestamp::from_millis(self.now.millis().saturating_sub(i64::from(count - number - 1)))
        };
        let moments: Vec<Timestamp> = (0..crowd.users).map(|number| moment(number, crowd.users)).collect();
        let founded: Vec<Timestamp> =
            (0..crowd.organizations).map(|number| moment(number, crowd.organizations)).collect();
        let mut users = Vec::with_capacity(moments.len());
        for (number, created_at) in (0..).zip(moments) {
            users.push(self.create_user(NewUser::numbered(number, created_at))?);
        }
        let mut next = users.iter().cycle();
        for (number, created_at) in (0..).zip(founded) {
            let organization = self.create_organization(NewOrganization::numbered(number, created_at))?;
            let members = usize::try_from(crowd.members_per_organization).unwrap_or(usize::MAX).min(users.len());
            for (place, user) in next.by_ref().take(members).enumerate() {
                let role = if place == 0 { ADMIN } else { MEMBER };
                self.create_membership(organization.as_str(), NewMembership::plain(user.as_str(), role))?;
            }
        }
        Ok(())
    }

    /// A user by any name: id, e-mail address, username or external id.
    pub(crate) fn anybody(&self, name: &str) -> Result<&User, Refusal> {
        let users = &self.state.users;
        let named =
            [Identifier::email_address(name), Identifier::username(name), Identifier::ExternalId(name.to_owned())];
        let found = users.get(name).or_else(|| named.iter().find_map(|identifier| users.owner(identifier)));
        found.ok_or_else(|| Refusal::not_found("user", name))
    }
}

fn form(body: &Value) -> Result<Form, Refusal> {
    Form::parse(body.to_string().as_bytes())
}

fn id_and_form(body: &Value) -> Result<(Option<String>, Form), Refusal> {
    let mut form = form(body)?;
    Ok((form.string("id")?.given(), form))
}

fn unusable_id(error: &clerk::InvalidId) -> Refusal {
    Refusal::form("form_param_format_invalid", "is invalid", format!("The id is unusable: {error}."), "id")
}
