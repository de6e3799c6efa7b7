//! From statements to what they come to, in order.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::schema::{Clause, Column, Function, Grant, Key, Kind, Origin, Place, Policy, Relation, Schema, Trigger};
use super::syntax::{child, descendants, has_token, names, table_name};
use super::{Diagnostic, Source};
use crate::TableName;

pub(super) fn collect(sources: &[Source], found: &mut Vec<Diagnostic>) -> Schema {
    let mut schema = Schema::default();
    for (number, (source, parsed)) in sources.iter().zip(super::parsed::parse(sources)).enumerate() {
        for (range, label) in parsed.errors {
            found.push(Diagnostic { rule: None, source: number, range, label, subject: None, append: None });
        }
        for statement in parsed.tree.syntax_node().children() {
            let mut inner = Vec::new();
            if statement.kind() == SyntaxKind::DO {
                let range = statement.text_range();
                inner = super::block::statements(source.text(), range.start().into()..range.end().into());
            }
            for (offset, statement) in inner.into_iter().chain([(0, statement)]) {
                let origin = Origin { source: number, offset };
                let mut collector = Collector { schema: &mut schema, origin, is_catalogue: source.is_catalogue() };
                collector.statement(&statement);
                schema.statements.push((origin, statement));
            }
        }
    }
    schema
}

struct Collector<'a> {
    schema: &'a mut Schema,
    origin: Origin,
    is_catalogue: bool,
}

impl Collector<'_> {
    fn statement(&mut self, statement: &SyntaxNode) {
        match statement.kind() {
            SyntaxKind::CREATE_TABLE => self.create_table(statement),
            SyntaxKind::CREATE_FOREIGN_TABLE => self.create(statement, SyntaxKind::TABLE_NAME, Kind::ForeignTable),
            SyntaxKind::CREATE_VIEW => self.create_view(statement),
            SyntaxKind::ALTER_VIEW => self.alter_view(statement),
            SyntaxKind::CREATE_MATERIALIZED_VIEW => self.create(statement, SyntaxKind::VIEW, Kind::MaterializedView),
            SyntaxKind::DROP_TABLE | SyntaxKind::DROP_VIEW | SyntaxKind::DROP_MATERIALIZED_VIEW => self.drop(statement),
            SyntaxKind::ALTER_TABLE => self.alter_table(statement),
            SyntaxKind::CREATE_INDEX => self.create_index(statement),
            SyntaxKind::CREATE_POLICY => self.create_policy(statement),
            SyntaxKind::ALTER_POLICY => self.alter_policy(statement),
            SyntaxKind::DROP_POLICY => self.drop_policy(statement),
            SyntaxKind::GRANT => self.grant(statement),
            SyntaxKind::REVOKE => self.revoke(statement),
            SyntaxKind::ALTER_DEFAULT_PRIVILEGES => self.default_privileges(statement),
            SyntaxKind::CREATE_FUNCTION | SyntaxKind::CREATE_PROCEDURE => self.create_function(statement),
            SyntaxKind::ALTER_FUNCTION => self.alter_function(statement),
            SyntaxKind::CREATE_TRIGGER => self.create_trigger(statement),
            _ => {}
        }
    }

    fn place(&self, node: &SyntaxNode) -> Place {
        Place::of(self.origin, node)
    }

    /// The relation, made known where it was not.
    fn relation(&mut self, name: TableName, node: &SyntaxNode) -> &mut Relation {
        let place = self.place(node);
        self.schema.relations.entry(name).or_insert_with(|| Relation::new(Kind::Unknown, place))
    }

    fn create(&mut self, statement: &SyntaxNode, name: SyntaxKind, kind: Kind) {
        let Some(node) = child(statement, name) else { return };
        let Some(name) = table_name(&node) else { return };
        let relation = Relation::new(kind, self.place(&node));
        self.schema.relations.insert(name, relation);
    }

    fn create_table(&mut self, statement: &SyntaxNode) {
        let Some(node) = child(statement, SyntaxKind::TABLE_NAME) else { return };
        let Some(name) = table_name(&node) else { return };
        let exists = self.schema.relations.get(&name).is_some_and(|relation| relation.kind != Kind::Unknown);
        if exists && child(statement, SyntaxKind::IF_NOT_EXISTS).is_some() {
            return;
        }
        let mut relation = Relation::new(Kind::Table, self.place(&node));
        relation.is_catalogued = self.is_catalogue;
        if let Some(arguments) = child(statement, SyntaxKind::TABLE_ARG_LIST) {
            for part in arguments.children() {
                if part.kind() == SyntaxKind::COLUMN {
                    self.add_column(&mut relation, &part);
                } else {
                    self.add_constraint(&mut relation, &part);
                }
            }
        }
        // What was said about a table before it was made was said about another one of that name.
        self.schema.relations.insert(name, relation);
    }

    fn add_column(&self, relation: &mut Relation, column: &SyntaxNode) {
        let Some(node) = child(column, SyntaxKind::COLUMN_NAME) else { return };
        let Some(name) = names(&node).pop() else { return };
        let data_type = node.next_sibling().map(|found| found.text().to_string().to_lowercase()).unwrap_or_default();
        let mut not_null = false;
        for constraint in column.children() {
            match constraint.kind() {
                SyntaxKind::PRIMARY_KEY_CONSTRAINT => {
                    relation.indexed.push(name.clone());
                    relation.has_primary_key = true;
                    not_null = true;
                }
                SyntaxKind::NOT_NULL_CONSTRAINT => not_null = true,
                SyntaxKind::UNIQUE_CONSTRAINT => {
                    relation.indexed.push(name.clone());
                    relation.unique.push((name.clone(), self.place(&constraint)));
                }
                SyntaxKind::CHECK_CONSTRAINT => {
                    relation.checks.push((constraint.text().to_string(), self.place(&constraint)));
                }
                SyntaxKind::REFERENCES_CONSTRAINT => self.add_key(relation, &constraint, vec![name.clone()]),
                _ => {}
            }
        }
        relation.columns.push(Column { name, data_type, not_null, place: self.place(column) });
    }

    fn add_constraint(&self, relation: &mut Relation, constraint: &SyntaxNode) {
        match constraint.kind() {
            SyntaxKind::PRIMARY_KEY_CONSTRAINT | SyntaxKind::UNIQUE_CONSTRAINT => {
                let columns = column_names(constraint);
                relation.indexed.extend(columns.first().cloned());
                if constraint.kind() == SyntaxKind::PRIMARY_KEY_CONSTRAINT {
                    relation.has_primary_key = true;
                    for column in relation.columns.iter_mut().filter(|column| columns.contains(&column.name)) {
                        column.not_null = true;
                    }
                } else if let [only] = &columns[..] {
                    relation.unique.push((only.clone(), self.place(constraint)));
                }
            }
            SyntaxKind::CHECK_CONSTRAINT => {
                relation.checks.push((constraint.text().to_string(), self.place(constraint)));
            }
            SyntaxKind::FOREIGN_KEY_CONSTRAINT => {
                let own =
                    constraint.children().find(|part| descendants(part, SyntaxKind::COLUMN_NAME_REF).next().is_some());
                let columns = own.map_or_else(Vec::new, |list| column_names(&list));
                self.add_key(relation, constraint, columns);
            }
            _ => {}
        }
    }

    fn add_key(&self, relation: &mut Relation, constraint: &SyntaxNode, columns: Vec<String>) {
        if let Some(target) = child(constraint, SyntaxKind::TABLE_NAME_REF).and_then(|node| table_name(&node)) {
            relation.keys_to.push(Key { columns, target, place: self.place(constraint) });
        }
    }

    fn create_trigger(&mut self, statement: &SyntaxNode) {
        let table = child(statement, SyntaxKind::ON_RELATION).or_else(|| child(statement, SyntaxKind::ON_TABLE));
        let table = table.and_then(|on| on.children().next()).and_then(|node| table_name(&node));
        let function = child(statement, SyntaxKind::CALL_EXPR).and_then(|call| call.children().next());
        if let (Some(table), Some(function)) = (table, function.and_then(|node| table_name(&node))) {
            let place = self.place(statement);
            self.schema.triggers.push(Trigger { table, function, place });
        }
    }

    fn create_view(&mut self, statement: &SyntaxNode) {
        let Some(node) = child(statement, SyntaxKind::VIEW) else { return };
        let Some(name) = table_name(&node) else { return };
        let mut relation = Relation::new(Kind::View, self.place(&node));
        relation.security_invoker = is_invoker(statement).unwrap_or(false);
        if let Some(earlier) = self.schema.relations.remove(&name) {
            relation.grants = earlier.grants;
        }
        self.schema.relations.insert(name, relation);
    }

    fn alter_view(&mut self, statement: &SyntaxNode) {
        let Some(node) = child(statement, SyntaxKind::VIEW_REF) else { return };
        let Some(name) = table_name(&node) else { return };
        if let (Some(invoker), Some(relation)) = (is_invoker(statement), self.schema.relations.get_mut(&name)) {
            relation.security_invoker = invoker;
        }
    }

    fn drop(&mut self, statement: &SyntaxNode) {
        for node in statement.children() {
            if let Some(name) = table_name(&node) {
                self.schema.relations.remove(&name);
            }
        }
    }

    fn alter_table(&mut self, statement: &SyntaxNode) {
        let Some(node) = child(statement, SyntaxKind::TABLE_RELATION_NAME) else { return };
        let Some(name) = table_name(&node) else { return };
        self.relation(name.clone(), &node);
        let Some(mut relation) = self.schema.relations.remove(&name) else { return };
        for action in statement.children() {
            match action.kind() {
                SyntaxKind::ENABLE_RLS => relation.row_security = true,
                SyntaxKind::DISABLE_RLS => relation.row_security = false,
                SyntaxKind::ADD_CONSTRAINT => {
                    for constraint in action.children() {
                        self.add_constraint(&mut relation, &constraint);
                    }
                }
                SyntaxKind::ADD_COLUMN => {
                    let column = child(&action, SyntaxKind::COLUMN).unwrap_or_else(|| action.clone());
                    self.add_column(&mut relation, &column);
                }
                SyntaxKind::DROP_CONSTRAINT => relation.keys_to.clear(),
                SyntaxKind::ALTER_COLUMN => {
                    let column = child(&action, SyntaxKind::COLUMN_NAME_REF).and_then(|node| names(&node).pop());
                    let data_type = child(&action, SyntaxKind::SET_TYPE).and_then(|set| set.children().next());
                    if let (Some(column), Some(data_type)) = (column, data_type) {
                        for found in relation.columns.iter_mut().filter(|found| found.name == column) {
                            found.data_type = data_type.text().to_string().to_lowercase();
                        }
                    }
                }
                _ => {}
            }
        }
        self.schema.relations.insert(name, relation);
    }

    fn create_index(&mut self, statement: &SyntaxNode) {
        let Some(node) = child(statement, SyntaxKind::TABLE_RELATION_NAME) else { return };
        let (Some(name), Some(items)) = (table_name(&node), child(statement, SyntaxKind::PARTITION_ITEM_LIST)) else {
            return;
        };
        let columns: Option<Vec<String>> = items
            .children()
            .map(|item| child(&item, SyntaxKind::NAME_REF).and_then(|column| names(&column).pop()))
            .collect();
        let first = items.children().next().and_then(|item| child(&item, SyntaxKind::NAME_REF));
        let first = first.and_then(|column| names(&column).pop());
        let is_partial = child(statement, SyntaxKind::WHERE_CONDITION_CLAUSE).is_some()
            || child(statement, SyntaxKind::WHERE_CLAUSE).is_some();
        let is_plain = child(statement, SyntaxKind::USING_METHOD)
            .is_none_or(|method| method.text().to_string().to_lowercase().contains("btree"));
        let is_unique = has_token(statement, SyntaxKind::UNIQUE_KW);
        let place = self.place(statement);
        // A migration that may run again says `if not exists`, and makes nothing when it does.
        let text = statement.text().to_string().to_lowercase();
        let called = text.split_whitespace().take_while(|word| *word != "on").last().unwrap_or_default().to_owned();
        let relation = self.relation(name, &node);
        relation.indexed.extend(first);
        let again = child(statement, SyntaxKind::IF_NOT_EXISTS).is_some() && relation.index_names.contains(&called);
        if again {
            return;
        }
        relation.index_names.push(called);
        if let Some(columns) = columns.filter(|_| !is_partial && is_plain) {
            if let ([only], true) = (&columns[..], is_unique) {
                relation.unique.push((only.clone(), place.clone()));
            }
            relation.indexes.push((columns, place));
        }
    }

    fn create_policy(&mut self, statement: &SyntaxNode) {
        let (Some(policy), Some(table)) =
            (child(statement, SyntaxKind::POLICY), child(statement, SyntaxKind::ON_TABLE))
        else {
            return;
        };
        let (Some(policy_name), Some(table_node)) = (names(&policy).pop(), child(&table, SyntaxKind::TABLE_NAME_REF))
        else {
            return;
        };
        let Some(name) = table_name(&table_node) else { return };
        let command = child(statement, SyntaxKind::POLICY_COMMAND)
            .and_then(|command| command.children().next())
            .map_or_else(|| "all".to_owned(), |command| command.text().to_string().to_lowercase());
        let restrictive = child(statement, SyntaxKind::AS_POLICY_TYPE)
            .is_some_and(|kind| kind.text().to_string().to_lowercase().contains("restrictive"));
        let roles = child(statement, SyntaxKind::POLICY_ROLES).map(|roles| role_names(&roles)).unwrap_or_default();
        let created = Policy {
            name: policy_name,
            place: self.place(&policy),
            command,
            permissive: !restrictive,
            roles,
            using: self.clause(statement, SyntaxKind::USING_EXPR_CLAUSE),
            check: self.clause(statement, SyntaxKind::WITH_CHECK_EXPR_CLAUSE),
        };
        self.relation(name, &table_node).policies.push(created);
    }

    fn clause(&self, statement: &SyntaxNode, kind: SyntaxKind) -> Option<Clause> {
        let node = descendants(statement, kind).next()?;
        let expression = node.children().next()?;
        Some(Clause { origin: self.origin, node, expression })
    }

    fn alter_policy(&mut self, statement: &SyntaxNode) {
        let (using, check) = (
            self.clause(statement, SyntaxKind::USING_EXPR_CLAUSE),
            self.clause(statement, SyntaxKind::WITH_CHECK_EXPR_CLAUSE),
        );
        let roles = child(statement, SyntaxKind::POLICY_ROLES).map(|roles| role_names(&roles));
        if let Some(policy) = self.policy_of(statement) {
            policy.roles = roles.unwrap_or_else(|| std::mem::take(&mut policy.roles));
            policy.using = using.or(policy.using.take());
            policy.check = check.or(policy.check.take());
        }
    }

    fn policy_of(&mut self, statement: &SyntaxNode) -> Option<&mut Policy> {
        let policy = names(&child(statement, SyntaxKind::POLICY_REF)?).pop()?;
        let table = table_name(&child(&child(statement, SyntaxKind::ON_TABLE)?, SyntaxKind::TABLE_NAME_REF)?)?;
        self.schema.relations.get_mut(&table)?.policies.iter_mut().find(|found| found.name == policy)
    }

    fn drop_policy(&mut self, statement: &SyntaxNode) {
        let Some(policy) = child(statement, SyntaxKind::POLICY_REF).and_then(|node| names(&node).pop()) else { return };
        let table = child(statement, SyntaxKind::ON_TABLE).and_then(|on| child(&on, SyntaxKind::TABLE_NAME_REF));
        let Some(table) = table.and_then(|node| table_name(&node)) else { return };
        if let Some(relation) = self.schema.relations.get_mut(&table) {
            relation.policies.retain(|found| found.name != policy);
        }
    }

    fn grant(&mut self, statement: &SyntaxNode) {
        let Some(objects) = child(statement, SyntaxKind::ON_PRIVILEGE_OBJECTS_CLAUSE) else { return };
        let roles = role_names(statement);
        if let Some(all) = child(&objects, SyntaxKind::PRIVILEGE_ALL_TABLES_IN_SCHEMA) {
            let schemas = descendants(&all, SyntaxKind::SCHEMA_REF).filter_map(|node| names(&node).pop());
            self.schema.grants_on_all.extend(schemas);
            return;
        }
        let privileges = privileges(statement);
        for node in descendants(&objects, SyntaxKind::RELATION_NAME_REF) {
            let Some(name) = table_name(&node) else { continue };
            let place = self.place(statement);
            let relation = self.relation(name, &node);
            for role in &roles {
                for (privilege, columns) in &privileges {
                    relation.grants.push(Grant {
                        role: role.clone(),
                        privilege: privilege.clone(),
                        columns: columns.clone(),
                        place: place.clone(),
                    });
                }
            }
        }
    }

    fn revoke(&mut self, statement: &SyntaxNode) {
        let Some(objects) = child(statement, SyntaxKind::ON_PRIVILEGE_OBJECTS_CLAUSE) else { return };
        let (roles, privileges) = (role_names(statement), privileges(statement));
        for node in descendants(&objects, SyntaxKind::RELATION_NAME_REF) {
            let Some(name) = table_name(&node) else { continue };
            let relation = self.relation(name, &node);
            let takes_all = privileges.iter().any(|(privilege, _)| privilege == "all");
            relation.revoked |= takes_all && roles.iter().any(|role| role == "anon" || role == "authenticated");
            relation.grants.retain(|grant| {
                !(roles.contains(&grant.role)
                    && (takes_all || privileges.iter().any(|(privilege, _)| *privilege == grant.privilege)))
            });
        }
        for node in descendants(&objects, SyntaxKind::FUNCTION_NAME_REF) {
            let Some(name) = table_name(&node) else { continue };
            for function in self.schema.functions.iter_mut().filter(|function| function.name == name) {
                function.public &= !roles.iter().any(|role| role == "public");
            }
        }
    }

    fn default_privileges(&mut self, statement: &SyntaxNode) {
        if child(statement, SyntaxKind::GRANT_DEFAULT_PRIVILEGES).is_some() {
            let schemas = descendants(statement, SyntaxKind::SCHEMA_REF).filter_map(|node| names(&node).pop());
            self.schema.grants_on_all.extend(schemas);
        }
    }

    fn create_function(&mut self, statement: &SyntaxNode) {
        let node = child(statement, SyntaxKind::FUNCTION_NAME).or_else(|| child(statement, SyntaxKind::PROCEDURE_NAME));
        let Some(node) = node else { return };
        let Some(name) = table_name(&node) else { return };
        let function = Function {
            place: self.place(&node),
            definer: descendants(statement, SyntaxKind::SECURITY_DEFINER_FUNC_OPTION).next().is_some(),
            search_path: sets_search_path(statement),
            trigger: child(statement, SyntaxKind::RET_TYPE)
                .is_some_and(|returns| returns.text().to_string().to_lowercase().contains("trigger")),
            public: true,
            body: child(statement, SyntaxKind::FUNC_OPTION_LIST)
                .map_or_else(|| statement.text().to_string(), |options| options.text().to_string()),
            name,
        };
        self.schema.functions.retain(|earlier| earlier.name != function.name);
        self.schema.functions.push(function);
    }

    fn alter_function(&mut self, statement: &SyntaxNode) {
        let name = descendants(statement, SyntaxKind::FUNCTION_NAME_REF).next().and_then(|node| table_name(&node));
        for function in self.schema.functions.iter_mut().filter(|function| Some(&function.name) == name.as_ref()) {
            function.search_path |= sets_search_path(statement);
        }
    }
}

fn column_names(node: &SyntaxNode) -> Vec<String> {
    descendants(node, SyntaxKind::COLUMN_NAME_REF).filter_map(|column| names(&column).pop()).collect()
}

fn sets_search_path(statement: &SyntaxNode) -> bool {
    descendants(statement, SyntaxKind::CONFIG_PARAMETER_REF).any(|name| names(&name) == ["search_path"])
}

fn is_invoker(statement: &SyntaxNode) -> Option<bool> {
    let option = descendants(statement, SyntaxKind::ATTRIBUTE_OPTION).find(|option| {
        child(option, SyntaxKind::ATTRIBUTE_NAME).is_some_and(|name| names(&name) == ["security_invoker"])
    })?;
    let value = child(&option, SyntaxKind::ATTRIBUTE_VALUE).map(|value| value.text().to_string().to_lowercase());
    Some(value.is_none_or(|value| matches!(value.trim().trim_matches('\''), "true" | "on" | "1" | "yes")))
}

fn role_names(node: &SyntaxNode) -> Vec<String> {
    descendants(node, SyntaxKind::ROLE_REF_LIST)
        .flat_map(|list| descendants(&list, SyntaxKind::ROLE_REF).collect::<Vec<_>>())
        .filter_map(|role| names(&role).pop())
        .collect()
}

/// Privileges with their columns; `all` where all were named.
fn privileges(statement: &SyntaxNode) -> Vec<(String, Vec<String>)> {
    if descendants(statement, SyntaxKind::ALL_PRIVILEGES).next().is_some() || has_token(statement, SyntaxKind::ALL_KW) {
        return vec![("all".to_owned(), Vec::new())];
    }
    descendants(statement, SyntaxKind::REVOKE_COMMAND)
        .map(|command| {
            let columns = child(&command, SyntaxKind::COLUMN_REF_LIST)
                .map(|list| {
                    descendants(&list, SyntaxKind::COLUMN_NAME_REF).filter_map(|column| names(&column).pop()).collect()
                })
                .unwrap_or_default();
            let privilege = command.first_token().map(|token| token.text().to_lowercase()).unwrap_or_default();
            (privilege, columns)
        })
        .collect()
}
