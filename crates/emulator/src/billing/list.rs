//! The lists of billing. All of them are newest first and say on request how many there are on all pages.

use super::{Plan, SubscriptionItem};
use crate::{
    listing::{Listing, one_of, unordered},
    query::Query,
    refusal::Refusal,
    view::View,
};

const PAYER_TYPES: [&str; 2] = ["user", "org"];
const ITEM_STATUSES: [&str; 5] = ["active", "ended", "past_due", "upcoming", "free_trial"];

/// One request for a list of plans.
#[derive(Debug)]
pub(crate) struct PlanList {
    listing: Listing,
    payer_type: Option<String>,
}

impl PlanList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        Ok(Self { listing: Listing::newest_first(query)?, payer_type: word(query, "payer_type", &PAYER_TYPES)? })
    }

    pub(crate) fn select<'a>(&self, view: View<'a>) -> (Vec<&'a Plan>, usize) {
        let admits = |plan: &Plan| self.payer_type.as_ref().is_none_or(|wanted| *wanted == plan.payer_type);
        self.listing.select(view.state.billing.plans.oldest_first(), admits, unordered)
    }
}

/// One request for a list of subscription items.
#[derive(Debug)]
pub(crate) struct SubscriptionItemList {
    listing: Listing,
    status: Option<String>,
    payer_type: Option<String>,
    plan_id: Option<String>,
    include_free: bool,
    search: Option<String>,
}

impl SubscriptionItemList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            listing: Listing::newest_first(query)?,
            status: word(query, "status", &ITEM_STATUSES)?,
            payer_type: word(query, "payer_type", &PAYER_TYPES)?,
            plan_id: query.first("plan_id").filter(|id| !id.is_empty()).map(str::to_owned),
            include_free: query.boolean("include_free")?.unwrap_or(false),
            search: query.search("query"),
        })
    }

    pub(crate) fn select<'a>(&self, view: View<'a>) -> (Vec<&'a SubscriptionItem>, usize) {
        self.listing.select(view.state.billing.items.oldest_first(), |item| self.admits(item, view), unordered)
    }

    fn admits(&self, item: &SubscriptionItem, view: View<'_>) -> bool {
        let billing = &view.state.billing;
        let plan = billing.plans.get(&item.plan_id).expect("an item is of a plan");
        let subscription = billing.subscriptions.get(&item.subscription_id).expect("an item is of a subscription");
        let status = self.status.as_deref().is_none_or(|wanted| match wanted {
            "free_trial" => item.is_free_trial && item.status.as_str() == "active",
            wanted => wanted == item.status.as_str(),
        });
        status
            && self.payer_type.as_ref().is_none_or(|wanted| wanted == subscription.payer.kind())
            && self.plan_id.as_ref().is_none_or(|wanted| *wanted == item.plan_id)
            && (self.include_free || plan.is_recurring())
            && self.search.as_ref().is_none_or(|part| {
                let texts = subscription.payer_data(view).map(|(_, value)| value);
                let mut texts =
                    texts.iter().filter_map(|value| value.as_str()).chain([item.id.as_str(), plan.name.as_str()]);
                texts.any(|text| text.to_lowercase().contains(part))
            })
    }
}

fn word(query: &Query, name: &str, words: &[&str]) -> Result<Option<String>, Refusal> {
    match query.first(name) {
        None | Some("") => Ok(None),
        Some(given) if words.contains(&given) => Ok(Some(given.to_owned())),
        Some(given) => Err(Refusal::wrong_value(name, given, &one_of(words))),
    }
}
