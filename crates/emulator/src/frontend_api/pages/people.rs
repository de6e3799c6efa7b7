//! People as the pages show them.

use crate::{users::User, view::View};

/// One person, and where they can be.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) address: String,
    pub(super) initials: String,
    pub(super) places: Vec<Place>,
    /// Why this person cannot sign in.
    pub(super) barred: Option<&'static str>,
}

/// A membership.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) role: String,
}

impl Person {
    pub(super) fn of(user: &User, view: View<'_>) -> Self {
        let state = view.state;
        let address = user.identifier().unwrap_or_default().to_owned();
        let name =
            user.full_name().unwrap_or_else(|| if address.is_empty() { user.id.to_string() } else { address.clone() });
        let places = state.memberships.of_user(&user.id).filter_map(|membership| {
            let organization = state.organizations.get(membership.organization_id.as_str())?;
            let role = state.roles.get(&membership.role).map_or(&membership.role, |role| &role.name);
            Some(Place { id: organization.id.to_string(), name: organization.name.clone(), role: role.clone() })
        });
        let barred = match (user.banned, user.locked(view.now)) {
            (true, _) => Some("banned"),
            (false, true) => Some("locked"),
            (false, false) => None,
        };
        let initials = name.split_whitespace().filter_map(|word| word.chars().next()).take(2);
        Self {
            id: user.id.to_string(),
            initials: initials.flat_map(char::to_uppercase).collect(),
            places: places.collect(),
            name,
            address,
            barred,
        }
    }

    /// Whether the name or the address has the text in it, whatever its case.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.name.to_lowercase().contains(&text) || self.address.to_lowercase().contains(&text)
    }
}
