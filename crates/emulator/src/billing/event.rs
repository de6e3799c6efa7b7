//! Billing objects as webhooks show them (webhooks 2025-04-15, `SubscriptionEventPayload` and its neighbours).
//!
//! The form differs from that of the Backend API: a period is an `interval`, a plan is short, a payer names what does not
//! apply as an empty text.

use serde_json::{Value, json};

use super::{
    PaymentAttempt, Subscription, SubscriptionItem,
    money::totals,
    object::{GATEWAY, payee},
};
use crate::view::View;

impl Subscription {
    pub(crate) fn event_object(&self, view: View<'_>) -> Value {
        let items = view.state.billing.items_of(&self.id).map(|item| item.event_object(view));
        json!({
            "object": "commerce_subscription",
            "id": self.id,
            "status": self.status.as_str(),
            "active_at": self.active_at,
            "canceled_at": self.canceled_at,
            "created_at": self.created_at,
            "ended_at": self.ended_at,
            "past_due_at": self.past_due_at,
            "updated_at": self.updated_at,
            "latest_payment_id": self.latest_payment_id,
            "payer_id": self.payer_id,
            "payer": self.payer_event_object(view),
            "payment_source_id": self.payment_method_id,
            "items": items.collect::<Vec<_>>(),
        })
    }

    fn payer_event_object(&self, view: View<'_>) -> Value {
        let mut object = json!({
            "object": "commerce_payer",
            "id": self.payer_id,
            "created_at": self.created_at,
            "updated_at": self.created_at,
        });
        for (name, value) in self.payer_data(view) {
            object[name] = if value.is_null() { json!("") } else { value };
        }
        object
    }
}

impl SubscriptionItem {
    pub(crate) fn event_object(&self, view: View<'_>) -> Value {
        let billing = &view.state.billing;
        let plan = billing.plans.get(&self.plan_id).expect("an item is of a plan");
        let subscription = billing.subscriptions.get(&self.subscription_id).expect("an item is of a subscription");
        json!({
            "object": "commerce_subscription_item",
            "id": self.id,
            "status": self.status.as_str(),
            "is_free_trial": self.is_free_trial,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "period_start": self.period_start,
            "period_end": self.period_end,
            "interval": self.plan_period,
            "plan_id": self.plan_id,
            "plan": {
                "id": plan.id,
                "slug": plan.slug,
                "name": plan.name,
                "is_recurring": plan.is_recurring(),
                "amount": plan.amount,
                "currency": plan.currency,
            },
            "payer": subscription.payer_event_object(view),
            "subscription_id": self.subscription_id,
        })
    }
}

impl PaymentAttempt {
    pub(crate) fn event_object(&self, view: View<'_>) -> Value {
        let billing = &view.state.billing;
        let item = billing.items.get(&self.subscription_item_id).expect("an attempt is for an item");
        let plan = billing.plans.get(&item.plan_id).expect("an item is of a plan");
        let subscription = billing.subscriptions.get(&item.subscription_id).expect("an item is of a subscription");
        let reason = self.failed_reason.as_ref().map(|code| json!({ "code": code, "decline_code": "generic_decline" }));
        json!({
            "id": self.id,
            "instance_id": view.instance_id,
            "payment_id": self.payment_id,
            "invoice_id": self.invoice_id,
            "statement_id": self.statement_id,
            "gateway_external_id": self.gateway_external_id,
            "status": self.status(),
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "paid_at": self.paid_at,
            "failed_at": self.failed_at,
            "failed_reason": reason,
            "billing_date": self.created_at,
            "charge_type": self.charge_type,
            "payee": payee(view),
            "payer": subscription.payer_event_object(view),
            "totals": totals(self.amount, &plan.currency),
            "payment_source": {
                "id": subscription.payment_method_id,
                "gateway": GATEWAY,
                "gateway_external_id": format!("pm_{}", subscription.payment_method_id),
                "gateway_external_account_id": null,
                "payment_method": "card",
                "status": "active",
                "card_type": "visa",
                "last4": "4242",
            },
            "subscription_items": [item.event_object(view)],
        })
    }
}
