//! `GET /v1/users` and `GET /v1/users/count`: filters, orders, pages.
//!
//! The default order walks the index of creation times and costs what it skips and shows; every other order sorts the
//! users that pass the filter. Filters are combined with "and", the values of one filter with "or". Text filters ignore
//! case and match parts, exact filters match whole values.

use std::{cmp::Ordering, collections::HashSet};

use clerk::Timestamp;

use super::{User, Users};
use crate::{
    memberships::Memberships,
    query::{Direction, Page, Query, Signed},
    refusal::Refusal,
};

/// Which users are wanted.
#[derive(Debug, Default)]
pub(crate) struct UserFilter {
    ids: Signed,
    external_ids: Signed,
    organizations: Signed,
    email_addresses: HashSet<String>,
    phone_numbers: HashSet<String>,
    usernames: HashSet<String>,
    query: Option<String>,
    email_address_query: Option<String>,
    phone_number_query: Option<String>,
    username_query: Option<String>,
    name_query: Option<String>,
    banned: Option<bool>,
    created_at: Span,
    last_active_at: Span,
    last_sign_in_at: Span,
    /// Asks for a kind of account that no user here has, e.g. a web3 wallet.
    unsatisfiable: bool,
}

/// An open interval of time. A missing time is in no interval but the unbounded one.
#[derive(Debug, Default, Clone, Copy)]
struct Span {
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Span {
    fn read(query: &Query, property: &str) -> Result<Self, Refusal> {
        Ok(Self {
            after: query.timestamp(&format!("{property}_after"))?,
            before: query.timestamp(&format!("{property}_before"))?,
        })
    }

    fn admits(self, time: Option<Timestamp>) -> bool {
        self.after.is_none_or(|after| time.is_some_and(|time| time > after))
            && self.before.is_none_or(|before| time.is_some_and(|time| time < before))
    }
}

impl UserFilter {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        let part = |name: &str| query.first(name).filter(|text| !text.is_empty()).map(str::to_lowercase);
        let mut last_active_at = Span::read(query, "last_active_at")?;
        // The older name of `last_active_at_after`; it includes the given instant.
        if let Some(since) = query.timestamp("last_active_at_since")? {
            last_active_at.after = Some(Timestamp::from_millis(since.millis().saturating_sub(1)));
        }
        Ok(Self {
            ids: query.signed("user_id")?,
            external_ids: query.signed("external_id")?,
            organizations: query.signed("organization_id")?,
            email_addresses: query.lowercase_set("email_address")?,
            phone_numbers: query.set("phone_number")?,
            usernames: query.lowercase_set("username")?,
            query: part("query"),
            email_address_query: part("email_address_query"),
            phone_number_query: part("phone_number_query"),
            username_query: part("username_query"),
            name_query: part("name_query"),
            banned: query.boolean("banned")?,
            created_at: Span::read(query, "created_at")?,
            last_active_at,
            last_sign_in_at: Span::read(query, "last_sign_in_at")?,
            unsatisfiable: !query.list("web3_wallet")?.is_empty() || !query.list("provider_user_id")?.is_empty(),
        })
    }

    pub(crate) fn admits(&self, user: &User, memberships: &Memberships) -> bool {
        !self.unsatisfiable
            && self.ids.admits(user.id.as_str())
            && self.external_ids.admits(user.external_id.as_deref().unwrap_or_default())
            && self.admits_organizations(user, memberships)
            && any_of(&self.email_addresses, emails(user).map(str::to_lowercase))
            && any_of(&self.phone_numbers, phones(user).map(str::to_owned))
            && any_of(&self.usernames, user.username.iter().map(|name| name.to_lowercase()))
            && self.admits_text(user)
            && self.banned.is_none_or(|banned| banned == user.banned)
            && self.created_at.admits(Some(user.created_at))
            && self.last_active_at.admits(user.last_active_at)
            && self.last_sign_in_at.admits(user.last_sign_in_at)
    }

    fn admits_organizations(&self, user: &User, memberships: &Memberships) -> bool {
        if self.organizations.is_empty() {
            return true;
        }
        let member = |id: &String| memberships.between(id, user.id.as_str()).is_some();
        let Signed { include, exclude } = &self.organizations;
        (include.is_empty() || include.iter().any(member)) && !exclude.iter().any(member)
    }

    fn admits_text(&self, user: &User) -> bool {
        let name = || std::iter::once_with(|| user.full_name()).flatten();
        contains(self.email_address_query.as_deref(), emails(user))
            && contains(self.phone_number_query.as_deref(), phones(user))
            && contains(self.username_query.as_deref(), user.username.as_deref().into_iter())
            && contains(self.name_query.as_deref(), name())
            && contains(
                self.query.as_deref(),
                emails(user)
                    .chain(phones(user))
                    .chain(user.username.as_deref())
                    .chain([user.id.as_str()])
                    .map(str::to_owned)
                    .chain(name()),
            )
    }
}

fn emails(user: &User) -> impl Iterator<Item = &str> {
    user.email_addresses.iter().map(|email| email.email_address.as_str())
}

fn phones(user: &User) -> impl Iterator<Item = &str> {
    user.phone_numbers.iter().map(|phone| phone.phone_number.as_str())
}

fn any_of(wanted: &HashSet<String>, mut values: impl Iterator<Item = String>) -> bool {
    wanted.is_empty() || values.any(|value| wanted.contains(&value))
}

fn contains<T: AsRef<str>>(part: Option<&str>, mut values: impl Iterator<Item = T>) -> bool {
    part.is_none_or(|part| values.any(|value| value.as_ref().to_lowercase().contains(part)))
}

/// A property that users can be ordered by, and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UserOrder {
    property: Property,
    direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    CreatedAt,
    UpdatedAt,
    EmailAddress,
    Web3Wallet,
    FirstName,
    LastName,
    PhoneNumber,
    Username,
    LastActiveAt,
    LastSignInAt,
}

impl UserOrder {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        let (direction, property) = query.order("-created_at");
        let property = match property {
            "created_at" => Property::CreatedAt,
            "updated_at" => Property::UpdatedAt,
            "email_address" => Property::EmailAddress,
            "web3wallet" => Property::Web3Wallet,
            "first_name" => Property::FirstName,
            "last_name" => Property::LastName,
            "phone_number" => Property::PhoneNumber,
            "username" => Property::Username,
            "last_active_at" => Property::LastActiveAt,
            "last_sign_in_at" => Property::LastSignInAt,
            other => {
                return Err(Refusal::wrong_value(
                    "order_by",
                    other,
                    "created_at, updated_at, email_address, web3wallet, first_name, last_name, phone_number, username, \
                     last_active_at or last_sign_in_at",
                ));
            }
        };
        Ok(Self { property, direction })
    }

    /// Compares two users. What is missing comes last when ascending, as in Postgres; equal values fall back to the id,
    /// so that pages neither skip nor repeat a user.
    pub(crate) fn compare(self, left: &User, right: &User) -> Ordering {
        let ordering = match self.property {
            Property::CreatedAt => left.created_at.cmp(&right.created_at),
            Property::UpdatedAt => left.updated_at.cmp(&right.updated_at),
            Property::EmailAddress => missing_last(primary_email(left), primary_email(right)),
            Property::PhoneNumber => missing_last(primary_phone(left), primary_phone(right)),
            Property::FirstName => missing_last(left.first_name.as_deref(), right.first_name.as_deref()),
            Property::LastName => missing_last(left.last_name.as_deref(), right.last_name.as_deref()),
            Property::Username => missing_last(left.username.as_deref(), right.username.as_deref()),
            Property::LastActiveAt => missing_last(left.last_active_at, right.last_active_at),
            Property::LastSignInAt => missing_last(left.last_sign_in_at, right.last_sign_in_at),
            Property::Web3Wallet => Ordering::Equal,
        };
        self.direction.apply(ordering.then_with(|| left.id.cmp(&right.id)))
    }
}

fn primary_email(user: &User) -> Option<&str> {
    user.primary_email_address().map(|email| email.email_address.as_str())
}

fn primary_phone(user: &User) -> Option<&str> {
    user.primary_phone_number().map(|phone| phone.phone_number.as_str())
}

pub(crate) fn missing_last<T: Ord>(left: Option<T>, right: Option<T>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// One request for a list of users.
#[derive(Debug)]
pub(crate) struct UserList {
    filter: UserFilter,
    order: UserOrder,
    page: Page,
    starting_after: Option<String>,
}

impl UserList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        let list = Self {
            filter: UserFilter::read(query)?,
            order: UserOrder::read(query)?,
            page: query.page()?,
            starting_after: query.first("starting_after").filter(|id| !id.is_empty()).map(str::to_owned),
        };
        if list.starting_after.is_some() && list.order.property != Property::CreatedAt {
            let order = query.first("order_by").unwrap_or_default();
            return Err(Refusal::wrong_value("order_by", order, "created_at, because starting_after is given"));
        }
        if list.starting_after.is_some() && list.page.offset > 0 {
            let message = "`offset` isn't allowed when `starting_after` is present.";
            return Err(Refusal::form("form_conditional_param_disallowed", "is not allowed", message, "offset"));
        }
        Ok(list)
    }

    /// The users of this page, in order.
    pub(crate) fn select<'a>(&self, users: &'a Users, memberships: &Memberships) -> Result<Vec<&'a User>, Refusal> {
        let admitted = |user: &&User| self.filter.admits(user, memberships);
        if self.order.property != Property::CreatedAt {
            let mut found: Vec<&User> = users.oldest_first().filter(admitted).collect();
            found.sort_unstable_by(|left, right| self.order.compare(left, right));
            return Ok(found.into_iter().skip(self.page.offset).take(self.page.limit).collect());
        }
        let ascending = self.order.direction == Direction::Ascending;
        let walk: Box<dyn Iterator<Item = &User>> = match &self.starting_after {
            None if ascending => Box::new(users.oldest_first()),
            None => Box::new(users.oldest_first().rev()),
            Some(id) => {
                let last = users.get(id).ok_or_else(|| {
                    let message = "The resource associated with the supplied starting_after was not found.";
                    Refusal::form("form_resource_not_found", "is missing", message, "starting_after")
                })?;
                if ascending { Box::new(users.after(last)) } else { Box::new(users.before(last)) }
            }
        };
        Ok(walk.filter(admitted).skip(self.page.offset).take(self.page.limit).collect())
    }
}
