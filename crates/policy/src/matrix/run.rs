//! The whole: seed, let everybody try everything, judge, and leave nothing behind.

use std::collections::BTreeMap;

use clerk::{Clock as _, SystemClock};
use postgres::{Error, Pool, Rehearsal};

use super::attempt::{Action, Attempts, Outcome};
use super::expectation::{RowFacts, belongs_to_others, expected};
use super::persona::{Persona, personas};
use super::report::{Cell, Finding, Line, Matrix, TableReport};
use super::seed::{Row, SeedError, Seeds};
use super::world::{self, Vocabulary};
use crate::catalogue::{Catalogue, Policy, Relation};
use crate::model::{Access, Model, Plan, Role, Table};
use crate::quote_name;

/// Why there is no matrix.
#[derive(Debug, thiserror::Error)]
pub enum MatrixError {
    /// A persona of the file is no Clerk token.
    #[error("persona `{persona}` has claims that no Clerk token has")]
    Persona {
        /// Which.
        persona: String,
        /// What the verifier said.
        #[source]
        source: tokens::Refusal,
    },
    /// A persona of the file has claims that are no JSON.
    #[error("persona `{persona}` has claims that are no JSON; expected texts, numbers, lists and tables")]
    PersonaClaims {
        /// Which.
        persona: String,
    },
    /// Rows could not be made.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The database could not be used.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Lets every persona try everything on every table of the model.
///
/// # Errors
/// [`MatrixError`]; what the policies do wrong is no error but a [`Finding`].
pub async fn run(model: &Model, owner: &Pool) -> Result<Matrix, MatrixError> {
    let vocabulary = Vocabulary::of(model);
    let memberships = world::memberships(&vocabulary);
    let now = SystemClock.now();
    let personas = personas(model, &vocabulary, &memberships, now).await?;
    let rehearsal = Rehearsal::begin(owner, &[Role::Anonymous.as_str(), Role::Authenticated.as_str()]).await?;
    world::install(&rehearsal, &memberships, now).await?;
    let catalogue = Catalogue::read_in(&rehearsal).await?;
    let seeds = Seeds::sow(&rehearsal, &catalogue, model).await?;
    let plans: BTreeMap<_, _> = model.tables.iter().map(|table| (&table.name, model.plan(table))).collect();

    let mut matrix = Matrix::default();
    for table in &model.tables {
        let relation = catalogue.relation(&table.name).expect("a table without a relation got no rows");
        let stage = Stage { rehearsal: &rehearsal, relation, table, model, seeds: &seeds, plans: &plans };
        stage.perform(&personas, &mut matrix).await?;
    }
    rehearsal.end().await?;
    Ok(matrix)
}

type Plans<'a> = BTreeMap<&'a crate::TableName, Plan>;

/// One table, and all that is needed to try and to judge.
struct Stage<'a> {
    rehearsal: &'a Rehearsal,
    relation: &'a Relation,
    table: &'a Table,
    model: &'a Model,
    seeds: &'a Seeds<'a>,
    plans: &'a Plans<'a>,
}

impl<'a> Stage<'a> {
    async fn perform(&self, personas: &[Persona], matrix: &mut Matrix) -> Result<(), MatrixError> {
        let rows = self.rows();
        let attempts = Attempts::new(self.rehearsal, self.relation, rows).await?;
        let mut report = TableReport {
            table: self.table.name.clone(),
            kind: self.table.access.kind(),
            rows: rows.iter().map(|row| row.whose.label).collect(),
            lines: Vec::new(),
        };
        for persona in personas {
            let tried = self.everything(&attempts, persona).await?;
            matrix.attempts += tried.len();
            let mut judged: BTreeMap<(Action, Verdict), Vec<&str>> = BTreeMap::new();
            for attempt in &tried {
                if let Some(verdict) = self.judge(persona, attempt) {
                    let whose = judged.entry((attempt.action, verdict)).or_default();
                    if whose.last() != Some(&attempt.row.whose.label) {
                        whose.push(attempt.row.whose.label);
                    }
                }
            }
            let found = judged
                .into_iter()
                .map(|((action, verdict), whose)| verdict.finding(self.table, persona, action, &whose));
            matrix.findings.extend(found);
            let cell = |row: &Row, action: Action| {
                Cell::of(
                    tried
                        .iter()
                        .filter(|attempt| attempt.action == action && attempt.row.key == row.key)
                        .map(|attempt| &attempt.outcome),
                )
            };
            let cells = rows.iter().flat_map(|row| Action::ALL.map(|action| cell(row, action))).collect();
            report.lines.push(Line { persona: persona.name.clone(), cells });
        }
        self.find_dead_policies(personas, &report, matrix).await?;
        matrix.tables.push(report);
        Ok(())
    }

    fn rows(&self) -> &'a [Row] {
        &self.seeds.rows[&self.table.name]
    }

    fn judge(&self, persona: &Persona, attempt: &Tried<'_>) -> Option<Verdict> {
        let mut become_of = attempt.row.columns.clone();
        become_of.extend(attempt.destination.iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
        let (facts, moved_facts) = (self.facts(&attempt.row.columns), self.facts(&become_of));
        let done = match &attempt.outcome {
            Outcome::NotApplicable => return None,
            Outcome::Failed(reason) => return Some(Verdict::CannotTell(reason.clone())),
            Outcome::Done => true,
            Outcome::Refused | Outcome::RefusedByCheck => false,
        };
        let theirs = belongs_to_others(self.table, &persona.facts, attempt.action, &facts)
            || attempt.destination.is_some()
                && belongs_to_others(self.table, &persona.facts, attempt.action, &moved_facts);
        if done && theirs {
            return Some(Verdict::Leak);
        }
        match expected(&self.plans[&self.table.name], &persona.facts, attempt.action, &facts, Some(&moved_facts)) {
            Some(true) if !done => Some(Verdict::TooLittle),
            Some(false) if done => Some(Verdict::TooMuch),
            _ => None,
        }
    }

    /// Everything that can be tried, one attempt for each row and destination.
    async fn everything(&self, attempts: &Attempts<'a>, persona: &Persona) -> Result<Vec<Tried<'a>>, Error> {
        let rows = self.rows();
        let (seen, updated, deleted) =
            (attempts.select(persona).await?, attempts.update(persona).await?, attempts.delete(persona).await?);
        let mut tried = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let mut add = |action: Action, destination: Option<BTreeMap<String, String>>, outcome: Outcome| {
                tried.push(Tried { action, row, destination, outcome });
            };
            add(Action::Select, None, seen[place].clone());
            add(Action::Insert, None, attempts.insert(persona, row).await?);
            add(Action::Update, None, updated[place].clone());
            add(Action::Delete, None, deleted[place].clone());
            for (action, destination) in self.destinations(persona, row) {
                // What cannot be reached cannot be moved: the policies for the old row are the same.
                let outcome = match &updated[place] {
                    Outcome::Refused => Outcome::Refused,
                    _ => attempts.move_to(persona, row, &destination).await?,
                };
                add(action, Some(destination), outcome);
            }
        }
        Ok(tried)
    }

    /// The columns by which the row would change hands: to another tenant, to somebody of its own organization, to the persona.
    fn destinations(&self, persona: &Persona, row: &Row) -> Vec<(Action, BTreeMap<String, String>)> {
        let facts = &persona.facts;
        let user = facts.user.as_deref().unwrap_or(world::ADA);
        let organization = facts.organization.as_deref().or_else(|| facts.live.keys().next().map(String::as_str));
        let organization = organization.unwrap_or(world::ACME);
        let rows = self.rows();
        let stranger = rows.iter().find(|other| other.whose.organization != row.whose.organization);
        let mate = rows
            .iter()
            .find(|other| other.whose.organization == row.whose.organization && other.whose.owner != row.whose.owner);
        let to = |action: Action, owner: &str, tenant: &str| {
            let mut columns = BTreeMap::new();
            if let Some(column) = self.table.access.owner_column() {
                columns.insert(column.to_owned(), owner.to_owned());
            }
            if let Some(column) = self.table.access.organization_column() {
                columns.insert(column.to_owned(), tenant.to_owned());
            }
            if let Access::Child { foreign_key, .. } = &self.table.access {
                // Under a parent of theirs, or one of their organization.
                let there = rows.iter().find(|there| there.whose.owner == owner && there.whose.organization == tenant);
                let there = there.or_else(|| rows.iter().find(|there| there.whose.organization == tenant));
                columns.extend(
                    there.and_then(|there| Some((foreign_key.clone(), there.columns.get(foreign_key)?.clone()))),
                );
            }
            (action, columns)
        };
        let given = [stranger, mate]
            .into_iter()
            .flatten()
            .map(|other| to(Action::Give, other.whose.owner, other.whose.organization));
        let mut destinations: Vec<_> = given.chain([to(Action::Take, user, organization)]).collect();
        // Where nothing would change, nothing is tried.
        destinations.retain(|(_, columns)| columns.iter().any(|(name, value)| row.columns.get(name) != Some(value)));
        destinations
    }

    /// The row and its parents, as conditions look at them.
    fn facts<'f>(&'f self, columns: &'f BTreeMap<String, String>) -> RowFacts<'f> {
        RowFacts { parent: self.parent(self.table, columns), columns }
    }

    fn parent<'f>(
        &'f self,
        table: &Table,
        columns: &BTreeMap<String, String>,
    ) -> Option<Box<(RowFacts<'f>, &'f Plan)>> {
        let Access::Child { parent, foreign_key, parent_key } = &table.access else { return None };
        let above = self.model.table(parent)?;
        let pointed = columns.get(foreign_key)?;
        let key = |row: &Row| row.columns.get(parent_key).cloned().unwrap_or_else(|| row.key.clone());
        let row = self.seeds.rows[parent].iter().find(|row| key(row) == *pointed)?;
        let facts = RowFacts { columns: &row.columns, parent: self.parent(above, &row.columns) };
        Some(Box::new((facts, &self.plans[parent])))
    }

    /// A permissive policy is alive when somebody reaches a row by it alone.
    async fn find_dead_policies(
        &self,
        personas: &[Persona],
        report: &TableReport,
        matrix: &mut Matrix,
    ) -> Result<(), MatrixError> {
        let permissive: Vec<&Policy> = self.relation.policies.iter().filter(|policy| policy.permissive).collect();
        for policy in &permissive {
            let actions: Vec<Action> = Action::ALL.into_iter().filter(|action| concerns(policy, *action)).collect();
            let alone = permissive
                .iter()
                .all(|other| other.name == policy.name || !actions.iter().any(|action| concerns(other, *action)));
            let alive = if alone {
                report.anybody_did(&actions)
            } else {
                self.is_alive_alone(personas, policy, &permissive, &actions).await?
            };
            if !alive {
                let what =
                    format!("{}: policy {} lets no persona reach any row", self.table.name, quote_name(&policy.name));
                let using = policy.using.iter().chain(&policy.check).next().cloned().unwrap_or_default();
                matrix.findings.push(Finding::Dead { what, condition: using });
            }
        }
        Ok(())
    }

    async fn is_alive_alone(
        &self,
        personas: &[Persona],
        policy: &Policy,
        permissive: &[&Policy],
        actions: &[Action],
    ) -> Result<bool, MatrixError> {
        self.rehearsal.mark().await?;
        for other in permissive.iter().filter(|other| other.name != policy.name) {
            self.rehearsal.run(&format!("drop policy {} on {}", quote_name(&other.name), self.table.name)).await?;
        }
        let attempts = Attempts::new(self.rehearsal, self.relation, self.rows()).await?;
        let mut alive = false;
        for persona in personas {
            let tried = self.everything(&attempts, persona).await?;
            alive |= tried.iter().any(|attempt| actions.contains(&attempt.action) && attempt.outcome == Outcome::Done);
        }
        self.rehearsal.undo().await?;
        Ok(alive)
    }
}

/// One attempt and what came of it.
struct Tried<'a> {
    action: Action,
    row: &'a Row,
    /// The columns by which the row was to become somebody else's.
    destination: Option<BTreeMap<String, String>>,
    outcome: Outcome,
}

/// What is wrong with one cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Leak,
    TooMuch,
    TooLittle,
    CannotTell(String),
}

impl Verdict {
    fn finding(self, table: &Table, persona: &Persona, action: Action, whose: &[&str]) -> Finding {
        let rows = if whose.len() == 1 { "row" } else { "rows" };
        let (table, persona, whose) = (&table.name, &persona.name, whose.join(" and "));
        let done = || format!("{table}: {persona} may {action} the {rows} of {whose}");
        match self {
            Self::Leak => Finding::Leak { what: done() },
            Self::TooMuch => Finding::TooMuch { what: done() },
            Self::TooLittle => {
                Finding::TooLittle { what: format!("{table}: {persona} may not {action} the {rows} of {whose}") }
            }
            Self::CannotTell(reason) => Finding::CannotTell {
                what: format!("{table}: {persona} tries to {action} the {rows} of {whose}: {reason}"),
            },
        }
    }
}

fn concerns(policy: &Policy, action: Action) -> bool {
    match policy.command.as_str() {
        "select" => action == Action::Select,
        "insert" => action == Action::Insert,
        "update" => action == Action::Update,
        "delete" => action == Action::Delete,
        _ => !matches!(action, Action::Give | Action::Take),
    }
}
