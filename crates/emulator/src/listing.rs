//! One request for a list: its order and its page. What a row must be to stand in it is said by the caller.
//!
//! The order of creation costs no sorting; any other order sorts the rows that are admitted. Equal rows keep the order
//! of their ids, so that pages neither skip nor repeat one.

use std::cmp::Ordering;

use clerk::Timestamp;

use crate::{
    query::{Direction, Page, Query},
    refusal::Refusal,
    table::Row,
};

/// Order and page of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing {
    property: &'static str,
    direction: Direction,
    page: Page,
}

/// What a row is ordered by when it is not its creation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SortKey {
    Text(String),
    Time(Timestamp),
    /// Comes last when ascending, as in Postgres.
    Missing,
}

impl From<Option<Timestamp>> for SortKey {
    fn from(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Missing, Self::Time)
    }
}

impl Listing {
    /// Newest first unless the request says otherwise; `properties` are those it may order by.
    pub(crate) fn read(query: &Query, properties: &[&'static str]) -> Result<Self, Refusal> {
        let (direction, asked) = query.order("-created_at");
        let property = properties.iter().find(|property| **property == asked);
        let property = property.ok_or_else(|| Refusal::wrong_value("order_by", asked, &one_of(properties)))?;
        Ok(Self { property, direction, page: query.page()? })
    }

    /// Newest first, always: the operation knows no `order_by`.
    pub(crate) fn newest_first(query: &Query) -> Result<Self, Refusal> {
        Ok(Self { property: "created_at", direction: Direction::Descending, page: query.page()? })
    }

    /// The rows of this page, in order, and how many there are on all pages. They come in oldest first; `key` is asked
    /// for the property that the request orders by, never for `created_at`.
    pub(crate) fn select<'a, R: Row>(
        &self,
        oldest_first: impl Iterator<Item = &'a R>,
        admits: impl Fn(&R) -> bool,
        key: impl Fn(&R, &str) -> SortKey,
    ) -> (Vec<&'a R>, usize) {
        let mut found: Vec<&R> = oldest_first.filter(|row| admits(row)).collect();
        match (self.property, self.direction) {
            ("created_at", Direction::Ascending) => {}
            ("created_at", Direction::Descending) => found.reverse(),
            (property, direction) => found.sort_by(|left, right| {
                let ordering: Ordering = key(left, property).cmp(&key(right, property));
                direction.apply(ordering.then_with(|| left.id().cmp(right.id())))
            }),
        }
        let total = found.len();
        (found.into_iter().skip(self.page.offset).take(self.page.limit).collect(), total)
    }
}

/// For lists that know no order but creation.
pub(crate) fn unordered<R>(_: &R, _: &str) -> SortKey {
    SortKey::Missing
}

/// `a, b or c`.
pub(crate) fn one_of(values: &[&str]) -> String {
    match values {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}
