//! The whole: seed, let everybody try everything, judge, and leave nothing behind.

use std::collections::BTreeMap;

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
    let personas = personas(model, &vocabulary, &memberships).await?;
    let rehearsal = Rehearsal::begin(owner, &[Role::Anonymous.as_str(), Role::Authenticated.as_str()]).await?;
    world::install(&rehearsal, &memberships).await?;
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
            let outcomes = attempts.everything(persona, |row| self.destination(persona, row)).await?;
            matrix.attempts += outcomes.values().map(Vec::len).sum::<usize>();
            for action in Action::ALL {
                let mut judged: BTreeMap<Verdict, Vec<&str>> = BTreeMap::new();
                for (row, outcome) in rows.iter().zip(&outcomes[&action]) {
                    if let Some(verdict) = self.judge(persona, action, row, outcome) {
                        judged.entry(verdict).or_default().push(row.whose.label);
                    }
                }
                let found =
                    judged.into_iter().map(|(verdict, whose)| verdict.finding(self.table, persona, action, &whose));
                matrix.findings.extend(found);
            }
            let cells = (0..rows.len()).flat_map(|row| Action::ALL.map(|action| Cell::from(&outcomes[&action][row])));
            report.lines.push(Line { persona: persona.name.clone(), cells: cells.collect() });
        }
        self.find_dead_policies(personas, &report, matrix).await?;
        matrix.tables.push(report);
        Ok(())
    }

    fn rows(&self) -> &'a [Row] {
        &self.seeds.rows[&self.table.name]
    }

    fn judge(&self, persona: &Persona, action: Action, row: &Row, outcome: &Outcome) -> Option<Verdict> {
        let moved = self.moved(persona, row);
        let (facts, moved_facts) = (self.facts(&row.columns), self.facts(&moved));
        let done = match outcome {
            Outcome::NotApplicable => return None,
            Outcome::Failed(reason) => return Some(Verdict::CannotTell(reason.clone())),
            Outcome::Done => true,
            Outcome::Refused | Outcome::RefusedByCheck => false,
        };
        let theirs = belongs_to_others(self.table, &persona.facts, action, &facts)
            || action == Action::Move && belongs_to_others(self.table, &persona.facts, action, &moved_facts);
        if done && theirs {
            return Some(Verdict::Leak);
        }
        match expected(&self.plans[&self.table.name], &persona.facts, action, &facts, Some(&moved_facts)) {
            Some(true) if !done => Some(Verdict::TooLittle),
            Some(false) if done => Some(Verdict::TooMuch),
            _ => None,
        }
    }

    /// The columns by which the row would change hands: an own one to another tenant, somebody else's to the persona.
    fn destination(&self, persona: &Persona, row: &Row) -> BTreeMap<String, String> {
        let facts = &persona.facts;
        let user = facts.user.as_deref().unwrap_or(world::ADA);
        let organization = facts.organization.as_deref().or_else(|| facts.live.keys().next().map(String::as_str));
        let organization = organization.unwrap_or(world::ACME);
        let is_own =
            if self.table.access.organization_column().is_some() || matches!(self.table.access, Access::Child { .. }) {
                row.whose.organization == organization
            } else {
                row.whose.owner == user
            };
        let other = self.rows().iter().find(|other| other.whose.organization != row.whose.organization);
        let Some(other) = other else { return BTreeMap::new() };
        let (owner, tenant) = if is_own { (other.whose.owner, other.whose.organization) } else { (user, organization) };
        let mut columns = BTreeMap::new();
        if let Some(column) = self.table.access.owner_column() {
            columns.insert(column.to_owned(), owner.to_owned());
        }
        if let Some(column) = self.table.access.organization_column() {
            columns.insert(column.to_owned(), tenant.to_owned());
        }
        if let Access::Child { foreign_key, .. } = &self.table.access {
            // Under the parent of a row that is where this one is to go.
            let there = self.rows().iter().find(|there| there.whose.organization == tenant).unwrap_or(other);
            columns.extend(there.columns.get(foreign_key).map(|parent| (foreign_key.clone(), parent.clone())));
        }
        columns
    }

    fn moved(&self, persona: &Persona, row: &Row) -> BTreeMap<String, String> {
        let mut columns = row.columns.clone();
        columns.extend(self.destination(persona, row));
        columns
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
            let outcomes = attempts.everything(persona, |row| self.destination(persona, row)).await?;
            alive |= actions.iter().any(|action| outcomes[action].contains(&Outcome::Done));
        }
        self.rehearsal.undo().await?;
        Ok(alive)
    }
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
        "update" => matches!(action, Action::Update),
        "delete" => action == Action::Delete,
        _ => action != Action::Move,
    }
}

impl Attempts<'_> {
    /// Everything that can be tried, by action, one outcome for each row.
    async fn everything(
        &self,
        persona: &Persona,
        destination: impl Fn(&Row) -> BTreeMap<String, String>,
    ) -> Result<BTreeMap<Action, Vec<Outcome>>, Error> {
        let updates = self.update(persona).await?;
        let (mut inserts, mut moves) = (Vec::new(), Vec::new());
        for (row, updated) in self.rows.iter().zip(&updates) {
            inserts.push(self.insert(persona, row).await?);
            let destination = destination(row);
            // What cannot be reached cannot be moved: the policies for the old row are the same.
            let out_of_reach = *updated == Outcome::Refused && !destination.is_empty();
            moves.push(if out_of_reach { Outcome::Refused } else { self.move_to(persona, row, &destination).await? });
        }
        Ok(BTreeMap::from([
            (Action::Select, self.select(persona).await?),
            (Action::Insert, inserts),
            (Action::Update, updates),
            (Action::Move, moves),
            (Action::Delete, self.delete(persona).await?),
        ]))
    }
}
