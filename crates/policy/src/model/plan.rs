//! From whose rows they are to what Postgres must hold: policies, grants, indexes, defaults.

use std::fmt;

use super::{Access, Command, Condition, Exception, Membership, Model, Requirement, Table};

/// A role that policies and grants are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Callers without a token.
    Anonymous,
    /// Callers with one.
    Authenticated,
}

impl Role {
    /// In Postgres.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anon",
            Self::Authenticated => "authenticated",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Everything that one table needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they are written.
    pub policies: Vec<PlannedPolicy>,
    /// What each role may do at all: (role, commands).
    pub grants: Vec<(Role, Vec<Command>)>,
    /// Indexes that the policies need.
    pub indexes: Vec<Index>,
    /// Columns that fill themselves in: (column, expression).
    pub defaults: Vec<(String, &'static str)>,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPolicy {
    /// Its name, unique for the table.
    pub name: String,
    /// For which command; `None` is all.
    pub command: Option<Command>,
    /// For which roles.
    pub roles: Vec<Role>,
    /// Whether it takes away (restrictive) instead of giving.
    pub restrictive: bool,
    /// Which rows.
    pub using: Option<Condition>,
    /// Which rows may come of it.
    pub check: Option<Condition>,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// Longest name that Postgres keeps whole.
const LONGEST_NAME: usize = 63;

impl Model {
    /// What the table needs.
    pub fn plan(&self, table: &Table) -> Plan {
        let mut policies = match &table.access {
            Access::Custom { policies, .. } => policies
                .iter()
                .map(|policy| PlannedPolicy {
                    name: policy.name.clone(),
                    command: Some(policy.command),
                    roles: vec![policy.role],
                    restrictive: false,
                    using: policy.using.clone(),
                    check: policy.check.clone(),
                })
                .collect(),
            _ => Command::ALL.into_iter().filter_map(|command| self.policy(table, command)).collect::<Vec<_>>(),
        };
        let grants = grants(&policies);
        let indexes = indexes(table, &policies);
        policies.extend(self.restrictions(table, &policies));
        Plan { policies, grants, indexes, defaults: defaults(table) }
    }

    fn policy(&self, table: &Table, command: Command) -> Option<PlannedPolicy> {
        let condition = self.condition(table, command)?;
        // Of a row that is public, or shown, callers without a token see as much.
        let shown = matches!(table.access, Access::Profile { .. });
        let public = table.access.rules().is_some_and(|rules| rules.of(command).includes_anyone());
        let roles = if command == Command::Select && (shown || public) {
            vec![Role::Anonymous, Role::Authenticated]
        } else {
            vec![Role::Authenticated]
        };
        let using = (command != Command::Insert).then(|| condition.clone());
        let check = matches!(command, Command::Insert | Command::Update).then_some(condition);
        Some(PlannedPolicy {
            name: fitting(&table.name.table, command.as_str()),
            command: Some(command),
            roles,
            restrictive: false,
            using,
            check,
        })
    }

    /// What must hold for the command; nothing when nobody may.
    pub fn condition(&self, table: &Table, command: Command) -> Option<Condition> {
        match &table.access {
            Access::Child { parent, foreign_key, parent_key } => {
                let above = self.table(parent)?;
                let condition = match command {
                    // The parent's own policies decide which parents there are.
                    Command::Select => None,
                    // Whoever may change the parent may change what belongs to it.
                    _ => Some(Box::new(self.condition(above, Command::Update)?)),
                };
                self.condition(above, Command::Select)?;
                Some(Condition::Parent {
                    foreign_key: foreign_key.clone(),
                    parent: parent.clone(),
                    parent_key: parent_key.clone(),
                    condition,
                })
            }
            Access::Custom { policies, .. } => {
                let conditions: Vec<Condition> = policies
                    .iter()
                    .filter(|policy| policy.command == command)
                    .filter_map(|policy| policy.using.clone().or_else(|| policy.check.clone()))
                    .collect();
                (!conditions.is_empty()).then(|| Condition::any(conditions))
            }
            access => {
                let rules = access.rules()?;
                let mut ways: Vec<Condition> =
                    rules.of(command).0.iter().map(|requirement| way(access, command, requirement)).collect();
                if let (Access::Profile { visible, .. }, Command::Select) = (access, command) {
                    ways.push(Condition::IsTrue(visible.clone()));
                }
                (!ways.is_empty()).then(|| Condition::any(ways))
            }
        }
    }

    /// Policies that take away from sessions that are not quite the user's.
    fn restrictions(&self, table: &Table, granted: &[PlannedPolicy]) -> Vec<PlannedPolicy> {
        let exceptions = [
            (self.settings.pending, "pending", Condition::NotPending),
            (self.settings.impersonated, "impersonated", Condition::NotImpersonated),
            (self.settings.revoked, "revoked", Condition::NotRevoked),
        ];
        let mut restrictions = Vec::new();
        for (exception, name, holds) in exceptions {
            // A child whose parents are hidden from such a session is hidden with them.
            let hidden = exception == Exception::Refuse && self.is_hidden_with_parent(table);
            if exception == Exception::Accept || hidden {
                continue;
            }
            let condition = || holds.clone();
            let concerned: Vec<(Command, Condition)> = Command::ALL
                .into_iter()
                .filter(|command| exception != Exception::ReadOnly || *command != Command::Select)
                .filter(|command| granted.iter().any(|policy| policy.command == Some(*command)))
                .filter_map(|command| match &table.access {
                    // What callers without a token may do is not taken from those with one.
                    Access::Profile { visible, .. } if command == Command::Select => {
                        Some((command, Condition::Any(vec![Condition::IsTrue(visible.clone()), condition()])))
                    }
                    _ if is_for_anyone(granted, command) => None,
                    _ => Some((command, condition())),
                })
                .collect();
            let restriction = |name: String, command: Option<Command>, condition: Condition| PlannedPolicy {
                name,
                command,
                roles: vec![Role::Authenticated],
                restrictive: true,
                // Where nothing else is said, Postgres takes `using` for `with check`: once is enough.
                using: (command != Some(Command::Insert)).then(|| condition.clone()),
                check: (command == Some(Command::Insert)).then_some(condition),
            };
            let all_alike = concerned.iter().all(|(_, each)| *each == condition());
            let covers_select = concerned.iter().any(|(command, _)| *command == Command::Select);
            if exception == Exception::Refuse && all_alike && covers_select {
                let name = fitting(&table.name.table, &format!("not_{name}"));
                restrictions.push(restriction(name, None, condition()));
            } else {
                restrictions.extend(concerned.into_iter().map(|(command, condition)| {
                    restriction(fitting(&table.name.table, &format!("{command}_not_{name}")), Some(command), condition)
                }));
            }
        }
        restrictions
    }
}

impl Model {
    /// Whether the rows depend on a parent that nobody sees without a session.
    fn is_hidden_with_parent(&self, table: &Table) -> bool {
        let Access::Child { parent, .. } = &table.access else { return false };
        match self.table(parent) {
            Some(above) => match &above.access {
                Access::Child { .. } => self.is_hidden_with_parent(above),
                Access::Profile { .. } | Access::Custom { .. } => false,
                access => !access.rules().is_some_and(|rules| rules.select.includes_anyone()),
            },
            None => false,
        }
    }
}

fn is_for_anyone(granted: &[PlannedPolicy], command: Command) -> bool {
    granted.iter().any(|policy| policy.command == Some(command) && policy.roles.contains(&Role::Anonymous))
}

/// One way to be allowed, as a condition.
fn way(access: &Access, command: Command, requirement: &Requirement) -> Condition {
    let mut parts = Vec::new();
    if let Some(column) = access.organization_column() {
        let membership = match access {
            Access::Organization { membership, .. } => *membership,
            _ => Membership::Active,
        };
        parts.extend(match (requirement, membership) {
            (Requirement::Anyone | Requirement::SignedIn, _) => None,
            (Requirement::Permission(permission), Membership::Mirror) => {
                Some(Condition::IsMyOrganizationWith(column.to_owned(), permission.clone()))
            }
            (Requirement::Role(role), Membership::Mirror) => {
                Some(Condition::IsMyOrganizationAs(column.to_owned(), role.clone()))
            }
            (_, Membership::Mirror) => Some(Condition::IsMyOrganization(column.to_owned())),
            (_, Membership::Active) => Some(Condition::IsActiveOrganization(column.to_owned())),
        });
        if let (Requirement::Permission(_) | Requirement::Role(_), Membership::Mirror) = (requirement, membership) {
            return with_author(access, command, parts);
        }
    }
    match requirement {
        Requirement::Anyone | Requirement::Member => {}
        Requirement::SignedIn => parts.push(Condition::SignedIn),
        Requirement::Owner => {
            let column = access.owner_column().expect("a requirement of an owner was checked to have a column");
            parts.push(Condition::IsCaller(column.to_owned()));
        }
        Requirement::Role(role) => parts.push(Condition::Role(role.clone())),
        Requirement::Permission(permission) if requirement.is_system_permission() => {
            parts.push(Condition::LivePermission(permission.clone()));
        }
        Requirement::Permission(permission) => parts.push(Condition::Permission(permission.clone())),
        Requirement::Feature(feature) => parts.push(Condition::Feature(feature.clone())),
        Requirement::Plan(plan) => parts.push(Condition::Plan(plan.clone())),
    }
    with_author(access, command, parts)
}

/// Nobody makes a row in somebody else's name.
fn with_author(access: &Access, command: Command, mut parts: Vec<Condition>) -> Condition {
    if let (Command::Insert, Some(owner)) = (command, access.owner_column()) {
        let is_author = Condition::IsCaller(owner.to_owned());
        if !parts.contains(&is_author) {
            parts.push(is_author);
        }
    }
    Condition::all(parts)
}

/// Whoever has a policy for a command has the grant for it, and nobody else.
fn grants(policies: &[PlannedPolicy]) -> Vec<(Role, Vec<Command>)> {
    let of = |role: Role| {
        let commands: Vec<Command> = Command::ALL
            .into_iter()
            .filter(|command| {
                policies.iter().any(|policy| policy.command == Some(*command) && policy.roles.contains(&role))
            })
            .collect();
        (role, commands)
    };
    [Role::Anonymous, Role::Authenticated].map(of).into_iter().filter(|(_, commands)| !commands.is_empty()).collect()
}

fn indexes(table: &Table, policies: &[PlannedPolicy]) -> Vec<Index> {
    let mut indexes: Vec<Index> = Vec::new();
    let scanning = policies.iter().filter_map(|policy| policy.using.as_ref());
    for column in scanning.flat_map(Condition::indexable_columns) {
        if indexes.iter().all(|index| index.columns[0] != column) {
            let name = fitting(&table.name.table, &format!("{column}_idx"));
            indexes.push(Index { name, columns: vec![column.to_owned()] });
        }
    }
    indexes
}

fn defaults(table: &Table) -> Vec<(String, &'static str)> {
    if !table.defaults {
        return Vec::new();
    }
    let owner = table.access.owner_column().map(|column| (column.to_owned(), "clerk.user_id()"));
    let organization = table.access.organization_column().map(|column| (column.to_owned(), "clerk.org_id()"));
    owner.into_iter().chain(organization).collect()
}

/// `table_ending`, the table's name cut where Postgres would cut the ending.
fn fitting(table: &str, ending: &str) -> String {
    let mut kept = table;
    while kept.len() + 1 + ending.len() > LONGEST_NAME {
        let Some((last, _)) = kept.char_indices().next_back() else { break };
        kept = &kept[..last];
    }
    format!("{kept}_{ending}")
}
