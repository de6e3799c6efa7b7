//! `GET /v1/organizations`: filters, orders, pages.

use std::cmp::Ordering;

use super::{Organization, Organizations};
use crate::{
    memberships::Memberships,
    query::{Direction, Page, Query, Signed},
    refusal::Refusal,
};

/// One request for a list of organizations.
#[derive(Debug)]
pub(crate) struct OrganizationList {
    ids: Signed,
    members: Signed,
    query: Option<String>,
    property: Property,
    direction: Direction,
    page: Page,
    pub(crate) with_counts: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    CreatedAt,
    Name,
    MembersCount,
}

impl OrganizationList {
    pub(crate) fn read(query: &Query) -> Result<Self, Refusal> {
        let (direction, property) = query.order("-created_at");
        let property = match property {
            "created_at" => Property::CreatedAt,
            "name" => Property::Name,
            "members_count" => Property::MembersCount,
            other => return Err(Refusal::wrong_value("order_by", other, "name, created_at or members_count")),
        };
        Ok(Self {
            ids: query.signed("organization_id")?,
            members: query.signed("user_id")?,
            query: query.first("query").filter(|text| !text.is_empty()).map(str::to_lowercase),
            property,
            direction,
            page: query.page()?,
            with_counts: wants_counts(query)?,
        })
    }

    /// The organizations of this page, in order, and how many there are on all pages.
    pub(crate) fn select<'a>(
        &self,
        organizations: &'a Organizations,
        memberships: &Memberships,
    ) -> (Vec<&'a Organization>, usize) {
        let mut found: Vec<&Organization> =
            organizations.oldest_first().filter(|organization| self.admits(organization, memberships)).collect();
        if self.property == Property::CreatedAt {
            if self.direction == Direction::Descending {
                found.reverse();
            }
        } else {
            found.sort_unstable_by(|left, right| self.compare(left, right, memberships));
        }
        let total = found.len();
        (found.into_iter().skip(self.page.offset).take(self.page.limit).collect(), total)
    }

    fn admits(&self, organization: &Organization, memberships: &Memberships) -> bool {
        let member = |user: &String| memberships.between(organization.id.as_str(), user).is_some();
        self.ids.admits(organization.id.as_str())
            && (self.members.include.is_empty() || self.members.include.iter().any(member))
            && !self.members.exclude.iter().any(member)
            && self.query.as_ref().is_none_or(|part| {
                organization.id.as_str().eq_ignore_ascii_case(part)
                    || organization.name.to_lowercase().contains(part)
                    || organization.slug.contains(part)
            })
    }

    fn compare(&self, left: &Organization, right: &Organization, memberships: &Memberships) -> Ordering {
        let ordering = match self.property {
            Property::CreatedAt => left.created_at.cmp(&right.created_at),
            Property::Name => left.name.cmp(&right.name),
            Property::MembersCount => memberships.count_in(&left.id).cmp(&memberships.count_in(&right.id)),
        };
        self.direction.apply(ordering.then_with(|| left.id.cmp(&right.id)))
    }
}

/// Counts cost Clerk a query of their own and are left out unless wanted.
pub(crate) fn wants_counts(query: &Query) -> Result<bool, Refusal> {
    Ok(query.boolean("include_members_count")?.unwrap_or(false)
        || query.boolean("include_missing_member_with_elevated_permissions")?.unwrap_or(false))
}
