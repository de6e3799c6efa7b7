//! What the declaration says about one cell, computed from the verified claims; and the rule that knows no policies.

use std::collections::BTreeMap;

use super::attempt::Action;
use super::persona::Facts;
use super::world::is_id;
use crate::model::{Access, Command, Condition, Plan, PlannedPolicy, Table};

/// The columns of a row that conditions look at, by table: the row's own and its parents'.
pub(super) struct RowFacts<'a> {
    pub(super) columns: &'a BTreeMap<String, String>,
    /// The row that the foreign key points at, with its plan.
    pub(super) parent: Option<Box<(RowFacts<'a>, &'a Plan)>>,
}

/// Whether the action succeeds; `None` where conditions are the author's own SQL.
pub(super) fn expected(
    plan: &Plan,
    persona: &Facts,
    action: Action,
    row: &RowFacts<'_>,
    moved: Option<&RowFacts<'_>>,
) -> Option<bool> {
    let using = |command, row: &RowFacts<'_>| {
        passes(plan, persona, command, row, |policy| policy.using.as_ref().or(policy.check.as_ref()))
    };
    let check = |command, row: &RowFacts<'_>| {
        passes(plan, persona, command, row, |policy| policy.check.as_ref().or(policy.using.as_ref()))
    };
    Some(match action {
        Action::Select => using(Command::Select, row)?,
        Action::Insert => check(Command::Insert, row)?,
        Action::Update => using(Command::Update, row)? && check(Command::Update, row)?,
        Action::Delete => using(Command::Delete, row)?,
        Action::Give | Action::Take => using(Command::Update, row)? && check(Command::Update, moved?)?,
    })
}

/// Granted, let in by one permissive policy, and turned away by no restrictive one.
fn passes<'p>(
    plan: &'p Plan,
    persona: &Facts,
    command: Command,
    row: &RowFacts<'_>,
    condition: impl Fn(&'p PlannedPolicy) -> Option<&'p Condition>,
) -> Option<bool> {
    let Some(role) = persona.role else { return Some(false) };
    if !plan.grants.iter().any(|(granted, commands)| *granted == role && commands.contains(&command)) {
        return Some(false);
    }
    let concerned =
        |policy: &&PlannedPolicy| policy.roles.contains(&role) && policy.command.is_none_or(|own| own == command);
    // Whoever is turned away is, whatever the author's own conditions come to.
    for policy in plan.policies.iter().filter(concerned).filter(|policy| policy.restrictive) {
        if !holds(condition(policy)?, persona, row)? {
            return Some(false);
        }
    }
    let mut let_in = false;
    for policy in plan.policies.iter().filter(concerned).filter(|policy| !policy.restrictive) {
        let_in |= holds(condition(policy)?, persona, row)?;
    }
    Some(let_in)
}

fn holds(condition: &Condition, persona: &Facts, row: &RowFacts<'_>) -> Option<bool> {
    let column = |name: &str| row.columns.get(name).map(String::as_str);
    let is = |value: Option<&str>, other: Option<&str>| value.is_some() && value == other;
    Some(match condition {
        Condition::Always => true,
        Condition::SignedIn => persona.user.is_some(),
        Condition::NotPending => !persona.pending,
        Condition::NotImpersonated => !persona.impersonated,
        Condition::NotRevoked => persona.user.is_some() && !persona.revoked,
        Condition::IsCaller(name) => is(column(name), persona.user.as_deref()),
        Condition::IsActiveOrganization(name) => is(column(name), persona.organization.as_deref()),
        Condition::IsMyOrganization(name) => {
            column(name).is_some_and(|organization| persona.live.contains_key(organization))
        }
        Condition::IsMyOrganizationWith(name, permission) => column(name)
            .and_then(|organization| persona.live.get(organization))
            .is_some_and(|held| held.permissions.contains(permission)),
        Condition::IsMyOrganizationAs(name, role) => {
            column(name).and_then(|organization| persona.live.get(organization)).is_some_and(|held| held.role == *role)
        }
        Condition::Role(role) => persona.organization_role.as_ref() == Some(role),
        Condition::Permission(permission) => persona.permissions.contains(permission),
        Condition::LivePermission(permission) => persona
            .organization
            .as_ref()
            .and_then(|organization| persona.live.get(organization))
            .is_some_and(|held| held.permissions.contains(permission)),
        Condition::Feature(name) => has_scoped(&persona.features, name),
        Condition::Plan(name) => has_scoped(&persona.plans, name),
        Condition::IsTrue(name) => column(name) == Some("true"),
        Condition::Parent { condition, .. } => {
            let (parent, plan) = &**row.parent.as_ref()?;
            let seen = passes(plan, persona, Command::Select, parent, |policy| policy.using.as_ref())?;
            match condition {
                Some(condition) => seen && holds(condition, persona, parent)?,
                None => seen,
            }
        }
        Condition::All(parts) => {
            let mut all = true;
            for part in parts {
                all &= holds(part, persona, row)?;
            }
            all
        }
        Condition::Any(parts) => {
            let mut any = false;
            for part in parts {
                any |= holds(part, persona, row)?;
            }
            any
        }
        Condition::Sql(_) => return None,
    })
}

fn has_scoped(had: &[clerk::Scoped], asked: &str) -> bool {
    match asked.split_once(':') {
        Some(("user", name)) => had.iter().any(|scoped| scoped.user && scoped.name == name),
        Some((_, name)) => had.iter().any(|scoped| scoped.organization && scoped.name == name),
        None => had.iter().any(|scoped| scoped.name == asked),
    }
}

/// Whether reaching the row would be a leak between tenants, whatever any policy says. Only columns and claims are looked at.
pub(super) fn belongs_to_others(table: &Table, persona: &Facts, action: Action, row: &RowFacts<'_>) -> bool {
    let reads = action == Action::Select;
    let owned = |row: &RowFacts<'_>| {
        let owner = table.access.owner_column().and_then(|column| row.columns.get(column));
        owner.is_some() && owner == persona.user.as_ref()
    };
    match &table.access {
        Access::Gated { .. } | Access::Custom { shared: true, .. } => false,
        Access::Public { .. } if reads => false,
        Access::Profile { visible, .. } if reads && row.columns.get(visible).is_some_and(|value| value == "true") => {
            false
        }
        // Which column says whose it is, nobody said: any that holds an id of ours.
        Access::Custom { .. } => names_others(persona, row),
        // A child is its parent's, and the parent's table is judged by its own columns.
        Access::Child { .. } => row.parent.as_deref().is_some_and(|(parent, _)| match &parent.parent {
            Some(above) => names_others(persona, &above.0),
            None => names_others(persona, parent),
        }),
        access => match access.organization_column().and_then(|column| row.columns.get(column)) {
            Some(organization) => !is_mine(persona, organization),
            None => access.owner_column().is_some() && !owned(row),
        },
    }
}

/// Whether columns of the row hold ids of people and organizations, and none of them is the caller's.
fn names_others(persona: &Facts, row: &RowFacts<'_>) -> bool {
    let mut ids = row.columns.values().filter(|value| is_id(value)).peekable();
    ids.peek().is_some() && !ids.any(|id| is_mine(persona, id))
}

fn is_mine(persona: &Facts, id: &String) -> bool {
    Some(id) == persona.user.as_ref() || Some(id) == persona.organization.as_ref() || persona.live.contains_key(id)
}
