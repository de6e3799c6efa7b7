//! Billing: plans, subscriptions, their items, and attempts to be paid.
//!
//! A payer, a user or an organization, has one subscription; its items are the plans it is made of, and its status
//! follows from theirs. At Clerk a person at a checkout and a payment gateway let things happen here; in the emulator the
//! control API does. The rules: a plan that becomes active ends the other active ones of its subscription; a paid attempt
//! activates its item, a failed one makes it past due; whatever happens to an item is announced for the item first and
//! for its subscription after.
//!
//! Clerk shows these objects in two forms: one in the Backend API ([`object`]) and another in webhooks ([`event`]). What
//! both forms carry is the same. Not modelled: taxes, prices beside the plan's own, prorations, credits, discounts, seats.

mod change;
mod credits;
mod event;
mod list;
mod money;
mod object;
mod payment;
mod plan;
mod price;
mod status;
mod transition;

use clerk::{InstanceId, OrganizationId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

pub(crate) use change::NewSubscriptionItem;
pub(crate) use credits::{CreditAdjustment, CreditEntry, balance};
pub(crate) use list::{PlanList, SubscriptionItemList};
pub(crate) use payment::{NewPaymentAttempt, PaymentResult};
pub(crate) use plan::NewPlan;
pub(crate) use price::{NewPrice, Price};
pub(crate) use status::{ItemStatus, SubscriptionStatus};
pub(crate) use transition::PriceTransition;

use crate::table::{Row, Table};

/// All of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Billing {
    pub(crate) plans: Table<Plan>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) items: Table<SubscriptionItem>,
    pub(crate) statements: Table<Statement>,
    pub(crate) payment_attempts: Table<PaymentAttempt>,
    /// Prices beside the plans' own.
    #[serde(default)]
    pub(crate) prices: Table<Price>,
    #[serde(default)]
    pub(crate) credits: Table<CreditEntry>,
}

/// One plan, as stored. Amounts are in the smallest unit of the currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) description: Option<String>,
    /// What a month costs when it is paid by the month.
    pub(crate) amount: i64,
    /// What a month costs when a year is paid at once.
    pub(crate) annual_monthly_amount: i64,
    pub(crate) currency: String,
    /// `user` or `org`.
    pub(crate) payer_type: String,
    /// Whether payers without another plan have this one.
    pub(crate) is_default: bool,
    pub(crate) publicly_visible: bool,
    pub(crate) free_trial_days: Option<i64>,
    /// Slugs.
    pub(crate) features: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Payer {
    User(UserId),
    Organization(OrganizationId),
}

impl Payer {
    /// As plans name the kind of their payers.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Organization(_) => "org",
        }
    }
}

/// One subscription, as stored. Its status is that of its items, taken down after each change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) payer_id: String,
    pub(crate) payer: Payer,
    pub(crate) payment_method_id: String,
    pub(crate) latest_payment_id: Option<String>,
    pub(crate) status: SubscriptionStatus,
    pub(crate) active_at: Option<Timestamp>,
    pub(crate) past_due_at: Option<Timestamp>,
    pub(crate) canceled_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// One item of a subscription, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscriptionItem {
    pub(crate) id: String,
    pub(crate) subscription_id: String,
    pub(crate) plan_id: String,
    /// A price beside that of the plan.
    #[serde(default)]
    pub(crate) price_id: Option<String>,
    /// `month` or `annual`.
    pub(crate) plan_period: String,
    pub(crate) status: ItemStatus,
    pub(crate) is_free_trial: bool,
    pub(crate) lifetime_paid: i64,
    pub(crate) period_start: Timestamp,
    /// A plan that costs nothing has no end.
    pub(crate) period_end: Option<Timestamp>,
    pub(crate) canceled_at: Option<Timestamp>,
    pub(crate) past_due_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What a payer was charged, in one place. A payer has one, and it stays open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    pub(crate) id: String,
    pub(crate) subscription_id: String,
    pub(crate) created_at: Timestamp,
}

/// One attempt to be paid, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentAttempt {
    pub(crate) id: String,
    pub(crate) payment_id: String,
    pub(crate) invoice_id: String,
    pub(crate) statement_id: String,
    pub(crate) subscription_item_id: String,
    pub(crate) gateway_external_id: String,
    /// `checkout` or `recurring`.
    pub(crate) charge_type: String,
    pub(crate) amount: i64,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) failed_at: Option<Timestamp>,
    pub(crate) failed_reason: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl PaymentAttempt {
    pub(crate) fn status(&self) -> &'static str {
        match (self.paid_at, self.failed_at) {
            (Some(_), _) => "paid",
            (None, Some(_)) => "failed",
            (None, None) => "pending",
        }
    }
}

impl Plan {
    pub(crate) fn is_recurring(&self) -> bool {
        self.amount > 0 || self.annual_monthly_amount > 0
    }
}

impl Billing {
    /// Every instance with billing has a free plan for users and one for organizations.
    pub(crate) fn initial(instance_id: &InstanceId, now: Timestamp) -> Self {
        let mut billing = Self::default();
        for payer_type in ["user", "org"] {
            billing.plans.put(Plan::free(payer_type, instance_id, now));
        }
        billing
    }

    pub(crate) fn subscription_of(&self, payer: &Payer) -> Option<&Subscription> {
        self.subscriptions.oldest_first().find(|subscription| subscription.payer == *payer)
    }

    pub(crate) fn items_of<'a>(&'a self, subscription: &'a str) -> impl Iterator<Item = &'a SubscriptionItem> {
        self.items.oldest_first().filter(move |item| item.subscription_id == subscription)
    }

    /// Forgets a payer that is deleted.
    pub(crate) fn remove_payer(&mut self, payer: &Payer) {
        self.credits.remove_where(|entry| entry.payer == *payer);
        let Some(id) = self.subscription_of(payer).map(|subscription| subscription.id.clone()) else { return };
        let items: Vec<String> = self.items_of(&id).map(|item| item.id.clone()).collect();
        self.payment_attempts.remove_where(|attempt| items.contains(&attempt.subscription_item_id));
        self.items.remove_where(|item| item.subscription_id == id);
        self.statements.remove_where(|statement| statement.subscription_id == id);
        self.subscriptions.remove(&id);
    }
}

macro_rules! rows {
    ($($row:ty),+) => {
        $(impl Row for $row {
            fn id(&self) -> &str {
                &self.id
            }

            fn created_at(&self) -> Timestamp {
                self.created_at
            }
        })+
    };
}

rows!(Plan, Subscription, SubscriptionItem, Statement, PaymentAttempt);
