//! The events tell the whole truth: whoever replays them has the state.

use std::collections::BTreeMap;

use clerk::{EventKind, InstanceId, Timestamp};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Change, Event};
use crate::{
    api_version::ApiVersion,
    form::Form,
    ids::IdSource,
    memberships::{MembershipPatch, NewMembership},
    metadata::MetadataMode,
    organizations::{NewOrganization, OrganizationPatch},
    refusal::Refusal,
    sessions::NewSession,
    state::State,
    users::{IdentificationKind, NewIdentification, NewUser, UserMetadata, UserPatch},
    view::{Detail, View},
};

/// One thing that happens. Numbers choose among what exists, or name what does not.
#[derive(Debug, Clone)]
enum Step {
    CreateUser { email: u8, username: Option<u8> },
    RenameUser { user: u8, name: u8 },
    TakeUsername { user: u8, username: u8 },
    UserMetadata { user: u8, key: u8 },
    BanUser { user: u8 },
    DeleteUser { user: u8 },
    AddEmail { user: u8, email: u8 },
    RemoveEmail { user: u8 },
    CreateOrganization { creator: Option<u8>, slug: Option<u8> },
    ChangeSlug { organization: u8, slug: u8 },
    DeleteOrganization { organization: u8 },
    AddMember { organization: u8, user: u8 },
    ChangeRole { organization: u8, user: u8, admin: bool },
    RemoveMember { organization: u8, user: u8 },
    SignIn { user: u8, organization: Option<u8> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let few = 0..5_u8;
    let maybe = proptest::option::of(0..5_u8);
    let step = prop_oneof![
        3 => (few.clone(), maybe.clone()).prop_map(|(email, username)| Step::CreateUser { email, username }),
        1 => (few.clone(), few.clone()).prop_map(|(user, name)| Step::RenameUser { user, name }),
        1 => (few.clone(), few.clone()).prop_map(|(user, username)| Step::TakeUsername { user, username }),
        1 => (few.clone(), few.clone()).prop_map(|(user, key)| Step::UserMetadata { user, key }),
        1 => few.clone().prop_map(|user| Step::BanUser { user }),
        1 => few.clone().prop_map(|user| Step::DeleteUser { user }),
        1 => (few.clone(), few.clone()).prop_map(|(user, email)| Step::AddEmail { user, email }),
        1 => few.clone().prop_map(|user| Step::RemoveEmail { user }),
        2 => (maybe.clone(), maybe.clone()).prop_map(|(creator, slug)| Step::CreateOrganization { creator, slug }),
        1 => (few.clone(), few.clone()).prop_map(|(organization, slug)| Step::ChangeSlug { organization, slug }),
        1 => few.clone().prop_map(|organization| Step::DeleteOrganization { organization }),
        3 => (few.clone(), few.clone()).prop_map(|(organization, user)| Step::AddMember { organization, user }),
        1 => (few.clone(), few.clone(), any::<bool>())
            .prop_map(|(organization, user, admin)| Step::ChangeRole { organization, user, admin }),
        1 => (few.clone(), few.clone()).prop_map(|(organization, user)| Step::RemoveMember { organization, user }),
        1 => (few, maybe).prop_map(|(user, organization)| Step::SignIn { user, organization }),
    ];
    proptest::collection::vec(step, 1..60)
}

fn form(body: Value) -> Form {
    Form::parse(body.to_string().as_bytes()).unwrap()
}

fn user_id(state: &State, number: u8) -> String {
    let user = state.users.oldest_first().nth(usize::from(number));
    user.map_or("user_nobody".to_owned(), |user| user.id.to_string())
}

fn organization_id(state: &State, number: u8) -> String {
    let organization = state.organizations.oldest_first().nth(usize::from(number));
    organization.map_or("org_nothing".to_owned(), |organization| organization.id.to_string())
}

fn address(number: u8) -> String {
    format!("person-{number}@example.com")
}

fn take(change: &mut Change<'_>, step: Step) -> Result<(), Refusal> {
    let role = |admin| if admin { "org:admin" } else { "org:member" };
    match step {
        Step::CreateUser { email, username } => {
            let username = username.map(|number| format!("person{number}"));
            let body = json!({ "email_address": [address(email)], "username": username });
            change.create_user(NewUser::read(form(body))?).map(|_| ())
        }
        Step::RenameUser { user, name } => {
            let patch = UserPatch::read(form(json!({ "first_name": format!("Name {name}") })), ApiVersion::LATEST)?;
            change.update_user(&user_id(change.state, user), patch).map(|_| ())
        }
        Step::TakeUsername { user, username } => {
            let body = json!({ "username": format!("person{username}") });
            let patch = UserPatch::read(form(body), ApiVersion::LATEST)?;
            change.update_user(&user_id(change.state, user), patch).map(|_| ())
        }
        Step::UserMetadata { user, key } => {
            let metadata = UserMetadata::read(form(json!({ "public_metadata": { key.to_string(): key } })))?;
            change.update_user_metadata(&user_id(change.state, user), metadata, MetadataMode::Merge).map(|_| ())
        }
        Step::BanUser { user } => change.ban_user(&user_id(change.state, user)).map(|_| ()),
        Step::DeleteUser { user } => change.delete_user(&user_id(change.state, user)).map(|_| ()),
        Step::AddEmail { user, email } => {
            let body =
                json!({ "user_id": user_id(change.state, user), "email_address": address(email), "verified": true });
            let new = NewIdentification::read(IdentificationKind::EmailAddress, form(body))?;
            change.create_identification(new).map(|_| ())
        }
        Step::RemoveEmail { user } => {
            let user = change.state.users.get(&user_id(change.state, user));
            let email = user.and_then(|user| user.email_addresses.first()).map(|email| email.id.clone());
            let email = email.unwrap_or_else(|| "idn_nothing".to_owned());
            change.delete_identification(IdentificationKind::EmailAddress, &email)
        }
        Step::CreateOrganization { creator, slug } => {
            let creator = creator.map(|number| user_id(change.state, number));
            let body =
                json!({ "name": "Acme", "created_by": creator, "slug": slug.map(|number| format!("acme-{number}")) });
            change.create_organization(NewOrganization::read(form(body))?).map(|_| ())
        }
        Step::ChangeSlug { organization, slug } => {
            let body = json!({ "slug": format!("acme-{slug}") });
            let patch = OrganizationPatch::read(form(body), ApiVersion::LATEST)?;
            change.update_organization(&organization_id(change.state, organization), patch).map(|_| ())
        }
        Step::DeleteOrganization { organization } => {
            change.delete_organization(&organization_id(change.state, organization)).map(|_| ())
        }
        Step::AddMember { organization, user } => {
            let new =
                NewMembership::read(form(json!({ "user_id": user_id(change.state, user), "role": role(false) })))?;
            change.create_membership(&organization_id(change.state, organization), new).map(|_| ())
        }
        Step::ChangeRole { organization, user, admin } => {
            let patch = MembershipPatch::read(form(json!({ "role": role(admin) })))?;
            let (organization, user) = (organization_id(change.state, organization), user_id(change.state, user));
            change.update_membership(&organization, &user, patch).map(|_| ())
        }
        Step::RemoveMember { organization, user } => {
            let (organization, user) = (organization_id(change.state, organization), user_id(change.state, user));
            change.delete_membership(&organization, &user).map(|_| ())
        }
        Step::SignIn { user, organization } => {
            let organization = organization.map(|number| organization_id(change.state, number));
            let body = json!({ "user_id": user_id(change.state, user), "active_organization_id": organization });
            change.create_session(NewSession::read(form(body))?).map(|_| ())
        }
    }
}

/// What somebody knows who saw nothing but the events.
#[derive(Debug, Default, PartialEq)]
struct Replica {
    users: BTreeMap<String, Value>,
    organizations: BTreeMap<String, Value>,
    /// Organization, user and role.
    memberships: BTreeMap<String, Value>,
}

impl Replica {
    fn apply(&mut self, event: &Event) {
        let data: Value = serde_json::from_str(event.data.get()).unwrap();
        let id = data["id"].as_str().unwrap().to_owned();
        match &event.kind {
            EventKind::UserCreated | EventKind::UserUpdated => {
                self.users.insert(id, data);
            }
            EventKind::UserDeleted => {
                self.users.remove(&id);
                self.memberships.retain(|_, membership| membership["user"] != json!(id));
            }
            EventKind::OrganizationCreated | EventKind::OrganizationUpdated => {
                self.organizations.insert(id, without_counts(data));
            }
            EventKind::OrganizationDeleted => {
                self.organizations.remove(&id);
                self.memberships.retain(|_, membership| membership["organization"] != json!(id));
            }
            EventKind::OrganizationMembershipCreated | EventKind::OrganizationMembershipUpdated => {
                self.memberships.insert(id, essence(&data));
            }
            EventKind::OrganizationMembershipDeleted => {
                assert_eq!(self.memberships.remove(&id), Some(essence(&data)), "a deletion carries what was");
            }
            _ => {}
        }
    }

    fn of(view: View<'_>) -> Self {
        let users = view.state.users.oldest_first().map(|user| (user.id.to_string(), value(&view.user(user))));
        let organizations =
            view.state.organizations.oldest_first().map(|organization| {
                (organization.id.to_string(), value(&view.organization(organization, Detail::Plain)))
            });
        let memberships = view.state.memberships.oldest_first().map(|membership| {
            (membership.id.to_string(), essence(&value(&view.membership(membership, Detail::Plain))))
        });
        Self { users: users.collect(), organizations: organizations.collect(), memberships: memberships.collect() }
    }
}

fn value(object: &impl Serialize) -> Value {
    serde_json::to_value(object).unwrap()
}

fn without_counts(mut organization: Value) -> Value {
    let members = organization.as_object_mut().unwrap();
    members.retain(|name, _| !name.ends_with("_count") && name != "missing_member_with_elevated_permissions");
    organization
}

fn essence(membership: &Value) -> Value {
    json!({
        "organization": membership["organization"]["id"],
        "user": membership["public_user_data"]["user_id"],
        "role": membership["role"],
        "updated_at": membership["updated_at"],
    })
}

/// Everything but the position of the id source, which a refused operation may move.
fn rows(state: &State) -> Value {
    let mut value = serde_json::to_value(state).unwrap();
    value.as_object_mut().unwrap().remove("ids");
    value
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn replaying_the_events_gives_the_state(steps in steps()) {
        let instance_id = InstanceId::parse("ins_test").unwrap();
        let mut state = State::new(IdSource::new(Some(1)), &instance_id, Timestamp::from_seconds(0));
        let mut replica = Replica::default();
        for (time, step) in (0..).zip(steps) {
            let before = rows(&state);
            let now = Timestamp::from_seconds(1_700_000_000 + time);
            let mut change = Change::begin(&mut state, &instance_id, now);
            match take(&mut change, step) {
                Ok(()) => {
                    prop_assert!(!change.events.is_empty(), "a change without an event");
                    change.events.iter().for_each(|event| replica.apply(event));
                }
                Err(refusal) => {
                    prop_assert!(change.events.is_empty(), "a refusal announced something: {refusal}");
                    prop_assert_eq!(&rows(&state), &before, "a refusal changed something");
                }
            }
            state.check().unwrap();
        }
        // Long after: nobody is locked any more, so the clock does not show in the objects.
        let view = View { state: &state, instance_id: &instance_id, now: Timestamp::from_seconds(1_800_000_000) };
        prop_assert_eq!(Replica::of(view), replica);

        let reread: State = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        prop_assert_eq!(rows(&reread), rows(&state));
    }
}
