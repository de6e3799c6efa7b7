//! Subscribing, and what becomes of an item.

use std::time::Duration;

use clerk::{EventKind, Timestamp};
use http::StatusCode;

use super::{ItemStatus, Payer, Plan, Price, Subscription, SubscriptionItem, SubscriptionStatus};
use crate::{change::Change, form::Form, refusal::Refusal};

const DAY: Duration = Duration::from_secs(86_400);
/// Clerk: "not more than 365 days from the end of the current trial period".
const LONGEST_EXTENSION: Duration = Duration::from_secs(365 * 86_400);

/// A plan somebody subscribes to.
#[derive(Debug)]
pub(crate) struct NewSubscriptionItem {
    payer: String,
    plan: String,
    /// A price beside that of the plan.
    price: Option<String>,
    period: &'static str,
    status: ItemStatus,
    free_trial: bool,
}

impl NewSubscriptionItem {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let new = Self {
            payer: form.string("payer_id")?.required("payer_id")?,
            plan: form.string("plan_id")?.required("plan_id")?,
            price: None,
            period: form.word("plan_period", &["month", "annual"])?.given().unwrap_or("month"),
            status: form
                .word("status", &["active", "upcoming", "incomplete"])?
                .given()
                .and_then(ItemStatus::parse)
                .unwrap_or(ItemStatus::Active),
            free_trial: form.boolean("free_trial")?.given().unwrap_or(false),
        };
        form.finish()?;
        Ok(new)
    }
}

impl NewSubscriptionItem {
    /// An item that takes the place of another one at another price.
    pub(super) fn at_price(payer: &str, price: &Price, period: &str) -> Self {
        Self {
            payer: payer.to_owned(),
            plan: price.plan_id.clone(),
            price: (!price.is_default).then(|| price.id.clone()),
            period: if period == "annual" { "annual" } else { "month" },
            status: ItemStatus::Active,
            free_trial: false,
        }
    }
}

impl Change<'_> {
    /// Subscribes a payer to a plan; the first time makes the subscription. An active item ends the other active ones.
    pub(crate) fn create_subscription_item(&mut self, new: &NewSubscriptionItem) -> Result<SubscriptionItem, Refusal> {
        let payer = self.payer(&new.payer)?;
        let plan = self.plan(&new.plan)?.clone();
        if plan.payer_type != payer.kind() {
            let expected = format!("a plan for payers of type {}", payer.kind());
            return Err(Refusal::wrong_value("plan_id", &plan.slug, &expected));
        }
        let trial_end = match (new.free_trial, plan.free_trial_days) {
            (false, _) => None,
            (true, Some(days)) => Some(self.now.plus(DAY * u32::try_from(days).unwrap_or(1))),
            (true, None) => {
                let long = format!("The plan {} has no free trial.", plan.slug);
                let short = "Free trials disabled";
                return Err(Refusal::new(StatusCode::FORBIDDEN, "plan_free_trials_disabled", short, long));
            }
        };
        let known = self.state.billing.subscription_of(&payer).cloned();
        let subscription = known.clone().unwrap_or_else(|| self.new_subscription(payer));
        self.state.billing.subscriptions.put(subscription.clone());
        let item = SubscriptionItem {
            id: self.state.ids.prefixed("csub_item_", self.now),
            subscription_id: subscription.id.clone(),
            plan_id: plan.id.clone(),
            price_id: new.price.clone(),
            plan_period: new.period.to_owned(),
            status: new.status,
            is_free_trial: new.free_trial,
            lifetime_paid: 0,
            period_start: self.now,
            period_end: trial_end.or_else(|| period_end(&plan, new.period, self.now)),
            canceled_at: None,
            past_due_at: None,
            ended_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        self.state.billing.items.put(item.clone());
        if known.is_none() {
            self.take_down_subscription(&subscription.id);
            self.announce_subscription(EventKind::SubscriptionCreated, &subscription.id);
        }
        self.announce_subscription_item(EventKind::SubscriptionItemCreated, &item);
        self.announce_subscription_item(item.status.event(), &item);
        if item.status == ItemStatus::Active {
            self.end_others(&item);
        }
        match known {
            Some(_) => self.refresh_subscription(&subscription.id),
            None => self.announce_status(&subscription.id, None),
        }
        Ok(item)
    }

    /// Lets an item come to stand elsewhere.
    pub(crate) fn change_subscription_item_status(
        &mut self,
        id: &str,
        next: ItemStatus,
    ) -> Result<SubscriptionItem, Refusal> {
        let item = self.subscription_item(id)?.clone();
        if !item.status.may_become(next) {
            let long = format!("An item that is {} cannot become {}.", item.status.as_str(), next.as_str());
            return Err(Refusal::form("form_param_value_invalid", "is invalid", long, "status"));
        }
        let item = self.put_subscription_item_status(item, next);
        if next == ItemStatus::Active {
            self.end_others(&item);
        }
        self.refresh_subscription(&item.subscription_id);
        Ok(item)
    }

    /// `DELETE /v1/billing/subscription_items/{id}`: at the end of the period, or now.
    pub(crate) fn cancel_subscription_item(&mut self, id: &str, end_now: bool) -> Result<SubscriptionItem, Refusal> {
        let item = self.subscription_item(id)?;
        let (next, code, verb) = match end_now {
            true => (ItemStatus::Ended, "commerce_subscription_item_cannot_be_ended", "ended"),
            false => (ItemStatus::Canceled, "commerce_subscription_item_cannot_be_canceled", "canceled"),
        };
        if item.status == ItemStatus::Canceled && !end_now {
            let short = "Subscription item already canceled";
            let long = "You can't cancel a subscription item that is already canceled";
            let code = "commerce_subscription_item_already_canceled";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, code, short, long));
        }
        let free = self.state.billing.plans.get(&item.plan_id).is_some_and(|plan| plan.is_default);
        if free || !item.status.may_become(next) {
            let reason =
                if free { "it is a default plan".to_owned() } else { format!("it is {}", item.status.as_str()) };
            let long = format!("Subscription item cannot be {verb} because {reason}.");
            let short = format!("Subscription item cannot be {verb}");
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, code, short, long));
        }
        self.change_subscription_item_status(id, next)
    }

    /// `POST …/extend_free_trial`. The same end again changes nothing and announces nothing.
    pub(crate) fn extend_free_trial(&mut self, id: &str, until: Timestamp) -> Result<SubscriptionItem, Refusal> {
        let mut item = self.subscription_item(id)?.clone();
        let end = item.period_end.filter(|_| item.is_free_trial && item.status == ItemStatus::Active);
        let Some(end) = end else {
            let short = "Subscription item is not in free trial";
            let code = "subscription_item_not_in_free_trial";
            return Err(Refusal::new(StatusCode::FORBIDDEN, code, short, short));
        };
        if until <= self.now || until > end.plus(LONGEST_EXTENSION) {
            let expected = "a time in the future, at most 365 days after the end of the trial";
            return Err(Refusal::wrong_value("extend_to", "The given time", expected));
        }
        if until == end {
            return Ok(item);
        }
        item.period_end = Some(until);
        let item = self.put_changed_subscription_item(item);
        self.announce_subscription_item(EventKind::SubscriptionItemUpdated, &item);
        self.refresh_subscription(&item.subscription_id);
        Ok(item)
    }

    /// What Clerk says three days before a trial ends.
    pub(crate) fn announce_free_trial_ending(&mut self, id: &str) -> Result<SubscriptionItem, Refusal> {
        let item = self.subscription_item(id)?.clone();
        if !item.is_free_trial {
            let short = "Subscription item is not in free trial";
            let code = "subscription_item_not_in_free_trial";
            return Err(Refusal::new(StatusCode::FORBIDDEN, code, short, short));
        }
        self.announce_subscription_item(EventKind::SubscriptionItemFreeTrialEnding, &item);
        Ok(item)
    }

    /// The user or organization that an id names.
    pub(crate) fn payer(&self, id: &str) -> Result<Payer, Refusal> {
        if let Some(user) = self.state.users.get(id) {
            return Ok(Payer::User(user.id.clone()));
        }
        let organization = self.state.organizations.get(id).ok_or_else(|| Refusal::not_found("payer", id))?;
        Ok(Payer::Organization(organization.id.clone()))
    }

    pub(super) fn subscription_item(&self, id: &str) -> Result<&SubscriptionItem, Refusal> {
        self.state.billing.items.get(id).ok_or_else(|| {
            let long = format!("No subscription item was found with id {id}.");
            let code = "subscription_item_not_found";
            Refusal::new(StatusCode::NOT_FOUND, code, "Subscription item not found", long)
        })
    }

    pub(super) fn plan(&self, id_or_slug: &str) -> Result<&Plan, Refusal> {
        let plans = &self.state.billing.plans;
        let found = plans.get(id_or_slug).or_else(|| plans.oldest_first().find(|plan| plan.slug == id_or_slug));
        found.ok_or_else(|| {
            let long = format!("No plan was found with id {id_or_slug}.");
            Refusal::new(StatusCode::NOT_FOUND, "plan_not_found", "Plan not found", long)
        })
    }

    fn new_subscription(&mut self, payer: Payer) -> Subscription {
        Subscription {
            id: self.state.ids.prefixed("csub_", self.now),
            payer_id: self.state.ids.prefixed("cpayer_", self.now),
            payment_method_id: self.state.ids.prefixed("cpm_", self.now),
            payer,
            latest_payment_id: None,
            status: SubscriptionStatus::Incomplete,
            active_at: None,
            past_due_at: None,
            canceled_at: None,
            ended_at: None,
            created_at: self.now,
            updated_at: self.now,
        }
    }

    fn end_others(&mut self, item: &SubscriptionItem) {
        let ending = |other: &&SubscriptionItem| {
            other.id != item.id && matches!(other.status, ItemStatus::Active | ItemStatus::Canceled)
        };
        let others: Vec<_> = self.state.billing.items_of(&item.subscription_id).filter(ending).cloned().collect();
        for other in others {
            self.put_subscription_item_status(other, ItemStatus::Ended);
        }
    }

    /// Gives an item its status with everything that says since when, and announces it.
    pub(super) fn put_subscription_item_status(
        &mut self,
        mut item: SubscriptionItem,
        status: ItemStatus,
    ) -> SubscriptionItem {
        item.status = status;
        match status {
            ItemStatus::Active => {
                item.canceled_at = None;
                item.past_due_at = None;
            }
            ItemStatus::Canceled => item.canceled_at = Some(self.now),
            ItemStatus::PastDue => item.past_due_at = Some(self.now),
            ItemStatus::Ended | ItemStatus::Abandoned => item.ended_at = Some(self.now),
            ItemStatus::Upcoming | ItemStatus::Incomplete => {}
        }
        let item = self.put_changed_subscription_item(item);
        self.announce_subscription_item(status.event(), &item);
        item
    }

    pub(super) fn put_changed_subscription_item(&mut self, mut item: SubscriptionItem) -> SubscriptionItem {
        item.updated_at = self.now;
        self.state.billing.items.put(item.clone());
        item
    }

    /// Takes down what has become of a subscription and announces it.
    pub(super) fn refresh_subscription(&mut self, id: &str) {
        let before = self.take_down_subscription(id);
        self.announce_subscription(EventKind::SubscriptionUpdated, id);
        self.announce_status(id, Some(before));
    }

    /// Returns the status that was there before.
    fn take_down_subscription(&mut self, id: &str) -> SubscriptionStatus {
        let billing = &mut self.state.billing;
        let statuses: Vec<ItemStatus> = billing.items_of(id).map(|item| item.status).collect();
        let mut subscription = billing.subscriptions.get(id).expect("an item belongs to a subscription").clone();
        let before = subscription.status;
        subscription.status = SubscriptionStatus::of(statuses.into_iter());
        if subscription.status != before {
            match subscription.status {
                SubscriptionStatus::Active => {
                    subscription.active_at = Some(self.now);
                    (subscription.past_due_at, subscription.canceled_at, subscription.ended_at) = (None, None, None);
                }
                SubscriptionStatus::PastDue => subscription.past_due_at = Some(self.now),
                SubscriptionStatus::Canceled => subscription.canceled_at = Some(self.now),
                SubscriptionStatus::Ended | SubscriptionStatus::Abandoned => subscription.ended_at = Some(self.now),
                SubscriptionStatus::Incomplete => {}
            }
        }
        subscription.updated_at = self.now;
        billing.subscriptions.put(subscription);
        before
    }

    fn announce_status(&mut self, id: &str, before: Option<SubscriptionStatus>) {
        let status = self.state.billing.subscriptions.get(id).expect("an announced subscription exists").status;
        match status {
            _ if Some(status) == before => {}
            SubscriptionStatus::Active => self.announce_subscription(EventKind::SubscriptionActive, id),
            SubscriptionStatus::PastDue => self.announce_subscription(EventKind::SubscriptionPastDue, id),
            _ => {}
        }
    }

    fn announce_subscription(&mut self, kind: EventKind, id: &str) {
        let subscription = self.state.billing.subscriptions.get(id).expect("an announced subscription exists");
        let object = subscription.event_object(self.view());
        self.announce(kind, &object);
    }

    pub(super) fn announce_subscription_item(&mut self, kind: EventKind, item: &SubscriptionItem) {
        let object = item.event_object(self.view());
        self.announce(kind, &object);
    }
}

/// When a period that begins then is over; a plan that costs nothing runs without an end.
pub(super) fn period_end(plan: &Plan, period: &str, start: Timestamp) -> Option<Timestamp> {
    let days = if period == "annual" { 365 } else { 30 };
    plan.is_recurring().then(|| start.plus(DAY * days))
}
