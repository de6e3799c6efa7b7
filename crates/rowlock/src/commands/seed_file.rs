//! What an instance begins with: settings, roles, people and organizations, as TOML.
//!
//! Settings and roles hold at every start; people and organizations are planted into a new instance only, by the same
//! operations that an app's server would call, so that every check of Clerk's applies to them.

use std::path::Path;

use anyhow::Context as _;
use emulator::{InstanceSettings, RoleDefinition, Seed, SeededMember};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Three people in two organizations, whose addresses are Clerk's test addresses.
const DEFAULT: &str = include_str!("people.toml");

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SeedFile {
    /// What people who sign in or up are asked for.
    pub(super) settings: InstanceSettings,
    /// Roles beside Clerk's own two, or permissions for those.
    pub(super) roles: Vec<RoleDefinition>,
    users: Vec<Map<String, Value>>,
    organizations: Vec<SeedOrganization>,
}

/// An organization and who is in it, by e-mail address or username.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedOrganization {
    name: String,
    slug: String,
    #[serde(default)]
    public_metadata: Map<String, Value>,
    #[serde(default)]
    members: Vec<SeedMember>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedMember {
    user: String,
    #[serde(default = "member")]
    role: String,
}

fn member() -> String {
    "org:member".to_owned()
}

impl SeedFile {
    /// The file, or the people that `rowlock clerk` has without one.
    pub(super) fn read_or_people(path: Option<&Path>) -> anyhow::Result<Self> {
        match path {
            Some(path) => Self::read(path),
            None => toml::from_str(DEFAULT).context("the built-in seed is damaged"),
        }
    }

    /// The file, or nobody.
    pub(super) fn read_or_nobody(path: Option<&Path>) -> anyhow::Result<Self> {
        path.map_or_else(|| Ok(Self::default()), Self::read)
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the seed {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot understand the seed {}", path.display()))
    }

    /// The part that a new instance begins with.
    pub(super) fn seed(&self) -> Seed {
        let mut seed = Seed { users: self.users.iter().cloned().map(Value::Object).collect(), ..Seed::default() };
        for SeedOrganization { name, slug, public_metadata, members } in &self.organizations {
            seed.organizations.push(json!({ "name": name, "slug": slug, "public_metadata": public_metadata }));
            seed.memberships.extend(members.iter().map(|member| SeededMember {
                organization: slug.clone(),
                user: member.user.clone(),
                role: member.role.clone(),
            }));
        }
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::SeedFile;

    #[test]
    fn the_built_in_seed_is_three_people_in_two_organizations() {
        let seed = SeedFile::read_or_people(None).unwrap().seed();
        assert_eq!((seed.users.len(), seed.organizations.len(), seed.memberships.len()), (3, 2, 4));
        assert_eq!(seed.memberships[1].role, "org:member");
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "[settings]\npasswort = \"off\"\n").unwrap();
        let error = format!("{:#}", SeedFile::read(file.path()).unwrap_err());
        assert!(error.contains("line 2") && error.contains("passwort"), "{error}");
    }
}
