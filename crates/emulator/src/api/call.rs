//! One call of the API, however it came in.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use crate::{
    api_version::ApiVersion, change::Change, form::Form, images::Upload, instance::Instance, query::Query,
    refusal::Refusal, webhooks::Origin,
};

/// The body of an answer, as JSON text, or the refusal to give one.
pub(crate) type Reply = Result<Vec<u8>, Refusal>;

/// Everything an operation may look at.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) instance: Arc<Instance>,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Query,
    pub(crate) body: Bytes,
    /// The picture that came with it, where one may.
    pub(crate) upload: Option<Upload>,
    pub(crate) version: ApiVersion,
    pub(crate) origin: Origin,
    /// The machine that called with a secret key of its own, where that is allowed.
    pub(crate) machine: Option<String>,
}

impl Call {
    /// A parameter of the path; the table of operations and the operation agree on its name.
    pub(crate) fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(key, _)| key == name);
        &found.expect("an operation reads the parameters of its own path").1
    }

    pub(crate) fn form(&self) -> Result<Form, Refusal> {
        Form::parse(&self.body)
    }

    /// Refuses a token of another instance as what it is.
    pub(crate) fn refuse_foreign(&self, token: &str) -> Result<(), Refusal> {
        let identity = &self.instance.identity;
        let Some(signer) = identity.keyring().read().foreign_signer(token) else { return Ok(()) };
        let own = &identity.instance_id;
        let long = format!(
            "The token is signed with the key {signer:.80?}, and this is instance {own}, which has no such key. Take the token \
             to the instance that it comes from; if its key was retired here, sign in again."
        );
        Err(Refusal::new(StatusCode::UNAUTHORIZED, "authentication_invalid", "Invalid authentication", long))
    }

    /// Runs a change on behalf of whoever called.
    pub(crate) fn change<T>(
        &self,
        operation: impl FnOnce(&mut Change<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.instance.change(&self.origin, operation)
    }
}

pub(crate) fn reply(object: &impl Serialize) -> Reply {
    Ok(serde_json::to_vec(object).expect("an answer of the emulator has a JSON form"))
}

/// Clerk's form of a list that knows its whole length.
#[derive(Serialize)]
pub(crate) struct Paginated<T> {
    pub(crate) data: Vec<T>,
    pub(crate) total_count: usize,
}
