//! Attempts to be paid, and what comes of them.

use clerk::EventKind;
use http::StatusCode;

use super::{ItemStatus, PaymentAttempt, Statement, change::period_end};
use crate::{change::Change, form::Form, refusal::Refusal};

/// An attempt somebody lets happen.
#[derive(Debug)]
pub(crate) struct NewPaymentAttempt {
    item: String,
    charge_type: &'static str,
}

impl NewPaymentAttempt {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            item: form.string("subscription_item_id")?.required("subscription_item_id")?,
            charge_type: form.word("charge_type", &["recurring", "checkout"])?.given().unwrap_or("recurring"),
        };
        form.finish()?;
        Ok(new)
    }
}

/// How the gateway answered.
#[derive(Debug)]
pub(crate) struct PaymentResult {
    paid: bool,
    reason: String,
}

impl PaymentResult {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let status = form.word("status", &["paid", "failed"])?.required("status")?;
        let reason = form.string("failed_reason")?.given().unwrap_or_else(|| "card_declined".to_owned());
        form.finish()?;
        Ok(Self { paid: status == "paid", reason })
    }
}

impl Change<'_> {
    /// Begins an attempt to have the current period of an item paid.
    pub(crate) fn create_payment_attempt(&mut self, new: &NewPaymentAttempt) -> Result<PaymentAttempt, Refusal> {
        let item = self.subscription_item(&new.item)?.clone();
        let plan = self.state.billing.plans.get(&item.plan_id).expect("an item is of a plan");
        let price = item.price_id.as_deref().and_then(|id| self.state.billing.prices.get(id));
        let amount = price.cloned().unwrap_or_else(|| plan.price()).fee(&item.plan_period);
        let statement_id = self.statement_of(&item.subscription_id);
        let attempt = PaymentAttempt {
            id: self.state.ids.prefixed("pa_", self.now),
            payment_id: self.state.ids.prefixed("cpa_", self.now),
            invoice_id: self.state.ids.prefixed("inv_", self.now),
            statement_id,
            subscription_item_id: item.id.clone(),
            gateway_external_id: self.state.ids.prefixed("pi_", self.now),
            charge_type: new.charge_type.to_owned(),
            amount,
            paid_at: None,
            failed_at: None,
            failed_reason: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.billing.payment_attempts.put(attempt.clone());
        self.announce_payment_attempt(EventKind::PaymentAttemptCreated, &attempt);
        Ok(attempt)
    }

    /// Ends an attempt. Paid: the item is active, and a recurring charge begins its next period. Failed: an active item
    /// is past due.
    pub(crate) fn settle_payment_attempt(
        &mut self,
        id: &str,
        result: PaymentResult,
    ) -> Result<PaymentAttempt, Refusal> {
        let known = self.state.billing.payment_attempts.get(id);
        let mut attempt = known.ok_or_else(|| Refusal::not_found("payment attempt", id))?.clone();
        if attempt.status() != "pending" {
            let long = format!("The payment attempt is {} already.", attempt.status());
            return Err(Refusal::new(StatusCode::CONFLICT, "checkout_already_complete", "already settled", long));
        }
        match result.paid {
            true => attempt.paid_at = Some(self.now),
            false => {
                attempt.failed_at = Some(self.now);
                attempt.failed_reason = Some(result.reason);
            }
        }
        attempt.updated_at = self.now;
        self.state.billing.payment_attempts.put(attempt.clone());
        self.announce_payment_attempt(EventKind::PaymentAttemptUpdated, &attempt);
        self.apply_payment(&attempt);
        Ok(attempt)
    }

    fn apply_payment(&mut self, attempt: &PaymentAttempt) {
        let billing = &mut self.state.billing;
        let mut item = billing.items.get(&attempt.subscription_item_id).expect("an attempt is for an item").clone();
        let subscription = billing.subscriptions.get(&item.subscription_id);
        let mut subscription = subscription.expect("an item belongs to a subscription").clone();
        subscription.latest_payment_id = Some(attempt.payment_id.clone());
        billing.subscriptions.put(subscription);
        if attempt.paid_at.is_some() {
            item.lifetime_paid = item.lifetime_paid.saturating_add(attempt.amount);
            item.is_free_trial = false;
            if attempt.charge_type == "recurring" {
                let plan = billing.plans.get(&item.plan_id).expect("an item is of a plan");
                item.period_start = item.period_end.unwrap_or(self.now);
                item.period_end = period_end(plan, &item.plan_period, item.period_start);
            }
        }
        let subscription = item.subscription_id.clone();
        let next = match attempt.paid_at.is_some() {
            true => ItemStatus::Active,
            false => ItemStatus::PastDue,
        };
        let waits = matches!(item.status, ItemStatus::Incomplete | ItemStatus::PastDue | ItemStatus::Upcoming);
        match item.status.may_become(next) && (waits || next == ItemStatus::PastDue) {
            true => {
                self.put_subscription_item_status(item, next);
            }
            false => {
                let item = self.put_changed_subscription_item(item);
                self.announce_subscription_item(EventKind::SubscriptionItemUpdated, &item);
            }
        }
        self.refresh_subscription(&subscription);
    }

    fn statement_of(&mut self, subscription: &str) -> String {
        let statements = &self.state.billing.statements;
        if let Some(known) = statements.oldest_first().find(|statement| statement.subscription_id == subscription) {
            return known.id.clone();
        }
        let id = self.state.ids.prefixed("stmt_", self.now);
        let statement = Statement { id: id.clone(), subscription_id: subscription.to_owned(), created_at: self.now };
        self.state.billing.statements.put(statement);
        id
    }

    fn announce_payment_attempt(&mut self, kind: EventKind, attempt: &PaymentAttempt) {
        let object = attempt.event_object(self.view());
        self.announce(kind, &object);
    }
}
