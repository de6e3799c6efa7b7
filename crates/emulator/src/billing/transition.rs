//! Moving an item from one price to another: `POST /v1/billing/subscription_items/{id}/price_transition`.
//!
//! Nothing is charged here, so that every transition takes effect at once and costs nothing now.

use http::StatusCode;
use serde_json::{Value, json};

use super::{ItemStatus, NewSubscriptionItem, Plan, Price, SubscriptionItem};
use crate::{change::Change, form::Form, refusal::Refusal};

/// From which price to which.
#[derive(Debug)]
pub(crate) struct PriceTransition {
    from: String,
    to: String,
}

impl PriceTransition {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let transition = Self {
            from: form.string("from_price_id")?.required("from_price_id")?,
            to: form.string("to_price_id")?.required("to_price_id")?,
        };
        form.finish()?;
        Ok(transition)
    }
}

impl Change<'_> {
    /// Answers with the transition as the Backend API shows it.
    pub(crate) fn move_to_price(&mut self, id: &str, transition: &PriceTransition) -> Result<Value, Refusal> {
        let item = self.subscription_item(id)?.clone();
        let previous = self.price_of(&item);
        if previous.id != transition.from {
            let long =
                "There was a mismatch in the price transition. The price may have been changed by another request.";
            return Err(Refusal::new(StatusCode::CONFLICT, "out_of_date_price", "Out of date price", long));
        }
        let to = self.price(&transition.to)?;
        if to.id == previous.id {
            return Err(not_allowed("the item has this price already"));
        }
        if !item.status.may_become(ItemStatus::Ended) {
            return Err(not_allowed(&format!("the item is {}", item.status.as_str())));
        }
        let subscription = &self.state.billing.subscriptions.get(&item.subscription_id);
        let payer = subscription.expect("an item belongs to a subscription").payer_id.clone();
        let previous_plan = self.plan_of(&item);
        let new = NewSubscriptionItem::at_price(&payer, &to, &item.plan_period);
        let new = self.create_subscription_item(&new)?;
        let before = self.subscription_item(id)?.status;
        Ok(json!({
            "object": "commerce_price_transition",
            "subscription_item": self.shown(&new),
            "transition": {
                "previous_plan": previous_plan.object(),
                "previous_price": previous.object(self.view()),
                "effective_at": self.now,
                "effective_mode": "immediate",
                "next_billing_date": new.period_end,
                "charged_immediately": false,
                "immediate_charge": null,
                "previous_subscription_item_status": before.as_str(),
                "previous_subscription_item_id": id,
            },
        }))
    }

    /// The item with what this one answer has beside it (schema CommerceSubscriptionItem-2).
    fn shown(&self, item: &SubscriptionItem) -> Value {
        let view = self.view();
        let mut object = item.object(view);
        let subscription = view.state.billing.subscriptions.get(&item.subscription_id);
        let subscription = subscription.expect("an item belongs to a subscription");
        object["price_id"] = json!(self.price_of(item).id);
        object["payment_source_id"] = json!(subscription.payment_method_id);
        object["proration_date"] =
            json!(jiff::Timestamp::from_millisecond(self.now.millis()).unwrap_or_default().to_string());
        object
    }

    fn price_of(&self, item: &SubscriptionItem) -> Price {
        let own = item.price_id.as_deref().and_then(|id| self.state.billing.prices.get(id));
        own.cloned().unwrap_or_else(|| self.plan_of(item).price())
    }

    fn plan_of(&self, item: &SubscriptionItem) -> Plan {
        self.state.billing.plans.get(&item.plan_id).expect("an item is of a plan").clone()
    }

    /// A price by its id: one of a plan's own, or one beside it.
    fn price(&self, id: &str) -> Result<Price, Refusal> {
        let billing = &self.state.billing;
        let own = || billing.plans.oldest_first().map(Plan::price).find(|price| price.id == id);
        billing.prices.get(id).cloned().or_else(own).ok_or_else(|| Refusal::not_found("price", id))
    }
}

fn not_allowed(reason: &str) -> Refusal {
    let long = format!("Price transition not allowed because {reason}.");
    let short = "Price transition not allowed";
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, "price_transition_not_allowed", short, long)
}
