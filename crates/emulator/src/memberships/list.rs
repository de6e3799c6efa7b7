//! The three lists of memberships: of an organization, of a user, of the whole instance.

use clerk::{OrganizationId, UserId};

use super::Membership;
use crate::{
    query::{Direction, Page, Query},
    refusal::Refusal,
    state::State,
    users::{User, UserFilter, UserOrder},
};

/// Whose memberships are wanted.
#[derive(Debug)]
pub(crate) enum MembershipScope {
    Organization(OrganizationId),
    User(UserId),
    Instance,
}

/// One request for a list of memberships. Filters on the member apply within an organization only, as with Clerk.
#[derive(Debug)]
pub(crate) struct MembershipList {
    scope: MembershipScope,
    order: Order,
    users: Option<UserFilter>,
    roles: Vec<String>,
    page: Page,
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Creation(Direction),
    Member(UserOrder),
}

impl MembershipList {
    pub(crate) fn read(scope: MembershipScope, query: &Query) -> Result<Self, Refusal> {
        let (direction, property) = query.order("-created_at");
        let order = match property {
            "created_at" => Order::Creation(direction),
            "phone_number" | "email_address" | "first_name" | "last_name" | "username" => {
                Order::Member(UserOrder::read(query)?)
            }
            other => {
                let expected = "phone_number, email_address, created_at, first_name, last_name or username";
                return Err(Refusal::wrong_value("order_by", other, expected));
            }
        };
        let within = matches!(scope, MembershipScope::Organization(_));
        Ok(Self {
            users: if within { Some(UserFilter::read(query)?) } else { None },
            roles: if within { query.list("role")?.into_iter().map(str::to_owned).collect() } else { Vec::new() },
            order,
            page: query.page()?,
            scope,
        })
    }

    /// The memberships of this page, in order, and how many there are on all pages.
    pub(crate) fn select<'a>(&self, state: &'a State) -> (Vec<&'a Membership>, usize) {
        let Page { limit, offset } = self.page;
        if let (MembershipScope::Instance, Order::Creation(direction)) = (&self.scope, self.order) {
            let walk = state.memberships.oldest_first();
            let page = match direction {
                Direction::Ascending => walk.skip(offset).take(limit).collect(),
                Direction::Descending => walk.rev().skip(offset).take(limit).collect(),
            };
            return (page, state.memberships.len());
        }
        let mut found: Vec<&Membership> = match &self.scope {
            MembershipScope::Organization(id) => {
                state.memberships.in_organization(id).filter(|membership| self.admits(membership, state)).collect()
            }
            MembershipScope::User(id) => state.memberships.of_user(id).collect(),
            MembershipScope::Instance => state.memberships.oldest_first().collect(),
        };
        found.sort_unstable_by(|left, right| match self.order {
            Order::Creation(direction) => {
                direction.apply((left.created_at, &left.id).cmp(&(right.created_at, &right.id)))
            }
            Order::Member(order) => {
                order.compare(member(left, state), member(right, state)).then_with(|| left.id.cmp(&right.id))
            }
        });
        let total = found.len();
        (found.into_iter().skip(offset).take(limit).collect(), total)
    }

    fn admits(&self, membership: &Membership, state: &State) -> bool {
        (self.roles.is_empty() || self.roles.contains(&membership.role))
            && self.users.as_ref().is_none_or(|filter| filter.admits(member(membership, state), &state.memberships))
    }
}

fn member<'a>(membership: &Membership, state: &'a State) -> &'a User {
    state.users.get(membership.user_id.as_str()).expect("the user of a membership exists")
}
