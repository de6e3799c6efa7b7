//! `clerk.users`.

use clerk::User;
use postgres::Transaction;

use super::{Source, in_one_flight, time};
use crate::version::Version;

const NOTE_TIE: &str = include_str!("../../../../sql/mirror/note_user_tie.sql");
const UPSERT: &str = include_str!("../../../../sql/mirror/upsert_user.sql");

/// The user's row, then its memberships.
pub(super) const BURY: [&str; 2] = [
    include_str!("../../../../sql/mirror/bury_user.sql"),
    include_str!("../../../../sql/mirror/bury_memberships_of_user.sql"),
];

pub(super) async fn upsert(
    transaction: &Transaction<'_>,
    user: &User,
    raw: &str,
    version: &Version,
    source: Source,
) -> Result<bool, tokio_postgres::Error> {
    let Version { clerk_updated_at, event_at, delivery_id } = version;
    let id = user.id.as_str();
    let verified = user.primary_email_address.as_ref().map(|_| user.primary_email_address_verified);
    let public_metadata = user.public_metadata.as_ref().map(|json| json.get());
    let unsafe_metadata = user.unsafe_metadata.as_ref().map(|json| json.get());
    let (last_sign_in_at, last_active_at) = (time(user.last_sign_in_at), time(user.last_active_at));
    let created_at = time(user.created_at);
    let source = source.as_str();
    let [_, written] = in_one_flight(
        transaction,
        [
            (NOTE_TIE, &[&id, clerk_updated_at, event_at, delivery_id, &raw]),
            (
                UPSERT,
                &[
                    &id,
                    &user.primary_email_address,
                    &verified,
                    &user.primary_phone_number,
                    &user.username,
                    &user.first_name,
                    &user.last_name,
                    &user.image_url,
                    &user.external_id,
                    &public_metadata,
                    &unsafe_metadata,
                    &user.banned,
                    &user.locked,
                    &last_sign_in_at,
                    &last_active_at,
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
