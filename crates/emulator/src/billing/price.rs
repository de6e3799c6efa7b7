//! Prices of a plan beside its own: what one customer pays for what others have for another price.

use clerk::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Plan, money::money};
use crate::{change::Change, form::Form, refusal::Refusal, table::Row, view::View};

/// One price, as stored. What is not given is what the plan says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Price {
    pub(crate) id: String,
    pub(crate) plan_id: String,
    pub(crate) currency: String,
    pub(crate) amount: i64,
    pub(crate) annual_monthly_amount: i64,
    pub(crate) is_default: bool,
    pub(crate) periods: String,
    pub(crate) created_at: Timestamp,
}

/// A price somebody asks for.
#[derive(Debug)]
pub(crate) struct NewPrice {
    plan_id: String,
    currency: Option<String>,
    amount: i64,
    annual_monthly_amount: Option<i64>,
    periods: &'static str,
}

impl NewPrice {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let amounts = 0..=99_999_999;
        form.not_emulated(&["unit_prices"])?;
        form.ignore(&["unit_prices", "description"]);
        let new = Self {
            plan_id: form.string("plan_id")?.required("plan_id")?,
            currency: form.string("currency")?.given(),
            amount: form.bounded("amount", amounts.clone())?.required("amount")?,
            annual_monthly_amount: form.bounded("annual_monthly_amount", amounts)?.given(),
            periods: form.word("supported_billing_periods", &["month", "annual", "both"])?.given().unwrap_or("both"),
        };
        form.finish()?;
        Ok(new)
    }
}

impl Plan {
    /// The price that everybody pays.
    pub(crate) fn price(&self) -> Price {
        Price {
            id: self.id.replacen("cplan_", "cprice_", 1),
            plan_id: self.id.clone(),
            currency: self.currency.clone(),
            amount: self.amount,
            annual_monthly_amount: self.annual_monthly_amount,
            is_default: true,
            periods: "both".to_owned(),
            created_at: self.created_at,
        }
    }
}

impl Price {
    /// What one period costs.
    pub(super) fn fee(&self, period: &str) -> i64 {
        match period {
            "annual" => self.annual_monthly_amount.saturating_mul(12),
            _ => self.amount,
        }
    }

    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let fee = money(self.amount, &self.currency);
        json!({
            "object": "commerce_price",
            "id": self.id,
            "plan_id": self.plan_id,
            "instance_id": view.instance_id,
            "currency": self.currency,
            "currency_symbol": fee["currency_symbol"],
            "amount": self.amount,
            "annual_monthly_amount": self.annual_monthly_amount,
            "fee": fee,
            "annual_monthly_fee": money(self.annual_monthly_amount, &self.currency),
            "description": null,
            "is_default": self.is_default,
            "created_at": self.created_at,
            "supported_billing_periods": self.periods,
        })
    }
}

impl Row for Price {
    fn id(&self) -> &str {
        &self.id
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

impl Change<'_> {
    pub(crate) fn create_price(&mut self, new: NewPrice) -> Result<Price, Refusal> {
        let plan = self.plan(&new.plan_id)?;
        if plan.is_default {
            let long =
                "Custom prices cannot be created for default plans. Only custom paid plans support additional pricing";
            let short = "Default plan price creation forbidden";
            let code = "default_plan_price_creation_forbidden";
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, short, long));
        }
        let price = Price {
            plan_id: plan.id.clone(),
            currency: new.currency.unwrap_or_else(|| plan.currency.clone()),
            amount: new.amount,
            annual_monthly_amount: new.annual_monthly_amount.unwrap_or(new.amount),
            is_default: false,
            periods: new.periods.to_owned(),
            created_at: self.now,
            id: self.state.ids.prefixed("cprice_", self.now),
        };
        self.state.billing.prices.put(price.clone());
        Ok(price)
    }
}
