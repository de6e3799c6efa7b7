//! Where an item stands, where its subscription stands, and what may follow what.

use clerk::EventKind;
use serde::{Deserialize, Serialize};

/// The status of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ItemStatus {
    /// Begins when the item before it ends.
    Upcoming,
    /// The first payment is not there yet.
    Incomplete,
    Active,
    /// Runs to the end of its period and not longer.
    Canceled,
    PastDue,
    Ended,
    /// Never paid for.
    Abandoned,
}

impl ItemStatus {
    pub(crate) const ALL: [Self; 7] =
        [Self::Upcoming, Self::Incomplete, Self::Active, Self::Canceled, Self::PastDue, Self::Ended, Self::Abandoned];
    pub(crate) const NAMES: [&'static str; 7] =
        ["upcoming", "incomplete", "active", "canceled", "past_due", "ended", "abandoned"];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Upcoming => "upcoming",
            Self::Incomplete => "incomplete",
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::PastDue => "past_due",
            Self::Ended => "ended",
            Self::Abandoned => "abandoned",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// What is announced when an item comes to stand there.
    pub(crate) fn event(self) -> EventKind {
        match self {
            Self::Upcoming => EventKind::SubscriptionItemUpcoming,
            Self::Incomplete => EventKind::SubscriptionItemIncomplete,
            Self::Active => EventKind::SubscriptionItemActive,
            Self::Canceled => EventKind::SubscriptionItemCanceled,
            Self::PastDue => EventKind::SubscriptionItemPastDue,
            Self::Ended => EventKind::SubscriptionItemEnded,
            Self::Abandoned => EventKind::SubscriptionItemAbandoned,
        }
    }

    pub(crate) fn may_become(self, next: Self) -> bool {
        match self {
            Self::Upcoming | Self::Incomplete => matches!(next, Self::Active | Self::Ended | Self::Abandoned),
            Self::Active => matches!(next, Self::Canceled | Self::PastDue | Self::Ended),
            Self::Canceled => matches!(next, Self::Active | Self::Ended),
            Self::PastDue => matches!(next, Self::Active | Self::Canceled | Self::Ended),
            Self::Ended | Self::Abandoned => false,
        }
    }
}

/// The status of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubscriptionStatus {
    Active,
    PastDue,
    Canceled,
    Ended,
    Abandoned,
    Incomplete,
}

impl SubscriptionStatus {
    /// The weightiest status among the items: a debt first, then what runs, then what is still to come.
    pub(crate) fn of(items: impl Iterator<Item = ItemStatus> + Clone) -> Self {
        let any = |wanted: ItemStatus| items.clone().any(|status| status == wanted);
        if any(ItemStatus::PastDue) {
            Self::PastDue
        } else if any(ItemStatus::Active) {
            Self::Active
        } else if any(ItemStatus::Canceled) {
            Self::Canceled
        } else if any(ItemStatus::Incomplete) || any(ItemStatus::Upcoming) {
            Self::Incomplete
        } else if any(ItemStatus::Ended) {
            Self::Ended
        } else {
            Self::Abandoned
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Canceled => "canceled",
            Self::Ended => "ended",
            Self::Abandoned => "abandoned",
            Self::Incomplete => "incomplete",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_statuses_agree() {
        assert_eq!(ItemStatus::ALL.map(ItemStatus::as_str), ItemStatus::NAMES);
        assert_eq!(ItemStatus::parse("past_due"), Some(ItemStatus::PastDue));
        assert_eq!(ItemStatus::parse("free_trial"), None);
    }

    #[test]
    fn a_debt_weighs_more_than_what_runs() {
        use ItemStatus::{Abandoned, Active, Canceled, Ended, PastDue, Upcoming};
        for (items, expected) in [
            (vec![Active, PastDue], "past_due"),
            (vec![Ended, Active], "active"),
            (vec![Canceled, Upcoming], "canceled"),
            (vec![Upcoming], "incomplete"),
            (vec![Ended, Abandoned], "ended"),
            (vec![Abandoned], "abandoned"),
        ] {
            assert_eq!(SubscriptionStatus::of(items.into_iter()).as_str(), expected);
        }
    }
}
