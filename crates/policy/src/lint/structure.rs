//! Rules about tables, views and functions: what protects them, and what does not.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::rules::rule;
use super::schema::{Clause, Kind, Origin, Place, Policy, Relation, Schema};
use super::syntax::{called, claims_or_caller, descendants, is_true, names, operands, operator};
use super::{Diagnostic, Source};
use crate::{TableName, quote_name};

const COMMANDS: [&str; 4] = ["select", "insert", "update", "delete"];
/// Columns that say whose a row is.
pub(super) const OWNERS: [&str; 8] =
    ["user_id", "owner_id", "owner", "created_by", "author_id", "clerk_id", "clerk_user_id", "profile_id"];
/// Columns that say which organization's a row is.
pub(super) const TENANTS: [&str; 4] = ["org_id", "organization_id", "tenant_id", "clerk_org_id"];
/// Schemas of the platform: not the author's to change.
pub(crate) const PLATFORM_SCHEMAS: [&str; 16] = [
    "auth",
    "storage",
    "realtime",
    "_realtime",
    "vault",
    "extensions",
    "graphql",
    "graphql_public",
    "pgbouncer",
    "cron",
    "net",
    "pgsodium",
    "supabase_functions",
    "supabase_migrations",
    "pgmq",
    "_analytics",
];

pub(super) fn check(schema: &Schema, sources: &[Source], found: &mut Vec<Diagnostic>) {
    for (name, relation) in &schema.relations {
        if PLATFORM_SCHEMAS.contains(&name.schema.as_str()) {
            continue;
        }
        let mut check =
            Check { schema, name, relation, is_catalogue: sources[relation.place.source].is_catalogue(), found };
        if matches!(name.schema.as_str(), "clerk" | "rowlock") {
            check.machinery();
            continue;
        }
        match relation.kind {
            Kind::Table | Kind::Unknown => check.table(),
            Kind::View => check.view(),
            Kind::MaterializedView | Kind::ForeignTable => check.unprotected(),
        }
    }
    for function in schema
        .functions
        .iter()
        .filter(|function| function.definer && !PLATFORM_SCHEMAS.contains(&function.name.schema.as_str()))
    {
        let mut say = |id: &str, label: String| {
            found.push(Diagnostic {
                rule: Some(rule(id)),
                source: function.place.source,
                range: function.place.range.clone(),
                label,
                subject: Some(function.name.to_string()),
                append: None,
            });
        };
        if !function.search_path {
            say("definer-search-path", "runs with its owner's rights, in the caller's search path".to_owned());
        }
        if function.public && !function.trigger && function.name.schema == "public" {
            say("definer-callable", "every client may call it, with its owner's rights".to_owned());
        }
    }
}

struct Check<'a> {
    schema: &'a Schema,
    name: &'a TableName,
    relation: &'a Relation,
    is_catalogue: bool,
    found: &'a mut Vec<Diagnostic>,
}

impl Check<'_> {
    fn say(&mut self, id: &str, place: &Place, label: impl Into<String>) {
        self.found.push(Diagnostic {
            rule: Some(rule(id)),
            source: place.source,
            range: place.range.clone(),
            label: label.into(),
            subject: Some(self.name.to_string()),
            append: None,
        });
    }

    /// With the statement that ends it.
    fn say_append(&mut self, id: &str, place: &Place, label: impl Into<String>, append: String) {
        self.say(id, place, label);
        if let Some(said) = self.found.last_mut() {
            said.append = Some(append);
        }
    }

    fn say_at(&mut self, id: &str, origin: Origin, node: &SyntaxNode, label: impl Into<String>) {
        self.say(id, &Place::of(origin, node), label);
    }

    fn table(&mut self) {
        let relation = self.relation;
        self.row_security();
        self.columns();
        for key in &relation.keys_to {
            if key.target.schema == "auth" && key.target.table == "users" {
                self.say("auth-users-key", &key.place, "users of Clerk have no row there");
            }
        }
        for policy in &relation.policies {
            self.policy(policy);
        }
        self.grants();
        self.several_permissive();
        self.missing_indexes();
    }

    fn row_security(&mut self) {
        let relation = self.relation;
        if relation.row_security {
            return;
        }
        if let Some(policy) = relation.policies.first() {
            // A file that only has policies may belong to another that switches it on.
            if relation.kind == Kind::Table || self.is_catalogue {
                let append = format!("alter table {} enable row level security;", self.name);
                self.say_append(
                    "policies-without-rls",
                    &policy.place,
                    "without `enable row level security` nobody asks it",
                    append,
                );
            }
            return;
        }
        let in_reach = if self.is_catalogue {
            relation.client_grant().is_some()
        } else {
            self.name.schema == "public" && !relation.revoked
        };
        if relation.kind == Kind::Table && in_reach {
            let append = format!("alter table {} enable row level security;", self.name);
            self.say_append("rls-off", &relation.place, "every client with a grant reads and writes every row", append);
        }
    }

    fn columns(&mut self) {
        let relation = self.relation;
        for column in &relation.columns {
            let holds_id = OWNERS.contains(&column.name.as_str()) || TENANTS.contains(&column.name.as_str());
            let named_in_policy = relation
                .policies
                .iter()
                .flat_map(Policy::clauses)
                .any(|clause| compares_with_caller(clause, &column.name));
            let points_elsewhere = relation.keys_to.iter().any(|key| {
                key.target.schema != "auth"
                    && (key.columns == [column.name.as_str()]
                        || key.place.source == column.place.source
                            && column.place.range.contains(&key.place.range.start))
            });
            if column.data_type.trim() == "uuid" && !points_elsewhere && (named_in_policy || holds_id) {
                self.say("uuid-column", &column.place, "a Clerk id is text, such as user_2b9…");
            }
        }
    }

    fn policy(&mut self, policy: &Policy) {
        let relation = self.relation;
        for (clause, is_check) in
            policy.using.iter().map(|clause| (clause, false)).chain(policy.check.iter().map(|clause| (clause, true)))
        {
            let writes = is_check || policy.command != "select";
            if policy.permissive && writes && is_true(&clause.expression) {
                self.say_at(
                    "always-true",
                    clause.origin,
                    &clause.node,
                    format!(
                        "everybody may {} every row",
                        if policy.command == "all" { "change" } else { &policy.command }
                    ),
                );
            }
        }
        if policy.permissive && matches!(policy.command.as_str(), "update" | "all") && policy.check.is_none() {
            self.say("no-check", &policy.place, "what a row may become is not said; Postgres takes `using` for it");
        }
        // What a sub-select finds depends on the caller, too.
        let asks_caller = policy.clauses().any(|clause| {
            claims_or_caller(&clause.expression) || descendants(&clause.expression, SyntaxKind::SELECT).next().is_some()
        });
        if policy.roles.is_empty() && asks_caller {
            self.say("no-role", &policy.place, "asked for callers without a token, too; say `to authenticated`");
        }
        if policy.permissive && matches!(policy.command.as_str(), "insert" | "update" | "all") {
            self.tenant_is_checked(policy);
        }
        for role in ["anon", "authenticated"].into_iter().filter(|role| policy.is_for(role)) {
            let granted_elsewhere = self.schema.grants_on_all.contains(&self.name.schema);
            let commands: Vec<&str> = COMMANDS.into_iter().filter(|command| policy.concerns(command)).collect();
            let named = policy.roles.iter().any(|own| own == role);
            if policy.permissive
                && named
                && !granted_elsewhere
                && commands.iter().all(|command| relation.grant_of(role, command).is_none())
            {
                self.say_append(
                    "missing-grant",
                    &policy.place,
                    format!("{role} has no grant for {}: permission denied", commands.join(", ")),
                    format!("grant {} on {} to {role};", commands.join(", "), self.name),
                );
            }
        }
    }

    /// A table whose rows belong to an organization, and a policy for writing that does not ask which.
    fn tenant_is_checked(&mut self, policy: &Policy) {
        let Some(tenant) = self.relation.columns.iter().find(|column| TENANTS.contains(&column.name.as_str())) else {
            return;
        };
        let Some(clause) = policy.check.as_ref().or(policy.using.as_ref()) else { return };
        let mentions =
            descendants(&clause.expression, SyntaxKind::NAME_REF).any(|name| names(&name).last() == Some(&tenant.name));
        if !mentions && !is_true(&clause.expression) {
            self.say_at(
                "tenant-unchecked",
                clause.origin,
                &clause.node,
                format!("{} is not asked about: a row can be put into any organization", quote_name(&tenant.name)),
            );
        }
    }

    fn grants(&mut self) {
        let relation = self.relation;
        if !relation.row_security {
            return;
        }
        for grant in &relation.grants {
            if !matches!(grant.role.as_str(), "anon" | "authenticated" | "public") {
                continue;
            }
            if grant.privilege == "truncate" {
                self.say("truncate-grant", &grant.place, "row-level security does not hold for truncate");
            }
            let commands: Vec<&str> =
                if grant.privilege == "all" { COMMANDS.to_vec() } else { vec![grant.privilege.as_str()] };
            let unused: Vec<&str> = commands
                .into_iter()
                .filter(|command| COMMANDS.contains(command))
                .filter(|command| {
                    !relation.policies.iter().any(|policy| {
                        policy.permissive
                            && policy.concerns(command)
                            && (grant.role == "public" || policy.is_for(&grant.role))
                    })
                })
                .collect();
            if !unused.is_empty() {
                self.say(
                    "grant-without-policy",
                    &grant.place,
                    format!("{} may {}, and no policy ever lets it", grant.role, unused.join(", ")),
                );
            }
            if self.name.table.contains("audit") && matches!(grant.privilege.as_str(), "update" | "delete" | "all") {
                self.say(
                    "audit-changeable",
                    &grant.place,
                    format!("{} may change what should only be added to", grant.role),
                );
            }
        }
    }

    fn several_permissive(&mut self) {
        let relation = self.relation;
        for command in COMMANDS {
            for role in ["anon", "authenticated"] {
                let mut several = relation
                    .policies
                    .iter()
                    .filter(|policy| policy.permissive && policy.concerns(command) && policy.is_for(role));
                if let (Some(first), Some(second)) = (several.next(), several.next()) {
                    self.say(
                        "several-permissive",
                        &second.place,
                        format!("adds to {} for {role} {command}: either is enough", quote_name(&first.name)),
                    );
                    return;
                }
            }
        }
    }

    fn missing_indexes(&mut self) {
        let relation = self.relation;
        if relation.kind != Kind::Table {
            return;
        }
        let mut told: Vec<String> = Vec::new();
        for policy in relation.policies.iter().filter(|policy| policy.command != "insert") {
            let Some(using) = &policy.using else { continue };
            let column_of = |comparison: &SyntaxNode| {
                compared_column(comparison).filter(|column| relation.columns.iter().any(|known| known.name == *column))
            };
            // One index narrows the rows down; what else is asked of every row filters the rest.
            let of_every_row: Vec<SyntaxNode> = conjuncts(&using.expression);
            let mut compared: Vec<(SyntaxNode, String)> =
                of_every_row.into_iter().filter_map(|part| column_of(&part).map(|column| (part, column))).collect();
            if compared.iter().any(|(_, column)| relation.indexed.contains(column)) {
                continue;
            }
            compared.truncate(1);
            if compared.is_empty() {
                // Of a sub-select, the inner table's indexes count.
                let own = descendants(&using.expression, SyntaxKind::BIN_EXPR).filter(|comparison| {
                    !comparison
                        .ancestors()
                        .take_while(|outer| *outer != using.node)
                        .any(|outer| outer.kind() == SyntaxKind::SELECT)
                });
                compared = own.filter_map(|part| column_of(&part).map(|column| (part, column))).collect();
            }
            for (comparison, column) in compared {
                if !relation.indexed.contains(&column) && !told.contains(&column) {
                    self.say_append(
                        "missing-index",
                        &Place::of(using.origin, &comparison),
                        format!("no index begins with {}", quote_name(&column)),
                        format!("create index on {} ({});", self.name, quote_name(&column)),
                    );
                    told.push(column);
                }
            }
        }
    }

    fn view(&mut self) {
        let relation = self.relation;
        let in_reach = if self.is_catalogue {
            relation.client_grant().is_some()
        } else {
            self.name.schema == "public" && !relation.revoked
        };
        if !relation.security_invoker && in_reach {
            self.say("view-rights", &relation.place, "reads with its owner's rights, past row-level security");
        }
    }

    fn unprotected(&mut self) {
        let relation = self.relation;
        if let Some(grant) = relation.client_grant() {
            let what = if relation.kind == Kind::ForeignTable { "a foreign table" } else { "a materialized view" };
            self.say("unprotected-relation", &grant.place, format!("{what} has no row-level security"));
        }
    }

    /// What is Rowlock's own.
    fn machinery(&mut self) {
        let relation = self.relation;
        for grant in &relation.grants {
            let is_client = matches!(grant.role.as_str(), "anon" | "authenticated" | "public");
            let raw = grant.columns.is_empty() && relation.columns.iter().any(|column| column.name == "raw")
                || grant.columns.iter().any(|column| matches!(column.as_str(), "raw" | "private_metadata"));
            let writes = grant.privilege != "select";
            if is_client && (self.name.schema == "rowlock" || writes || raw) {
                self.say("exposed-mirror", &grant.place, format!("{} gets at {}", grant.role, self.name));
            }
        }
    }
}

/// The parts that must hold of every row.
fn conjuncts(expression: &SyntaxNode) -> Vec<SyntaxNode> {
    let expression = super::syntax::bare(expression);
    match (operator(&expression).as_str(), operands(&expression)) {
        ("and", Some((left, right))) if expression.kind() == SyntaxKind::BIN_EXPR => {
            [conjuncts(&left), conjuncts(&right)].concat()
        }
        _ => vec![expression],
    }
}

/// The column of `column = <caller>`, `column = any (…)` or `column in (select …)`.
fn compared_column(comparison: &SyntaxNode) -> Option<String> {
    if !matches!(operator(comparison).as_str(), "=" | "in") {
        return None;
    }
    let (left, right) = operands(comparison)?;
    let column = |node: &SyntaxNode| {
        let node = super::syntax::bare(node);
        matches!(node.kind(), SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR).then(|| names(&node).pop()).flatten()
    };
    let known_before =
        |node: &SyntaxNode| claims_or_caller(node) || descendants(node, SyntaxKind::SELECT).next().is_some();
    column(&left).filter(|_| known_before(&right)).or_else(|| column(&right).filter(|_| known_before(&left)))
}

fn compares_with_caller(clause: &Clause, column: &str) -> bool {
    descendants(&clause.expression, SyntaxKind::BIN_EXPR).any(|comparison| {
        compared_column(&comparison).as_deref() == Some(column)
            && descendants(&comparison, SyntaxKind::CALL_EXPR).any(|call| {
                called(&call).is_some_and(|function| {
                    matches!(
                        function.as_str(),
                        "clerk.user_id" | "clerk.org_id" | "auth.jwt" | "auth.uid" | "clerk.my_org_ids"
                    )
                })
            })
    })
}
