//! Rules about policies that let in more people than their author thinks.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Diagnostic;
use super::claim_path::claim_paths;
use super::rules::rule;
use super::schema::{Clause, Origin, Place, Policy, Relation, Schema};
use super::syntax::{bare, called, claims_or_caller, descendants, is_true, names, operands, operator, reads_columns};
use crate::{TableName, quote_name};

/// Columns that say who may see a row.
const PRIVACY: [&str; 9] =
    ["is_public", "is_private", "private", "public", "visibility", "published", "is_published", "is_visible", "draft"];
/// Columns that decide what somebody may do.
const POWERS: [&str; 18] = [
    "role",
    "roles",
    "org_role",
    "is_admin",
    "is_owner",
    "admin",
    "permissions",
    "plan",
    "tier",
    "credits",
    "balance",
    "metadata",
    "public_metadata",
    "app_metadata",
    "is_verified",
    "email_verified",
    "banned",
    "is_staff",
];
/// Claims that every session has.
const EVERYBODYS: [&str; 5] = ["role", "sub", "sid", "aud", "iss"];
const EVERYBODYS_FUNCTIONS: [&str; 12] = [
    "auth.role",
    "auth.uid",
    "auth.jwt",
    "clerk.user_id",
    "clerk.session_id",
    "clerk.claims",
    "clerk.is_pending",
    "clerk.is_impersonated",
    "clerk.session_ok",
    "current_setting",
    "coalesce",
    "nullif",
];
const ROLE_QUESTIONS: [&str; 4] = ["clerk.has_role", "clerk.has_permission", "clerk.org_role", "clerk.permissions"];

pub(super) fn check(schema: &Schema, found: &mut Vec<Diagnostic>) {
    for (name, relation) in &schema.relations {
        for policy in relation.policies.iter().filter(|policy| policy.permissive) {
            let mut opening = Opening { name, relation, policy, found };
            opening.signed_in_writes();
            opening.role_without_organization();
            opening.private_readable();
            opening.self_granted();
            opening.storage();
        }
    }
}

struct Opening<'a> {
    name: &'a TableName,
    relation: &'a Relation,
    policy: &'a Policy,
    found: &'a mut Vec<Diagnostic>,
}

impl Opening<'_> {
    fn say(&mut self, id: &str, origin: Origin, node: &SyntaxNode, label: impl Into<String>) {
        let place = Place::of(origin, node);
        self.found.push(Diagnostic {
            rule: Some(rule(id)),
            source: place.source,
            range: place.range,
            label: label.into(),
            subject: Some(self.name.to_string()),
            append: None,
        });
    }

    /// Being somebody is all that is asked.
    fn signed_in_writes(&mut self) {
        if !matches!(self.policy.command.as_str(), "update" | "delete" | "all") {
            return;
        }
        let Some(clause) = self.policy.using.clone() else { return };
        let expression = &clause.expression;
        let of_everybody = descendants(expression, SyntaxKind::CALL_EXPR)
            .filter_map(|call| called(&call))
            .all(|function| EVERYBODYS_FUNCTIONS.contains(&function.as_str()))
            && claim_paths(expression).iter().all(|path| EVERYBODYS.contains(&path.keys[0].as_str()));
        let reads = descendants(expression, SyntaxKind::FROM_CLAUSE).next().is_some() || reads_columns(expression);
        if claims_or_caller(expression) && of_everybody && !reads {
            let what = if self.policy.command == "all" { "change" } else { &self.policy.command };
            let label = format!("everybody who is signed in may {what} every row");
            self.say("signed-in-writes", clause.origin, &clause.node, label);
        }
    }

    /// A role is asked for, and not of which organization.
    fn role_without_organization(&mut self) {
        for clause in self.policy.clauses().cloned().collect::<Vec<_>>() {
            if let Some(question) = unlimited_role(&clause.expression) {
                self.say(
                    "role-without-organization",
                    clause.origin,
                    &question,
                    "in any organization: whoever makes one has every role in it",
                );
            }
        }
    }

    /// A column says that some rows are private, and nobody asks it.
    fn private_readable(&mut self) {
        let Some(column) = self.relation.columns.iter().find(|column| PRIVACY.contains(&column.name.as_str())) else {
            return;
        };
        if self.policy.command != "select" {
            return;
        }
        if let Some(clause) = self.policy.using.clone().filter(|clause| is_true(&clause.expression)) {
            let label = format!("{} is not asked", quote_name(&column.name));
            self.say("private-readable", clause.origin, &clause.node, label);
        }
    }

    /// People write their own row, and with it what they may.
    fn self_granted(&mut self) {
        if !matches!(self.policy.command.as_str(), "insert" | "update" | "all") {
            return;
        }
        let Some(clause) = self.policy.check.clone().or_else(|| self.policy.using.clone()) else { return };
        let asks_power =
            descendants(&clause.expression, SyntaxKind::CALL_EXPR).filter_map(|call| called(&call)).any(|function| {
                ROLE_QUESTIONS.contains(&function.as_str())
                    || function.starts_with("clerk.has_")
                    || matches!(function.as_str(), "clerk.my_org_ids_with" | "clerk.my_memberships")
            });
        if asks_power || !is_own(&clause) {
            return;
        }
        let privilege = if self.policy.command == "insert" { "insert" } else { "update" };
        let writable = |column: &str| {
            let grants: Vec<_> = self
                .relation
                .grants
                .iter()
                .filter(|grant| {
                    matches!(grant.role.as_str(), "authenticated" | "public")
                        && (grant.privilege == privilege || grant.privilege == "all")
                })
                .collect();
            if grants.is_empty() {
                !self.relation.revoked
            } else {
                grants.iter().any(|grant| grant.columns.is_empty() || grant.columns.iter().any(|own| own == column))
            }
        };
        let mentioned = |column: &str| {
            descendants(&clause.expression, SyntaxKind::NAME_REF)
                .any(|name| names(&name).last().is_some_and(|last| last == column))
        };
        let power = self.relation.columns.iter().find(|column| {
            POWERS.contains(&column.name.as_str()) && writable(&column.name) && !mentioned(&column.name)
        });
        if let Some(power) = power {
            let label = format!("whoever the row is may write {} into it", quote_name(&power.name));
            self.say("self-granted", clause.origin, &clause.node, label);
        }
    }

    /// Files of Supabase's storage.
    fn storage(&mut self) {
        if self.name.schema != "storage" || self.name.table != "objects" {
            return;
        }
        for clause in self.policy.clauses().cloned().collect::<Vec<_>>() {
            let owner = descendants(&clause.expression, SyntaxKind::NAME_REF).find(|name| names(name) == ["owner"]);
            if let Some(owner) = owner {
                self.say(
                    "storage-owner",
                    clause.origin,
                    &owner,
                    "a uuid, and null for callers of Clerk; owner_id is text",
                );
            }
            let columns: Vec<String> =
                descendants(&clause.expression, SyntaxKind::NAME_REF).filter_map(|name| names(&name).pop()).collect();
            let only_bucket = columns.iter().all(|column| column == "bucket_id") && !columns.is_empty();
            if self.policy.command == "select" && only_bucket && !claims_or_caller(&clause.expression) {
                self.say(
                    "bucket-listing",
                    clause.origin,
                    &clause.node.clone(),
                    "shows the names of all files of the bucket",
                );
            }
        }
    }
}

/// Whether some part compares a column with the caller's id.
fn is_own(clause: &Clause) -> bool {
    descendants(&clause.expression, SyntaxKind::BIN_EXPR).any(|comparison| {
        operator(&comparison) == "="
            && operands(&comparison).is_some_and(|(left, right)| {
                let column =
                    |node: &SyntaxNode| matches!(bare(node).kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR);
                let caller = |node: &SyntaxNode| {
                    descendants(node, SyntaxKind::CALL_EXPR)
                        .filter_map(|call| called(&call))
                        .any(|function| matches!(function.as_str(), "clerk.user_id" | "auth.uid"))
                        || claim_paths(node).iter().any(|path| path.keys == ["sub"])
                };
                column(&left) && caller(&right) || column(&right) && caller(&left)
            })
    })
}

/// The question about a role that alone decides over every row, where there is one.
fn unlimited_role(expression: &SyntaxNode) -> Option<SyntaxNode> {
    let expression = bare(expression);
    if let ("and" | "or", Some((left, right))) = (operator(&expression).as_str(), operands(&expression)) {
        if operator(&expression) == "and" && (limits(&left) || limits(&right)) {
            return None;
        }
        return unlimited_role(&left).or_else(|| unlimited_role(&right));
    }
    (asks_role(&expression) && !limits(&expression)).then_some(expression)
}

/// Whether it holds for some rows only, or asks which organization it is.
fn limits(expression: &SyntaxNode) -> bool {
    let expression = bare(expression);
    match (operator(&expression).as_str(), operands(&expression)) {
        ("and", Some((left, right))) => limits(&left) || limits(&right),
        ("or", Some((left, right))) => limits(&left) && limits(&right),
        _ => {
            reads_columns(&expression)
                || descendants(&expression, SyntaxKind::FROM_CLAUSE).next().is_some()
                || compares_organization(&expression)
        }
    }
}

/// One fixed organization: `clerk.org_id() = 'org_…'`, which is how an application's own staff are told.
fn compares_organization(expression: &SyntaxNode) -> bool {
    operator(expression) == "="
        && (descendants(expression, SyntaxKind::CALL_EXPR)
            .filter_map(|call| called(&call))
            .any(|function| function == "clerk.org_id")
            || claim_paths(expression).iter().any(|path| path.keys == ["org_id"] || path.keys == ["o", "id"]))
}

fn asks_role(expression: &SyntaxNode) -> bool {
    descendants(expression, SyntaxKind::CALL_EXPR)
        .chain((expression.kind() == SyntaxKind::CALL_EXPR).then(|| expression.clone()))
        .filter_map(|call| called(&call))
        .any(|function| ROLE_QUESTIONS.contains(&function.as_str()))
        || claim_paths(expression).iter().any(|path| {
            matches!(path.keys[0].as_str(), "org_role" | "org_permissions")
                || path.keys.len() > 1 && path.keys[0] == "o" && matches!(path.keys[1].as_str(), "rol" | "per")
        })
}
