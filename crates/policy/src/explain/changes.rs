//! One table that is written: which rows the statement means, which of them policies let it reach, and what of those may become so.
//!
//! Each step is rehearsed with the policies of the step aside, and the rows that come of it are judged by those policies. Nothing stays.
//!
//! Postgres asks the policies for reading, too, as soon as a statement that writes reads a column: in its `where`, on the right of `set`, in
//! `returning`, in `on conflict`. Then rows that cannot be seen are not reached, and rows that could not be seen afterwards are refused.

use postgres::{Error, Rehearsal, RequestContext};
use tokens::Principal;
use tokio_postgres::types::Type;

use super::judge::{Question, check, judge, open, using, verdict};
use super::statement::{Change, Command, Conflict, PLACE};
use super::{ChangeExplanation, GrantExplanation, Judgement, Step, StepExplanation};
use crate::catalogue::Relation;
use crate::quote_name;

pub(super) async fn explain(
    rehearsal: &Rehearsal,
    principal: &Principal,
    relation: &Relation,
    change: &Change,
) -> Result<ChangeExplanation, Error> {
    let changes = Changes { rehearsal, principal, relation, change };
    let mut steps = Vec::new();
    let mut stopped = None;
    let outcomes = match (change.command, change.conflict) {
        (Command::Insert, Conflict::Updated) => {
            vec![changes.proposed().await?, changes.existing().await?, changes.rewritten().await?]
        }
        (Command::Insert, _) => vec![changes.written("true").await?],
        (Command::Update, _) => vec![changes.meant().await?, changes.updated().await?],
        (Command::Delete, _) => vec![changes.meant().await?],
    };
    for outcome in outcomes {
        match outcome {
            Ok(step) => steps.push(step),
            // What is wrong beside policies is wrong once.
            Err(error) => stopped = stopped.or(Some(error.to_string())),
        }
    }
    Ok(ChangeExplanation {
        table: relation.table_name().to_string(),
        command: change.command.as_str(),
        row_security: relation.row_security,
        grants: grants(relation, principal.role(), change),
        also_reads: change.reads.iter().map(|(clause, columns)| format!("{clause}: {}", columns.join(", "))).collect(),
        steps,
        stopped,
        of_merge: change.of_merge,
    })
}

/// Which columns each privilege is needed for, and which of them the role has not.
fn grants(relation: &Relation, role: &str, change: &Change) -> Vec<GrantExplanation> {
    let all = || relation.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let mut needed: Vec<(&'static str, String, Vec<String>)> = Vec::new();
    let written = change.writes.clone().unwrap_or_else(all);
    needed.push((change.command.as_str(), "what it writes".to_owned(), written));
    if change.conflict == Conflict::Updated {
        needed.push(("update", "on conflict do update".to_owned(), change.rewrites.clone()));
    }
    for (clause, columns) in &change.reads {
        let named = if columns.iter().any(|column| column == "*") { all() } else { columns.clone() };
        let known = named.into_iter().filter(|column| relation.column(column).is_some()).collect::<Vec<_>>();
        if !known.is_empty() {
            needed.push(("select", (*clause).to_owned(), known));
        }
    }
    needed
        .into_iter()
        .map(|(privilege, for_what, columns)| {
            let granted = relation.granted_columns(role, privilege);
            // A delete concerns no column.
            let whole = columns.is_empty() && !relation.has_grant(role, privilege);
            let missing: Vec<String> =
                columns.into_iter().filter(|column| !granted.iter().any(|known| known.name == *column)).collect();
            GrantExplanation {
                privilege,
                for_what,
                has: missing.is_empty() && !whole,
                nothing: granted.is_empty(),
                missing,
            }
        })
        .collect()
}

struct Changes<'a> {
    rehearsal: &'a Rehearsal,
    principal: &'a Principal,
    relation: &'a Relation,
    change: &'a Change,
}

/// A step, or what Postgres says against it with the policies aside.
type Outcome<T = StepExplanation> = Result<T, Error>;

impl Changes<'_> {
    fn role(&self) -> &str {
        self.principal.role()
    }

    /// These questions, and those for reading where the statement reads.
    fn with_reading<'a>(&'a self, questions: Vec<Question<'a>>) -> Vec<Vec<Question<'a>>> {
        let mut groups = vec![questions];
        if !self.change.reads.is_empty() {
            groups.push(using(self.relation, "select"));
        }
        groups
    }

    /// The policies aside, the statement the caller's.
    async fn begin(&self, reached_by_update: &str) -> Result<(), Error> {
        self.rehearsal.mark().await?;
        open(self.rehearsal, self.relation, self.role(), reached_by_update).await?;
        self.rehearsal.act_as(self.principal, &RequestContext::default()).await
    }

    async fn judged(
        &self,
        step: Step,
        groups: &[Vec<Question<'_>>],
        places: &[String],
    ) -> Result<StepExplanation, Error> {
        let Judgement { answers, total, let_in, passed, policies, rows } =
            judge(self.rehearsal, self.relation, self.role(), groups, Some(places)).await?;
        Ok(StepExplanation { step, answers, total, let_in, passed, policies, rows })
    }

    async fn places(&self, statement: &str) -> Result<Vec<String>, Error> {
        Ok(self.rehearsal.query(statement, &[]).await?.iter().map(|row| row.get(0)).collect())
    }

    /// Runs a step between a mark and its undoing; what Postgres says against the statement is an outcome.
    async fn undone<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<Outcome<T>, Error> {
        let outcome = work.await;
        self.rehearsal.undo().await?;
        Ok(outcome)
    }

    /// The rows that an update or a delete means, by the policies that say which of them it reaches.
    async fn meant(&self) -> Result<Outcome, Error> {
        self.begin("true").await?;
        let groups = self.with_reading(using(self.relation, self.change.command.as_str()));
        self.undone(async {
            let places = self.places(&self.change.meant().unwrap_or_default()).await?;
            self.judged(Step::Meant, &groups, &places).await
        })
        .await
    }

    /// The rows that an update reaches, as they would become.
    async fn updated(&self) -> Result<Outcome, Error> {
        let (let_in, kept) = verdict(self.relation, self.role(), &self.with_reading(using(self.relation, "update")));
        self.written(&format!("{let_in} and {kept}")).await
    }

    /// The rows that the statement leaves behind, by the policies that say what may be.
    async fn written(&self, reached_by_update: &str) -> Result<Outcome, Error> {
        self.begin(reached_by_update).await?;
        let groups = self.with_reading(check(self.relation, self.change.command.as_str()));
        self.undone(async {
            let places = self.places(&self.change.returning(&self.change.place())).await?;
            self.judged(Step::Written, &groups, &places).await
        })
        .await
    }

    /// The rows that an upsert proposes, whether or not one is there already: those that are there leave for a moment.
    async fn proposed(&self) -> Result<Outcome, Error> {
        let existing = match self.in_the_way().await? {
            Ok(existing) => existing,
            Err(error) => return Ok(Err(error)),
        };
        self.rehearsal.mark().await?;
        let groups = self.with_reading(check(self.relation, "insert"));
        self.undone(async {
            let remove = format!("delete from {} where ({PLACE}) = any ($1)", self.relation.table_name());
            self.rehearsal.query(&remove, &[(&existing, Type::TEXT_ARRAY)]).await?;
            open(self.rehearsal, self.relation, self.role(), "true").await?;
            self.rehearsal.act_as(self.principal, &RequestContext::default()).await?;
            let places = self.places(&self.change.returning_without_conflict(&self.change.place())).await?;
            self.judged(Step::Proposed, &groups, &places).await
        })
        .await
    }

    /// The rows that are there already, by the policies that say whether they may be changed.
    async fn existing(&self) -> Result<Outcome, Error> {
        let existing = match self.in_the_way().await? {
            Ok(existing) => existing,
            Err(error) => return Ok(Err(error)),
        };
        self.begin("true").await?;
        let groups = self.with_reading(using(self.relation, "update"));
        self.undone(self.judged(Step::Existing, &groups, &existing)).await
    }

    /// The same, as they would become.
    async fn rewritten(&self) -> Result<Outcome, Error> {
        self.begin("true").await?;
        let groups = self.with_reading(check(self.relation, "update"));
        self.undone(async {
            let rows = self.upserted(&self.change.place()).await?;
            self.judged(Step::Written, &groups, &rows).await
        })
        .await
    }

    /// Where the rows are, before anything is written, that an upsert conflicts with.
    async fn in_the_way(&self) -> Result<Outcome<Vec<String>>, Error> {
        self.begin("true").await?;
        let key = |table: &str| {
            let columns: Vec<String> =
                self.relation.primary_key.iter().map(|column| format!("{table}{}::text", quote_name(column))).collect();
            format!("array[{}]::text[]::text", columns.join(", "))
        };
        let keys = match self.undone(self.upserted(&key(&format!("{}.", self.change.called())))).await? {
            Ok(keys) => keys,
            Err(error) => return Ok(Err(error)),
        };
        let find = format!("select {PLACE} from {} where {} = any ($1)", self.relation.table_name(), key(""));
        let found = self.rehearsal.query(&find, &[(&keys, Type::TEXT_ARRAY)]).await?;
        Ok(Ok(found.iter().map(|row| row.get(0)).collect()))
    }

    /// One expression of each row that an upsert changes; those that it makes are left out.
    async fn upserted(&self, expression: &str) -> Result<Vec<String>, Error> {
        // A row that takes the place of another carries the lock that was taken on that one.
        let statement = self.change.returning(&format!("{expression}, {}.xmax::text <> '0'", self.change.called()));
        let rows = self.rehearsal.query(&statement, &[]).await?;
        Ok(rows.iter().filter(|row| row.get(1)).map(|row| row.get(0)).collect())
    }
}
