//! One `[[table]]` as it is written, and what it takes to make sense.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Access, Command, Condition, CustomPolicy, Membership, ModelError, Requirement, Requirements, Role, Rules, Table,
};
use crate::TableName;

/// Every setting that some kind of access has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableEntry {
    name: String,
    access: Kind,
    owner: Option<String>,
    organization: Option<String>,
    membership: Option<MembershipEntry>,
    visible: Option<String>,
    parent: Option<String>,
    foreign_key: Option<String>,
    parent_key: Option<String>,
    select: Option<OneOrMany>,
    insert: Option<OneOrMany>,
    update: Option<OneOrMany>,
    delete: Option<OneOrMany>,
    write: Option<OneOrMany>,
    shared: Option<bool>,
    defaults: Option<bool>,
    #[serde(default)]
    sample: BTreeMap<String, String>,
    #[serde(default)]
    policy: Vec<PolicyEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    User,
    Organization,
    Gated,
    Public,
    Profile,
    Audit,
    Child,
    Custom,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MembershipEntry {
    Active,
    Mirror,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyEntry {
    name: String,
    command: CommandEntry,
    role: Option<RoleEntry>,
    using: Option<String>,
    check: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CommandEntry {
    Select,
    Insert,
    Update,
    Delete,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleEntry {
    Anon,
    Authenticated,
}

impl TableEntry {
    pub(super) fn check(self) -> Result<Table, ModelError> {
        let name = TableName::parse(&self.name).map_err(|reason| ModelError::Setting {
            table: format!("[[table]] `{}`", self.name),
            setting: "name",
            reason,
        })?;
        self.refuse_strangers(&name)?;
        let access = self.access(&name)?;
        Ok(Table { name, access, defaults: self.defaults.unwrap_or(true), sample: self.sample })
    }

    /// A setting of another kind would be without effect, and whoever wrote it would not know.
    fn refuse_strangers(&self, name: &TableName) -> Result<(), ModelError> {
        use Kind::{Audit, Child, Custom, Gated, Organization, Profile, Public, User};
        let has_rules = [User, Organization, Gated, Public, Profile, Audit];
        let settings: [(&'static str, bool, &[Kind]); 14] = [
            ("owner", self.owner.is_some(), &[User, Organization, Public, Profile, Audit]),
            ("organization", self.organization.is_some(), &[Organization, Public, Audit]),
            ("membership", self.membership.is_some(), &[Organization]),
            ("visible", self.visible.is_some(), &[Profile]),
            ("parent", self.parent.is_some(), &[Child]),
            ("foreign_key", self.foreign_key.is_some(), &[Child]),
            ("parent_key", self.parent_key.is_some(), &[Child]),
            ("select", self.select.is_some(), &has_rules),
            ("insert", self.insert.is_some(), &has_rules),
            ("update", self.update.is_some(), &has_rules),
            ("delete", self.delete.is_some(), &has_rules),
            ("write", self.write.is_some(), &has_rules),
            ("shared", self.shared.is_some(), &[Custom]),
            ("policy", !self.policy.is_empty(), &[Custom]),
        ];
        for (setting, is_there, kinds) in settings {
            if is_there && !kinds.contains(&self.access) {
                let kinds: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
                let reason = format!("it has no meaning with this `access`; it belongs to {}", kinds.join(", "));
                return Err(ModelError::setting(name, setting, reason));
            }
        }
        Ok(())
    }

    fn access(&self, name: &TableName) -> Result<Access, ModelError> {
        let required = |setting: &'static str, value: &Option<String>, what: &str| {
            value.clone().ok_or_else(|| ModelError::setting(name, setting, format!("it is missing; expected {what}")))
        };
        let member = || Requirements::from(Requirement::Member);
        let owner = || Requirements::from(Requirement::Owner);
        let nobody = Requirements::nobody;
        Ok(match self.access {
            Kind::User => Access::User {
                owner: required("owner", &self.owner, "the column with the user's id")?,
                rules: self.rules(name, [owner(), owner(), owner(), owner()])?,
            },
            Kind::Organization => Access::Organization {
                organization: required("organization", &self.organization, "the column with the organization's id")?,
                owner: self.owner.clone(),
                membership: match self.membership {
                    None | Some(MembershipEntry::Active) => Membership::Active,
                    Some(MembershipEntry::Mirror) => Membership::Mirror,
                },
                rules: self.rules(name, [member(), member(), member(), member()])?,
            },
            Kind::Gated => Access::Gated { rules: self.rules(name, [nobody(), nobody(), nobody(), nobody()])? },
            Kind::Public => Access::Public {
                owner: self.owner.clone(),
                organization: self.organization.clone(),
                rules: self.rules(name, [Requirement::Anyone.into(), nobody(), nobody(), nobody()])?,
            },
            Kind::Profile => Access::Profile {
                owner: required("owner", &self.owner, "the column with the user's id")?,
                visible: required("visible", &self.visible, "the boolean column that shows the row to everybody")?,
                rules: self.rules(name, [owner(), owner(), owner(), owner()])?,
            },
            Kind::Audit => Access::Audit {
                actor: required("owner", &self.owner, "the column with the id of the user who acted")?,
                organization: self.organization.clone(),
                rules: {
                    let readers = match self.organization {
                        Some(_) => Requirement::Role("org:admin".to_owned()).into(),
                        None => nobody(),
                    };
                    let writers = if self.organization.is_some() { member() } else { owner() };
                    self.rules(name, [readers, writers, nobody(), nobody()])?
                },
            },
            Kind::Child => Access::Child {
                parent: TableName::parse(&required("parent", &self.parent, "the table of the parents")?)
                    .map_err(|reason| ModelError::setting(name, "parent", reason))?,
                foreign_key: required("foreign_key", &self.foreign_key, "the column that points at the parent")?,
                parent_key: self.parent_key.clone().unwrap_or_else(|| "id".to_owned()),
            },
            Kind::Custom => {
                Access::Custom { policies: self.custom_policies(name)?, shared: self.shared.unwrap_or(false) }
            }
        })
    }

    /// The rules, over the defaults of the kind; `write` stands for insert, update and delete.
    fn rules(&self, name: &TableName, defaults: [Requirements; 4]) -> Result<Rules, ModelError> {
        let [select, insert, update, delete] = defaults;
        let write = self.requirements(name, "write", &self.write)?;
        let pick = |said: Option<Requirements>, default: Requirements| said.or(write.clone()).unwrap_or(default);
        let rules = Rules {
            select: self.requirements(name, "select", &self.select)?.unwrap_or(select),
            insert: pick(self.requirements(name, "insert", &self.insert)?, insert),
            update: pick(self.requirements(name, "update", &self.update)?, update),
            delete: pick(self.requirements(name, "delete", &self.delete)?, delete),
        };
        for command in Command::ALL {
            for requirement in &rules.of(command).0 {
                self.check_requirement(name, command, requirement)?;
            }
        }
        Ok(rules)
    }

    fn requirements(
        &self,
        name: &TableName,
        setting: &'static str,
        value: &Option<OneOrMany>,
    ) -> Result<Option<Requirements>, ModelError> {
        let words = match value {
            None => return Ok(None),
            Some(OneOrMany::One(word)) => std::slice::from_ref(word),
            Some(OneOrMany::Many(words)) => words,
        };
        if words == ["nobody"] {
            return Ok(Some(Requirements::nobody()));
        }
        let parsed: Result<Vec<Requirement>, String> = words.iter().map(|word| Requirement::parse(word)).collect();
        let parsed =
            parsed.map_err(|reason| ModelError::setting(name, setting, format!("{reason}; or `nobody` alone")))?;
        if parsed.is_empty() {
            return Err(ModelError::setting(name, setting, "the list is empty; expected a requirement, or `nobody`"));
        }
        Ok(Some(Requirements(parsed)))
    }

    /// A requirement must be answerable from what the row and the caller say.
    fn check_requirement(
        &self,
        name: &TableName,
        command: Command,
        requirement: &Requirement,
    ) -> Result<(), ModelError> {
        let refuse =
            |reason: &str| Err(ModelError::setting(name, command.as_str(), format!("`{requirement}`: {reason}")));
        match requirement {
            Requirement::Owner if self.owner.is_none() => {
                refuse("no column names the owner; expected a setting `owner`")
            }
            Requirement::Member if self.organization.is_none() => {
                refuse("no column names the organization; expected a setting `organization`")
            }
            Requirement::Role(_) | Requirement::Permission(_) if self.organization.is_none() => refuse(
                "whoever makes an organization has every role in it; expected a setting `organization`, so that it is the row's own",
            ),
            Requirement::Anyone if command != Command::Select => {
                refuse("nobody writes without a token; expected `signed-in` or narrower")
            }
            Requirement::Anyone | Requirement::SignedIn if self.access == Kind::Organization => {
                refuse("rows that belong to an organization are for its members; use access = \"public\" for others")
            }
            _ if self.access == Kind::Audit && matches!(command, Command::Update | Command::Delete) => {
                refuse("an audit that can be changed is none; expected `nobody`")
            }
            _ => Ok(()),
        }
    }

    fn custom_policies(&self, name: &TableName) -> Result<Vec<CustomPolicy>, ModelError> {
        if self.policy.is_empty() {
            return Err(ModelError::setting(name, "policy", "it is missing; expected at least one [[table.policy]]"));
        }
        self.policy.iter().map(|entry| entry.check(name)).collect()
    }
}

impl PolicyEntry {
    fn check(&self, table: &TableName) -> Result<CustomPolicy, ModelError> {
        let command = match self.command {
            CommandEntry::Select => Command::Select,
            CommandEntry::Insert => Command::Insert,
            CommandEntry::Update => Command::Update,
            CommandEntry::Delete => Command::Delete,
        };
        let refuse = |reason: String| Err(ModelError::setting(table, "policy", format!("`{}`: {reason}", self.name)));
        let needs_using = command != Command::Insert;
        let needs_check = matches!(command, Command::Insert | Command::Update);
        if self.using.is_some() != needs_using || self.check.is_some() != needs_check {
            let expected = match (needs_using, needs_check) {
                (true, true) => "`using` and `check`",
                (true, false) => "`using` alone",
                _ => "`check` alone",
            };
            return refuse(format!("a policy for {command} has {expected}"));
        }
        if self.name.is_empty() || self.name.len() > 63 {
            return refuse("its name must have 1 to 63 bytes".to_owned());
        }
        let sql = |text: &Option<String>| text.as_ref().map(|text| Condition::Sql(text.trim().to_owned()));
        Ok(CustomPolicy {
            name: self.name.clone(),
            command,
            role: match self.role {
                Some(RoleEntry::Anon) => Role::Anonymous,
                None | Some(RoleEntry::Authenticated) => Role::Authenticated,
            },
            using: sql(&self.using),
            check: sql(&self.check),
        })
    }
}
