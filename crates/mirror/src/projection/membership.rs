//! `clerk.organization_memberships`.

use clerk::{Membership, MembershipId, OrganizationId, UserId};
use postgres::Transaction;

use super::{Source, in_one_flight, time};
use crate::version::Version;

const NOTE_TIE: &str = include_str!("../../../../sql/mirror/note_membership_tie.sql");
const UPSERT: &str = include_str!("../../../../sql/mirror/upsert_membership.sql");
const RECALL_PARENTS: &str = include_str!("../../../../sql/mirror/recall_membership_parents.sql");
const BURY: &str = include_str!("../../../../sql/mirror/bury_membership.sql");
const BURY_ORPHANED: &str = include_str!("../../../../sql/mirror/bury_orphaned_membership.sql");

/// A membership of a user or organization that is known to be gone is buried at once, as it would be in the other order.
pub(super) async fn upsert(
    transaction: &Transaction<'_>,
    membership: &Membership,
    raw: &str,
    version: &Version,
    source: Source,
) -> Result<bool, tokio_postgres::Error> {
    let Version { clerk_updated_at, event_at, delivery_id } = version;
    let id = membership.id.as_str();
    let (organization, user) = (membership.organization_id.as_str(), membership.user_id.as_str());
    let public_metadata = membership.public_metadata.as_ref().map(|json| json.get());
    let created_at = time(membership.created_at);
    let source = source.as_str();
    let [_, written, _, orphaned] = in_one_flight(
        transaction,
        [
            (NOTE_TIE, &[&id, clerk_updated_at, event_at, delivery_id, &raw]),
            (
                UPSERT,
                &[
                    &id,
                    &organization,
                    &user,
                    &membership.role,
                    &membership.role_name,
                    &membership.permissions,
                    &public_metadata,
                    &created_at,
                    &raw,
                    clerk_updated_at,
                    event_at,
                    delivery_id,
                    &source,
                ],
            ),
            // Its end may have come first, and shortened: then only now is it known whose it was.
            (RECALL_PARENTS, &[&id, &organization, &user]),
            (BURY_ORPHANED, &[&id, &user, &organization]),
        ],
    )
    .await?;
    Ok(written == 1 && orphaned == 0)
}

/// Its user or organization may have gone earlier still: the earliest end is the one that is kept.
pub(super) async fn bury(
    transaction: &Transaction<'_>,
    id: &MembershipId,
    organization: Option<&OrganizationId>,
    user: Option<&UserId>,
    version: &Version,
    source: Source,
) -> Result<bool, tokio_postgres::Error> {
    let (id, source) = (id.as_str(), source.as_str());
    let (organization, user) = (organization.map(OrganizationId::as_str), user.map(UserId::as_str));
    let [buried, _] = in_one_flight(
        transaction,
        [
            (BURY, &[&id, &version.event_at, &version.delivery_id, &source, &organization, &user]),
            (BURY_ORPHANED, &[&id, &user, &organization]),
        ],
    )
    .await?;
    Ok(buried == 1)
}
