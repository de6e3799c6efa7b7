//! Credit that a payer has, as a ledger: `/v1/users/{id}/billing/credits` and the same of organizations.
//!
//! Nothing is charged here, so that credit is kept and shown and never used up by a payment.

use clerk::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Payer, money::money};
use crate::{change::Change, form::Form, refusal::Refusal, state::State, table::Row};

const CURRENCY: &str = "USD";

/// One entry of the ledger, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreditEntry {
    pub(crate) id: String,
    pub(crate) payer: Payer,
    /// Less than nothing when credit was taken away.
    amount: i64,
    currency: String,
    idempotency_key: String,
    note: Option<String>,
    created_at: Timestamp,
}

/// An adjustment somebody asks for.
#[derive(Debug)]
pub(crate) struct CreditAdjustment {
    amount: i64,
    increase: bool,
    currency: String,
    idempotency_key: String,
    note: Option<String>,
}

impl CreditAdjustment {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            amount: form.integer("amount")?.required("amount")?,
            increase: form.word("action", &["increase", "decrease"])?.required("action")? == "increase",
            currency: form.string("currency")?.given().unwrap_or_else(|| CURRENCY.to_owned()).to_uppercase(),
            idempotency_key: form.string("idempotency_key")?.required("idempotency_key")?,
            note: form.string("note")?.given(),
        };
        form.finish()?;
        if new.amount <= 0 {
            let long = "Credit amount must be greater than zero";
            return Err(Refusal::form("invalid_credit_amount", "Invalid credit amount", long, "amount"));
        }
        Ok(new)
    }
}

impl CreditEntry {
    pub(crate) fn object(&self) -> Value {
        let payer_id = match &self.payer {
            Payer::User(id) => id.as_str(),
            Payer::Organization(id) => id.as_str(),
        };
        let created_at = jiff::Timestamp::from_millisecond(self.created_at.millis()).unwrap_or_default();
        json!({
            "object": "commerce_credit_ledger",
            "id": self.id,
            "payer_id": payer_id,
            "amount": money(self.amount, &self.currency),
            "source_type": "manual_adjustment",
            "source_id": self.idempotency_key,
            "note": self.note,
            "created_at": created_at.to_string(),
        })
    }
}

impl Row for CreditEntry {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// What is left of a payer's credit; nothing when there never was any.
pub(crate) fn balance(state: &State, payer: &Payer) -> Value {
    let entries: Vec<&CreditEntry> = entries(state, payer).collect();
    let total = entries.iter().fold(0_i64, |sum, entry| sum.saturating_add(entry.amount));
    let balance = entries.last().map(|entry| money(total, &entry.currency));
    json!({ "object": "commerce_credit_balance", "balance": balance })
}

fn entries<'a>(state: &'a State, payer: &'a Payer) -> impl Iterator<Item = &'a CreditEntry> {
    state.billing.credits.oldest_first().filter(move |entry| entry.payer == *payer)
}

impl Change<'_> {
    /// Adds to a payer's credit or takes from it. The same key asks for the same adjustment: it happens once.
    pub(crate) fn adjust_credit(&mut self, payer: Payer, new: CreditAdjustment) -> Result<CreditEntry, Refusal> {
        let amount = if new.increase { new.amount } else { -new.amount };
        let same = |entry: &&CreditEntry| entry.idempotency_key == new.idempotency_key;
        if let Some(known) = entries(self.state, &payer).find(same) {
            return match known.amount == amount {
                true => Ok(known.clone()),
                false => Err(Refusal::new(
                    http::StatusCode::CONFLICT,
                    "idempotency_key_already_used",
                    "Idempotency key already used",
                    "Another adjustment was asked for with this idempotency_key before.",
                )),
            };
        }
        let left = entries(self.state, &payer).fold(amount, |sum, entry| sum.saturating_add(entry.amount));
        if left < 0 {
            let long = "The decrease amount exceeds the current credit balance";
            return Err(Refusal::form("insufficient_credit_balance", "Insufficient credit balance", long, "amount"));
        }
        let entry = CreditEntry {
            id: self.state.ids.prefixed("ccled_", self.now),
            payer,
            amount,
            currency: new.currency,
            idempotency_key: new.idempotency_key,
            note: new.note,
            created_at: self.now,
        };
        self.state.billing.credits.put(entry.clone());
        Ok(entry)
    }
}
