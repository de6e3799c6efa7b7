//! What Postgres says when it refuses a statement.

use postgres_protocol::message::backend::ErrorResponseBody;
use tokio_postgres::error::{DbError, SqlState};

/// An error as Postgres has put it.
///
/// The detail, and some messages, quote values: they are for whoever sent the statement, and never for a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({})", .code.code())]
pub struct Refusal {
    code: SqlState,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    routine: Option<String>,
}

impl Refusal {
    /// The SQLSTATE.
    pub fn code(&self) -> &SqlState {
        &self.code
    }

    /// The sentence, without a line's end.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More about it; quotes values.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// What may help.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The function of Postgres that says so; unlike the sentence it is the same in every language.
    pub(crate) fn routine(&self) -> Option<&str> {
        self.routine.as_deref()
    }

    /// Reads the fields of an `ErrorResponse` (Postgres: "Error and Notice Message Fields").
    pub(super) fn read(body: &ErrorResponseBody) -> std::io::Result<Self> {
        use postgres_protocol::message::backend::ErrorField;
        let mut refusal =
            Self { code: SqlState::INTERNAL_ERROR, message: String::new(), detail: None, hint: None, routine: None };
        let mut fields = body.fields();
        while let Some(field) = fallible_iterator::FallibleIterator::next(&mut fields)? {
            let text = |field: &ErrorField<'_>| String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => refusal.code = SqlState::from_code(&text(&field)),
                b'M' => refusal.message = text(&field),
                b'D' => refusal.detail = Some(text(&field)),
                b'H' => refusal.hint = Some(text(&field)),
                b'R' => refusal.routine = Some(text(&field)),
                _ => {}
            }
        }
        Ok(refusal)
    }
}

impl From<&DbError> for Refusal {
    fn from(error: &DbError) -> Self {
        Self {
            code: error.code().clone(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            routine: error.routine().map(str::to_owned),
        }
    }
}
