//! `clerk.organizations`.

use clerk::{Organization, OrganizationId};
use postgres::Transaction;

use super::{Source, in_one_flight, time};
use crate::version::Version;

const NOTE_TIE: &str = include_str!("../../../../sql/mirror/note_organization_tie.sql");
const UPSERT: &str = include_str!("../../../../sql/mirror/upsert_organization.sql");
const BURY: &str = include_str!("../../../../sql/mirror/bury_organization.sql");
const BURY_MEMBERSHIPS: &str = include_str!("../../../../sql/mirror/bury_memberships_of_organization.sql");

pub(super) async fn upsert(
    transaction: &Transaction<'_>,
    organization: &Organization,
    raw: &str,
    version: &Version,
    source: Source,
) -> Result<bool, tokio_postgres::Error> {
    let Version { clerk_updated_at, event_at, delivery_id } = version;
    let id = organization.id.as_str();
    let public_metadata = organization.public_metadata.as_ref().map(|json| json.get());
    let created_at = time(organization.created_at);
    let source = source.as_str();
    let [_, written] = in_one_flight(
        transaction,
        [
            (NOTE_TIE, &[&id, clerk_updated_at, event_at, delivery_id, &raw]),
            (
                UPSERT,
                &[
                    &id,
                    &organization.name,
                    &organization.slug,
                    &organization.image_url,
                    &organization.created_by,
                    &organization.members_count,
                    &organization.max_allowed_memberships,
                    &public_metadata,
                    &created_at,
                    &raw,
                    clerk_updated_at,
                    event_at,
                    delivery_id,
                    &source,
                ],
            ),
        ],
    )
    .await?;
    Ok(written == 1)
}

/// The organization is gone, and with it its memberships: Clerk does not announce those one by one.
pub(super) async fn bury(
    transaction: &Transaction<'_>,
    id: &OrganizationId,
    version: &Version,
    source: Source,
) -> Result<bool, tokio_postgres::Error> {
    let (id, source) = (id.as_str(), source.as_str());
    let parameters: super::Parameters<'_, 4> = [&id, &version.event_at, &version.delivery_id, &source];
    let [buried, _] = in_one_flight(transaction, [(BURY, &parameters), (BURY_MEMBERSHIPS, &parameters)]).await?;
    Ok(buried == 1)
}
