//! The allowlist and the blocklist: identifiers that may, or may not, sign up.
//!
//! They are kept and shown here; what they mean to somebody who signs up is said by [`restrictions`](crate::restrictions).

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{change::Change, refusal::Refusal, table::Row, view::View};

/// One identifier on a list, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListedIdentifier {
    pub(crate) id: String,
    pub(crate) list: AccessList,
    pub(crate) identifier: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessList {
    Allow,
    Block,
}

impl AccessList {
    pub(crate) fn object_name(self) -> &'static str {
        match self {
            Self::Allow => "allowlist_identifier",
            Self::Block => "blocklist_identifier",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Allow => "alid_",
            Self::Block => "blid_",
        }
    }
}

impl ListedIdentifier {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let kind = match self.identifier.as_str() {
            phone if phone.starts_with('+') => "phone_number",
            wallet if wallet.starts_with("0x") => "web3_wallet",
            _ => "email_address",
        };
        json!({
            "object": self.list.object_name(),
            "id": self.id,
            "identifier": self.identifier,
            "identifier_type": kind,
            "instance_id": view.instance_id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

impl Row for ListedIdentifier {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Change<'_> {
    pub(crate) fn list_identifier(&mut self, list: AccessList, identifier: &str) -> Result<ListedIdentifier, Refusal> {
        if identifier.trim().is_empty() {
            return Err(Refusal::wrong_value("identifier", "An empty text", "an address, a number or a domain"));
        }
        let same = |one: &ListedIdentifier| one.list == list && one.identifier.eq_ignore_ascii_case(identifier);
        if self.state.access_lists.oldest_first().any(same) {
            let long = format!("the identifier {identifier} already exists");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "duplicate_record", "duplicate identifier", long));
        }
        let listed = ListedIdentifier {
            id: self.state.ids.prefixed(list.prefix(), self.now),
            list,
            identifier: identifier.to_owned(),
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.access_lists.put(listed.clone());
        Ok(listed)
    }

    pub(crate) fn unlist_identifier(&mut self, list: AccessList, id: &str) -> Result<ListedIdentifier, Refusal> {
        let listed = self.state.access_lists.get(id).filter(|one| one.list == list).is_some();
        let removed = if listed { self.state.access_lists.remove(id) } else { None };
        removed.ok_or_else(|| Refusal::not_found("identifier", id))
    }
}
