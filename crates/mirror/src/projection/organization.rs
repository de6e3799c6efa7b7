//! `clerk.organizations`.

use clerk::Organization;
use postgres::Transaction;

use super::{Source, in_one_flight, time};
use crate::version::Version;

const NOTE_TIE: &str = include_str!("../../../../sql/mirror/note_organization_tie.sql");
const UPSERT: &str = include_str!("../../../../sql/mirror/upsert_organization.sql");

/// The organization's row, then its memberships.
pub(super) const BURY: [&str; 2] = [
    include_str!("../../../../sql/mirror/bury_organization.sql"),
    include_str!("../../../../sql/mirror/bury_memberships_of_organization.sql"),
];

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
