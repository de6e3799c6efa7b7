//! Billing objects as the Backend API shows them (2026-05-12, schemas `Commerce…` and `Billing…`).

use serde_json::{Value, json};

use super::{
    Payer, PaymentAttempt, Plan, Statement, Subscription, SubscriptionItem,
    money::{money, totals},
};
use crate::{users::PublicUserData, view::View};

/// The one gateway: nothing is ever charged.
pub(super) const GATEWAY: &str = "stripe";

impl Plan {
    pub(crate) fn object(&self) -> Value {
        let features = self.features.iter().map(|slug| {
            json!({
                "object": "feature",
                "id": format!("feat_{slug}"),
                "name": slug.replace('_', " "),
                "description": null,
                "slug": slug,
                "avatar_url": null,
            })
        });
        json!({
            "object": "commerce_plan",
            "id": self.id,
            "name": self.name,
            "fee": money(self.amount, &self.currency),
            "annual_monthly_fee": money(self.annual_monthly_amount, &self.currency),
            "annual_fee": money(self.price().fee("annual"), &self.currency),
            "description": self.description,
            "product_id": format!("cprod_{}", self.payer_type),
            "is_default": self.is_default,
            "is_recurring": self.is_recurring(),
            "publicly_visible": self.publicly_visible,
            "has_base_fee": self.is_recurring(),
            "for_payer_type": self.payer_type,
            "slug": self.slug,
            "avatar_url": null,
            "features": features.collect::<Vec<_>>(),
            "free_trial_enabled": self.free_trial_days.is_some(),
            "free_trial_days": self.free_trial_days,
        })
    }
}

impl Subscription {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let items = view.state.billing.items_of(&self.id).map(|item| item.object(view));
        json!({
            "object": "commerce_subscription",
            "id": self.id,
            "instance_id": view.instance_id,
            "status": self.status.as_str(),
            "payer_id": self.payer_id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "active_at": self.active_at,
            "past_due_at": self.past_due_at,
            "subscription_items": items.collect::<Vec<_>>(),
            "eligible_for_free_trial": !view.state.billing.items_of(&self.id).any(|item| item.is_free_trial),
        })
    }

    pub(super) fn payer_object(&self, view: View<'_>) -> Value {
        let mut object = json!({
            "object": "commerce_payer",
            "id": self.payer_id,
            "instance_id": view.instance_id,
            "created_at": self.created_at,
            "updated_at": self.created_at,
        });
        for (name, value) in self.payer_data(view).into_iter().filter(|(_, value)| !value.is_null()) {
            object[name] = value;
        }
        object
    }

    /// What is known of the user or organization that pays.
    pub(super) fn payer_data(&self, view: View<'_>) -> [(&'static str, Value); 7] {
        let state = view.state;
        match &self.payer {
            Payer::User(id) => {
                let user = state.users.get(id.as_str()).expect("a payer that is deleted is forgotten");
                let shown = json!(PublicUserData::of(user, view.instance_id));
                let email = user.primary_email_address().map(|email| &email.email_address);
                [
                    ("user_id", json!(user.id)),
                    ("first_name", json!(user.first_name)),
                    ("last_name", json!(user.last_name)),
                    ("email", json!(email)),
                    ("organization_id", Value::Null),
                    ("organization_name", Value::Null),
                    ("image_url", shown["image_url"].clone()),
                ]
            }
            Payer::Organization(id) => {
                let organization = state.organizations.get(id.as_str());
                let organization = organization.expect("a payer that is deleted is forgotten");
                [
                    ("user_id", Value::Null),
                    ("first_name", Value::Null),
                    ("last_name", Value::Null),
                    ("email", Value::Null),
                    ("organization_id", json!(organization.id)),
                    ("organization_name", json!(organization.name)),
                    ("image_url", view.public_organization(id)["image_url"].clone()),
                ]
            }
        }
    }

    fn payment_method_object(&self) -> Value {
        json!({
            "object": "commerce_payment_method",
            "id": self.payment_method_id,
            "payer_id": self.payer_id,
            "payment_type": "card",
            "is_default": true,
            "gateway": GATEWAY,
            "gateway_external_id": format!("pm_{}", self.payment_method_id),
            "gateway_external_account_id": null,
            "last4": "4242",
            "status": "active",
            "card_type": "visa",
            "created_at": self.created_at,
            "updated_at": self.created_at,
        })
    }
}

impl SubscriptionItem {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let billing = &view.state.billing;
        let plan = billing.plans.get(&self.plan_id).expect("an item is of a plan");
        let subscription = billing.subscriptions.get(&self.subscription_id).expect("an item is of a subscription");
        json!({
            "object": "commerce_subscription_item",
            "id": self.id,
            "instance_id": view.instance_id,
            "status": self.status.as_str(),
            "plan_id": self.plan_id,
            "plan": plan.object(),
            "plan_period": self.plan_period,
            "lifetime_paid": money(self.lifetime_paid, &plan.currency),
            "payer_id": subscription.payer_id,
            "payer": subscription.payer_object(view),
            "is_free_trial": self.is_free_trial,
            "period_start": self.period_start,
            "period_end": self.period_end,
            "canceled_at": self.canceled_at,
            "past_due_at": self.past_due_at,
            "ended_at": self.ended_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

impl PaymentAttempt {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let billing = &view.state.billing;
        let item = billing.items.get(&self.subscription_item_id).expect("an attempt is for an item");
        let plan = billing.plans.get(&item.plan_id).expect("an item is of a plan");
        let subscription = billing.subscriptions.get(&item.subscription_id).expect("an item is of a subscription");
        json!({
            "object": "commerce_payment",
            "id": self.id,
            "payment_id": self.payment_id,
            "instance_id": view.instance_id,
            "charge_type": self.charge_type,
            "payee_id": payee_id(view),
            "payee": payee(view),
            "payer_id": subscription.payer_id,
            "payer": subscription.payer_object(view),
            "subscription_item_id": item.id,
            "subscription_item": item.object(view),
            "amount": money(self.amount, &plan.currency),
            "totals": totals(self.amount, &plan.currency),
            "payment_method_id": subscription.payment_method_id,
            "payment_method": subscription.payment_method_object(),
            "statement_id": self.statement_id,
            "gateway_external_id": self.gateway_external_id,
            "gateway_external_url": null,
            "status": self.status(),
            "paid_at": self.paid_at,
            "failed_at": self.failed_at,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        })
    }
}

impl Statement {
    pub(crate) fn object(&self, view: View<'_>) -> Value {
        let billing = &view.state.billing;
        let subscription = billing.subscriptions.get(&self.subscription_id).expect("a statement is of a subscription");
        let attempts: Vec<&PaymentAttempt> =
            billing.payment_attempts.oldest_first().filter(|attempt| attempt.statement_id == self.id).collect();
        let paid = attempts.iter().filter(|attempt| attempt.paid_at.is_some()).map(|attempt| attempt.amount).sum();
        let items: Vec<Value> = attempts.iter().map(|attempt| attempt.object(view)).collect();
        json!({
            "object": "commerce_statement",
            "id": self.id,
            "instance_id": view.instance_id,
            "timestamp": self.created_at,
            "payer": subscription.payer_object(view),
            "status": "open",
            "totals": totals(paid, "USD"),
            "groups": [{ "object": "commerce_statement_group", "timestamp": self.created_at, "items": items }],
        })
    }
}

pub(super) fn payee_id(view: View<'_>) -> String {
    format!("cpayee_{}", view.instance_id.as_str().trim_start_matches("ins_"))
}

pub(super) fn payee(view: View<'_>) -> Value {
    json!({
        "id": payee_id(view),
        "gateway_type": GATEWAY,
        "gateway_external_id": "acct_emulated",
        "gateway_status": "active",
    })
}
