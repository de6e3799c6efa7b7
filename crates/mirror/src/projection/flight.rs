//! Statements that are sent together, with their parameters.

use std::collections::HashSet;

use futures_util::future::{try_join, try_join_all};
use postgres::Connection;
use tokio_postgres::types::ToSql;

use super::Source;

/// How a flight begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With a transaction of its own, which sees what others commit while it waits for them, whatever the database's
    /// default is.
    Transaction,
    /// In the middle of a transaction.
    Within,
}

impl Start {
    const fn statement(self) -> &'static str {
        match self {
            Self::Transaction => "begin isolation level read committed",
            Self::Within => "",
        }
    }
}

/// Steps in the order in which they take effect.
pub(super) struct Flight<'a> {
    source: Source,
    steps: Vec<Step<'a>>,
}

/// A statement and one array for each parameter of many rows.
pub(super) struct Step<'a> {
    statement: &'static str,
    parameters: Vec<Parameter<'a>>,
    source: Source,
}

enum Parameter<'a> {
    Texts(Vec<Option<&'a str>>),
    Numbers(Vec<i64>),
    Flags(Vec<bool>),
    Text(&'static str),
}

/// Which ids each step has written, where it says so.
pub(super) struct Written(Vec<HashSet<String>>);

impl<'a> Flight<'a> {
    pub(super) fn new(source: Source) -> Self {
        Self { source, steps: Vec::new() }
    }

    /// Adds a step, which is then filled with its parameters in their order.
    pub(super) fn add(&mut self, statement: &'static str) -> &mut Step<'a> {
        self.steps.push(Step { statement, parameters: Vec::new(), source: self.source });
        self.steps.last_mut().expect("it was pushed")
    }

    /// The number of the step that was added last.
    pub(super) fn last(&self) -> usize {
        self.steps.len() - 1
    }

    /// Sends all steps in their order and waits once.
    ///
    /// Everything is prepared first: a step whose statement this connection already knows must not overtake one whose
    /// statement it does not.
    pub(super) async fn depart(self, connection: &Connection, start: Start) -> Result<Written, tokio_postgres::Error> {
        let mut prepared = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            prepared.push(connection.prepare_cached(step.statement).await?);
        }
        let parameters: Vec<_> = self.steps.iter().map(Step::parameters).collect();
        let queries =
            prepared.iter().zip(&parameters).map(|(statement, parameters)| connection.query(statement, parameters));
        let ((), answers) = try_join(connection.batch_execute(start.statement()), try_join_all(queries)).await?;
        let ids = |rows: Vec<tokio_postgres::Row>| rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
        Ok(Written(answers.into_iter().map(ids).collect()))
    }
}

impl<'a> Step<'a> {
    pub(super) fn texts(&mut self, texts: impl IntoIterator<Item = Option<&'a str>>) -> &mut Self {
        self.with(Parameter::Texts(texts.into_iter().collect()))
    }

    pub(super) fn numbers(&mut self, numbers: impl IntoIterator<Item = i64>) -> &mut Self {
        self.with(Parameter::Numbers(numbers.into_iter().collect()))
    }

    pub(super) fn flags(&mut self, flags: impl IntoIterator<Item = bool>) -> &mut Self {
        self.with(Parameter::Flags(flags.into_iter().collect()))
    }

    pub(super) fn text(&mut self, text: &'static str) -> &mut Self {
        self.with(Parameter::Text(text))
    }

    /// Who brings the rows.
    pub(super) fn source(&mut self) -> &mut Self {
        self.text(self.source.as_str())
    }

    fn with(&mut self, parameter: Parameter<'a>) -> &mut Self {
        self.parameters.push(parameter);
        self
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.parameters.iter().map(Parameter::as_sql).collect()
    }
}

impl Parameter<'_> {
    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Texts(texts) => texts,
            Self::Numbers(numbers) => numbers,
            Self::Flags(flags) => flags,
            Self::Text(text) => text,
        }
    }
}

impl Written {
    pub(super) fn by(&self, step: usize, id: &str) -> bool {
        self.0[step].contains(id)
    }
}
