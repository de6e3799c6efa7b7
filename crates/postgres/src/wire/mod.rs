//! A connection that carries flights: several statements behind one Sync point, sent in one write and answered together.
//!
//! A request of a client is a transaction of some ten statements (begin, settings, the statement, commit, cleaning), each of
//! them small. What it costs is mostly waking up: `tokio-postgres` sends a Sync behind every statement, so Postgres flushes an
//! answer for each, and hands its socket to a task that everybody has to pass. A flight wakes each side once, and is written and
//! read by whoever asked. `tokio-postgres` still signs in ([`sign_in`]), and runs everything that is not a client's.
//!
//! What one Sync point means (Postgres: "Pipelining"): behind an error everything is skipped, the `commit` included. A
//! flight that comes back with a refusal has committed nothing; its transaction is still open and has to be rolled back.
//!
//! A connection is used by one caller at a time, who has to stay until the flight has landed: see [`Wire::is_in_flight`].
//! Not handled: `copy`. Notices and notifications have no reader here and are dropped.

mod address;
mod lent;
mod refusal;
mod row;
mod sign_in;
mod statements;
mod transport;

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use futures_util::FutureExt as _;
use postgres_protocol::message::backend::{Header, Message};
use postgres_protocol::message::frontend::{self, BindError};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use self::statements::{Prepared, Statements, key};
use self::transport::Transport;
use crate::{Error, Parameter};

pub use refusal::Refusal;
pub use row::{Column, Place, Row};
pub(crate) use sign_in::{Cancel, Login};
pub(crate) use statements::is_stale;

/// What a read asks for at least; Postgres sends in pieces of this size.
const READ: usize = 8 * 1024;
/// A larger buffer was for one large body and is not kept.
const KEPT_BUFFER: usize = 64 * 1024;

/// A connection to Postgres, signed in.
pub(crate) struct Wire {
    transport: Transport,
    outgoing: BytesMut,
    incoming: BytesMut,
    statements: Statements,
    cancel: Option<Cancel>,
    in_flight: bool,
    is_broken: bool,
    /// As of which schema its statements were prepared.
    schema: u64,
}

/// A statement of a flight.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a> {
    pub(crate) text: &'a str,
    pub(crate) parameters: &'a [Parameter<'a>],
    /// Under what it is remembered, prepared: a plan belongs to a role and a search path. Unnamed where there is none.
    pub(crate) scope: Option<&'a str>,
}

/// What became of a flight.
#[derive(Debug)]
pub(crate) struct Landed {
    /// The rows of each step that was done.
    pub(crate) rows: Vec<Vec<Row>>,
    /// Why the next one was not, and with it all others.
    pub(crate) refusal: Option<Refusal>,
    /// Why the rest of the answer did not come: the connection is gone. What is above holds all the same.
    pub(crate) broken: Option<Error>,
}

impl Landed {
    pub(crate) fn all_or_refusal(self) -> Result<Vec<Vec<Row>>, Error> {
        match (self.broken, self.refusal) {
            (Some(error), _) => Err(error),
            (None, Some(refusal)) => Err(Error::Refused(Box::new(refusal))),
            (None, None) => Ok(self.rows),
        }
    }
}

impl Wire {
    fn new(transport: Transport, cancel: Cancel) -> Self {
        Self {
            transport,
            outgoing: BytesMut::new(),
            incoming: BytesMut::new(),
            statements: Statements::default(),
            cancel: Some(cancel),
            in_flight: false,
            is_broken: false,
            schema: 0,
        }
    }

    /// Sends `steps` and waits until all of them are answered, or the connection breaks: what was answered before has happened.
    ///
    /// # Errors
    /// A parameter cannot be sent as what it is declared. Nothing was sent then.
    pub(crate) async fn fly(&mut self, steps: &[Step<'_>]) -> Result<Landed, Error> {
        let mut expected = Vec::with_capacity(steps.len());
        let forgotten = self.statements.take_forgotten();
        let encoded = self.encode_all(&forgotten, steps, &mut expected);
        if let Err(error) = encoded {
            self.outgoing.clear();
            self.statements.give_back(forgotten);
            return Err(error);
        }
        let size = self.outgoing.len();
        let mut reading = Reading {
            landed: Landed { rows: Vec::with_capacity(steps.len()), refusal: None, broken: None },
            rows: Vec::new(),
            expected: expected.into_iter(),
            current: None,
            bytes: 0,
        };
        self.in_flight = true;
        match poll_fn(|context| self.poll_exchange(context, &mut reading)).await {
            Ok(()) => {
                self.in_flight = false;
                if size > KEPT_BUFFER {
                    self.outgoing = BytesMut::new();
                }
                if reading.bytes > KEPT_BUFFER && self.incoming.is_empty() {
                    self.incoming = BytesMut::new();
                }
            }
            Err(error) => {
                self.is_broken = true;
                // A server that hangs up says why before.
                reading.landed.broken = Some(match reading.landed.refusal.take() {
                    Some(refusal) => Error::Refused(Box::new(refusal)),
                    None => Error::Broken(error),
                });
            }
        }
        Ok(reading.landed)
    }

    /// Whether the server is still at work, and nobody will read what it says.
    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight && !self.is_broken
    }

    /// How to stop what it is doing, once.
    pub(crate) fn take_cancel(&mut self) -> Option<Cancel> {
        self.cancel.take()
    }

    /// Forgets its statements if they were prepared before the schema was this one: types of parameters are decided then, for good.
    pub(crate) fn keep_up_with(&mut self, schema: u64) {
        if self.schema != schema {
            self.schema = schema;
            self.forget_statements();
        }
    }

    /// Closes in Postgres what was prepared, with the next flight.
    pub(crate) fn forget_statements(&mut self) {
        self.statements.forget_all();
    }

    /// Whether the server has hung up meanwhile. Asks nobody: the socket knows.
    pub(crate) fn has_ended(&mut self) -> bool {
        if self.is_broken || self.in_flight {
            return true;
        }
        loop {
            self.incoming.reserve(READ);
            match self.transport.read_buf(&mut self.incoming).now_or_never() {
                None => return false,
                Some(Ok(0) | Err(_)) => return true,
                Some(Ok(_)) => {}
            }
            // Settings that changed, or a last word before it hangs up.
            loop {
                match Message::parse(&mut self.incoming) {
                    Ok(None) => break,
                    Ok(Some(Message::ErrorResponse(_))) | Err(_) => return true,
                    Ok(Some(_)) => {}
                }
            }
        }
    }

    /// Puts a flight into the buffer. What is closed stands first, where no refusal skips it.
    fn encode_all(
        &mut self,
        forgotten: &[String],
        steps: &[Step<'_>],
        expected: &mut Vec<Expected>,
    ) -> Result<(), Error> {
        for name in forgotten {
            frontend::close(b'S', name, &mut self.outgoing).map_err(unsendable)?;
        }
        for step in steps {
            expected.push(self.encode(step)?);
        }
        frontend::sync(&mut self.outgoing);
        Ok(())
    }

    /// Puts a step into the buffer; what to expect of its answer.
    fn encode(&mut self, step: &Step<'_>) -> Result<Expected, Error> {
        let out = &mut self.outgoing;
        let (name, expected) = match step.scope.map(|scope| key(scope, step)) {
            None => ("".into(), Expected { columns: None, prepares: None }),
            Some(key) => match self.statements.find(&key) {
                Some(Prepared { name, columns }) => (name, Expected { columns: Some(columns), prepares: None }),
                None => {
                    let name = self.statements.new_name();
                    (Arc::clone(&name), Expected { columns: None, prepares: Some((key, name)) })
                }
            },
        };
        if expected.columns.is_none() {
            let types = step.parameters.iter().map(|(_, declared)| declared.oid());
            frontend::parse(&name, step.text, types, out).map_err(unsendable)?;
            frontend::describe(b'S', &name, out).map_err(unsendable)?;
        }
        let formats = step.parameters.iter().map(|(value, declared)| value.encode_format(declared) as i16);
        let bound = frontend::bind(
            "",
            &name,
            formats,
            step.parameters,
            |(value, declared), out| {
                Ok(match value.to_sql_checked(declared, out)? {
                    tokio_postgres::types::IsNull::Yes => postgres_protocol::IsNull::Yes,
                    tokio_postgres::types::IsNull::No => postgres_protocol::IsNull::No,
                })
            },
            Some(BINARY),
            out,
        );
        bound.map_err(|error| match error {
            BindError::Conversion(error) => Error::Unsendable(error),
            BindError::Serialization(error) => unsendable(error),
        })?;
        frontend::execute("", 0, out).map_err(unsendable)?;
        Ok(expected)
    }

    /// Writes and reads at once: a server whose answers nobody takes would stop reading.
    fn poll_exchange(&mut self, context: &mut Context<'_>, reading: &mut Reading) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.transport).poll_write(context, &self.outgoing) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.outgoing.advance(written),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(Err(error)) = Pin::new(&mut self.transport).poll_flush(context) {
            return Poll::Ready(Err(error));
        }
        loop {
            while let Some(message) = Message::parse(&mut self.incoming)? {
                if reading.take(message, &mut self.statements)? {
                    return Poll::Ready(Ok(()));
                }
            }
            let announced =
                Header::parse(&self.incoming)?.map_or(0, |header| usize::try_from(header.len()).unwrap_or(0));
            self.incoming.reserve(READ.max((announced + 1).saturating_sub(self.incoming.len())));
            let read = pin!(self.transport.read_buf(&mut self.incoming));
            let read = ready!(read.poll(context))?;
            if read == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            reading.bytes += read;
        }
    }
}

/// Postgres' format code.
const BINARY: i16 = 1;

/// What is to come for a step.
struct Expected {
    /// Known from an earlier time; told by the server otherwise.
    columns: Option<Arc<[Column]>>,
    /// To be remembered so, once the server has told the columns.
    prepares: Option<(String, Arc<str>)>,
}

/// The answers to a flight, as far as they have come.
struct Reading {
    landed: Landed,
    /// Of the current step.
    rows: Vec<Row>,
    expected: std::vec::IntoIter<Expected>,
    current: Option<Expected>,
    /// How much was read.
    bytes: usize,
}

impl Reading {
    /// Whether that was the last message.
    fn take(&mut self, message: Message, statements: &mut Statements) -> io::Result<bool> {
        match message {
            Message::RowDescription(body) => self.told_columns(Column::read(&body)?, statements)?,
            Message::NoData => self.told_columns(Arc::default(), statements)?,
            Message::DataRow(body) => {
                let columns = self.current()?.columns.clone().ok_or_else(|| unexpected("a row without its columns"))?;
                self.rows.push(Row::read(columns, &body)?);
            }
            Message::CommandComplete(_) | Message::EmptyQueryResponse => {
                self.current()?;
                self.current = None;
                self.landed.rows.push(std::mem::take(&mut self.rows));
            }
            Message::ErrorResponse(body) => self.landed.refusal = Some(Refusal::read(&body)?),
            Message::ReadyForQuery(_) => {
                let is_whole = self.landed.refusal.is_some() || (self.current.is_none() && self.expected.len() == 0);
                return if is_whole { Ok(true) } else { Err(unexpected("an end before the last answer")) };
            }
            Message::ParseComplete
            | Message::BindComplete
            | Message::CloseComplete
            | Message::ParameterDescription(_)
            | Message::ParameterStatus(_)
            | Message::NoticeResponse(_)
            | Message::NotificationResponse(_) => {}
            _ => return Err(unexpected("a message that belongs to no query")),
        }
        Ok(false)
    }

    fn told_columns(&mut self, columns: Arc<[Column]>, statements: &mut Statements) -> io::Result<()> {
        let current = self.current()?;
        current.columns = Some(Arc::clone(&columns));
        if let Some((key, name)) = current.prepares.take() {
            statements.insert(key, Prepared { name, columns });
        }
        Ok(())
    }

    fn current(&mut self) -> io::Result<&mut Expected> {
        if self.current.is_none() {
            self.current = self.expected.next();
        }
        self.current.as_mut().ok_or_else(|| unexpected("more answers than questions"))
    }
}

fn unsendable(error: io::Error) -> Error {
    Error::Unsendable(error.into())
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("Postgres sent {what}"))
}
