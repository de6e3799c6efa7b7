//! `/v1/billing`, the subscriptions of users and organizations, and the hand of the control API in it.

use clerk::Timestamp;
use http::StatusCode;
use serde_json::Value;

use super::{Call, Reply, call::Paginated, reply};
use crate::{
    billing::{
        CreditAdjustment, ItemStatus, NewPaymentAttempt, NewPlan, NewPrice, NewSubscriptionItem, Payer, PaymentAttempt,
        PaymentResult, Plan, PlanList, Price, PriceTransition, SubscriptionItem, SubscriptionItemList, balance,
    },
    change::Change,
    listing::{Listing, unordered},
    refusal::Refusal,
    view::View,
};

pub(crate) fn list_plans(call: &Call) -> Reply {
    let list = PlanList::read(&call.query)?;
    call.instance.read(|view| {
        let (page, total_count) = list.select(view);
        reply(&Paginated { data: page.into_iter().map(Plan::object).collect(), total_count })
    })
}

/// The default price of every plan and those beside them, the cheapest first.
pub(crate) fn list_prices(call: &Call) -> Reply {
    let page = call.query.page()?;
    let plan_id = call.query.first("plan_id").filter(|id| !id.is_empty());
    call.instance.read(|view| {
        let billing = &view.state.billing;
        if let Some(id) = plan_id
            && billing.plans.get(id).is_none()
        {
            let long = format!("No plan was found with id {id}.");
            return Err(Refusal::new(StatusCode::NOT_FOUND, "plan_not_found", "Plan not found", long));
        }
        let own = billing.plans.oldest_first().map(Plan::price);
        let mut prices: Vec<Price> = own.chain(billing.prices.oldest_first().cloned()).collect();
        prices.retain(|price| plan_id.is_none_or(|id| id == price.plan_id));
        prices.sort_by(|left, right| left.amount.cmp(&right.amount).then(right.created_at.cmp(&left.created_at)));
        let total_count = prices.len();
        let data = prices.iter().skip(page.offset).take(page.limit).map(|price| price.object(view)).collect();
        reply(&Paginated { data, total_count })
    })
}

pub(crate) fn create_price(call: &Call) -> Reply {
    let new = NewPrice::read(call.form()?)?;
    call.change(|change| {
        let price = change.create_price(new)?;
        reply(&price.object(change.view()))
    })
}

pub(crate) fn credits_of_user(call: &Call) -> Reply {
    call.instance.read(|view| reply(&balance(view.state, &user_payer(view, call.path("user_id"))?)))
}

pub(crate) fn credits_of_organization(call: &Call) -> Reply {
    call.instance.read(|view| reply(&balance(view.state, &organization_payer(view, call.path("organization_id"))?)))
}

pub(crate) fn adjust_credits_of_user(call: &Call) -> Reply {
    let adjustment = CreditAdjustment::read(call.form()?)?;
    call.change(|change| {
        let payer = user_payer(change.view(), call.path("user_id"))?;
        reply(&change.adjust_credit(payer, adjustment)?.object())
    })
}

pub(crate) fn adjust_credits_of_organization(call: &Call) -> Reply {
    let adjustment = CreditAdjustment::read(call.form()?)?;
    call.change(|change| {
        let payer = organization_payer(change.view(), call.path("organization_id"))?;
        reply(&change.adjust_credit(payer, adjustment)?.object())
    })
}

pub(crate) fn move_to_price(call: &Call) -> Reply {
    let transition = PriceTransition::read(call.form()?)?;
    call.change(|change| reply(&change.move_to_price(call.path("subscription_item_id"), &transition)?))
}

/// Discounts are made in the dashboard, which is not here: there is none to apply.
pub(crate) fn apply_discount(call: &Call) -> Reply {
    let mut form = call.form()?;
    form.string("discount_id")?.required("discount_id")?;
    form.finish()?;
    no_discount(call)
}

pub(crate) fn remove_discount(call: &Call) -> Reply {
    no_discount(call)
}

fn no_discount(call: &Call) -> Reply {
    call.instance.read(|view| {
        let id = call.path("subscription_item_id");
        view.state.billing.items.get(id).ok_or_else(|| Refusal::not_found("subscription item", id))?;
        let (code, short) = ("discount_not_found", "Discount not found");
        Err(Refusal::new(StatusCode::NOT_FOUND, code, short, "The discount was not found"))
    })
}

pub(crate) fn list_subscription_items(call: &Call) -> Reply {
    let list = SubscriptionItemList::read(&call.query)?;
    call.instance.read(|view| {
        let (page, total_count) = list.select(view);
        reply(&Paginated { data: page.into_iter().map(|item| item.object(view)).collect(), total_count })
    })
}

pub(crate) fn cancel_subscription_item(call: &Call) -> Reply {
    let end_now = call.query.boolean("end_now")?.unwrap_or(false);
    changed(call, |change| change.cancel_subscription_item(call.path("subscription_item_id"), end_now))
}

pub(crate) fn extend_free_trial(call: &Call) -> Reply {
    let mut form = call.form()?;
    let until: Timestamp = form.time("extend_to")?.required("extend_to")?;
    form.finish()?;
    changed(call, |change| change.extend_free_trial(call.path("subscription_item_id"), until))
}

pub(crate) fn subscription_of_user(call: &Call) -> Reply {
    call.instance.read(|view| subscription(view, &user_payer(view, call.path("user_id"))?))
}

pub(crate) fn subscription_of_organization(call: &Call) -> Reply {
    call.instance.read(|view| subscription(view, &organization_payer(view, call.path("organization_id"))?))
}

fn user_payer(view: View<'_>, id: &str) -> Result<Payer, Refusal> {
    let user = view.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?;
    Ok(Payer::User(user.id.clone()))
}

fn organization_payer(view: View<'_>, id: &str) -> Result<Payer, Refusal> {
    let organization = view.state.organizations.by_id_or_slug(id);
    let organization = organization.ok_or_else(|| Refusal::not_found("organization", id))?;
    Ok(Payer::Organization(organization.id.clone()))
}

pub(crate) fn list_statements(call: &Call) -> Reply {
    let listing = Listing::newest_first(&call.query)?;
    call.instance.read(|view| {
        let statements = view.state.billing.statements.oldest_first();
        let (page, total_count) = listing.select(statements, |_| true, unordered);
        reply(&Paginated { data: page.into_iter().map(|statement| statement.object(view)).collect(), total_count })
    })
}

pub(crate) fn get_statement(call: &Call) -> Reply {
    let id = call.path("statement_id");
    call.instance.read(|view| match view.state.billing.statements.get(id) {
        Some(statement) => reply(&statement.object(view)),
        None => Err(statement_not_found(id)),
    })
}

pub(crate) fn list_payment_attempts(call: &Call) -> Reply {
    let (listing, id) = (Listing::newest_first(&call.query)?, call.path("statement_id"));
    call.instance.read(|view| {
        let billing = &view.state.billing;
        billing.statements.get(id).ok_or_else(|| statement_not_found(id))?;
        let within = |attempt: &PaymentAttempt| attempt.statement_id == id;
        let (page, total_count) = listing.select(billing.payment_attempts.oldest_first(), within, unordered);
        reply(&Paginated { data: page.into_iter().map(|attempt| attempt.object(view)).collect(), total_count })
    })
}

pub(crate) fn create_plan(call: &Call) -> Reply {
    let new = NewPlan::read(call.form()?)?;
    call.change(|change| reply(&change.create_plan(new)?.object()))
}

pub(crate) fn subscribe(call: &Call) -> Reply {
    let new = NewSubscriptionItem::read(call.form()?)?;
    changed(call, |change| change.create_subscription_item(&new))
}

pub(crate) fn change_status(call: &Call) -> Reply {
    let mut form = call.form()?;
    let status = form.word("status", &ItemStatus::NAMES)?.required("status")?;
    form.finish()?;
    let status = ItemStatus::parse(status).ok_or_else(|| Refusal::missing("status"))?;
    changed(call, |change| change.change_subscription_item_status(call.path("subscription_item_id"), status))
}

pub(crate) fn free_trial_ending(call: &Call) -> Reply {
    changed(call, |change| change.announce_free_trial_ending(call.path("subscription_item_id")))
}

pub(crate) fn create_payment_attempt(call: &Call) -> Reply {
    let new = NewPaymentAttempt::read(call.form()?)?;
    call.change(|change| {
        let attempt = change.create_payment_attempt(&new)?;
        reply(&attempt.object(change.view()))
    })
}

pub(crate) fn settle_payment_attempt(call: &Call) -> Reply {
    let result = PaymentResult::read(call.form()?)?;
    call.change(|change| {
        let attempt = change.settle_payment_attempt(call.path("payment_attempt_id"), result)?;
        reply(&attempt.object(change.view()))
    })
}

fn subscription(view: View<'_>, payer: &Payer) -> Reply {
    let found = view.state.billing.subscription_of(payer);
    let subscription: Option<Value> = found.map(|subscription| subscription.object(view));
    reply(&subscription.ok_or_else(|| {
        let short = "Subscription not found";
        Refusal::new(StatusCode::NOT_FOUND, "subscription_not_found", short, "The payer has no subscription.")
    })?)
}

fn statement_not_found(id: &str) -> Refusal {
    let long = format!("No statement found with id {id}.");
    Refusal::new(StatusCode::NOT_FOUND, "commerce_statement_not_found", "Statement not found", long)
}

fn changed(call: &Call, operation: impl FnOnce(&mut Change<'_>) -> Result<SubscriptionItem, Refusal>) -> Reply {
    call.change(|change| {
        let item = operation(change)?;
        reply(&item.object(change.view()))
    })
}
