insert into clerk.users as mirrored (
  id, primary_email_address, primary_email_address_verified, primary_phone_number, username, first_name, last_name,
  image_url, external_id, public_metadata, unsafe_metadata, banned, locked, last_sign_in_at, last_active_at,
  created_at, raw, clerk_updated_at, event_at, delivery_id, source, synced_at
)
values (
  $1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11::text::jsonb, $12, $13,
  to_timestamp($14::bigint / 1000.0), to_timestamp($15::bigint / 1000.0), to_timestamp($16::bigint / 1000.0),
  $17::text::jsonb, $18, $19, $20, $21, now()
)
on conflict (id) do update set
  primary_email_address = excluded.primary_email_address,
  primary_email_address_verified = excluded.primary_email_address_verified,
  primary_phone_number = excluded.primary_phone_number, username = excluded.username,
  first_name = excluded.first_name, last_name = excluded.last_name, image_url = excluded.image_url,
  external_id = excluded.external_id, public_metadata = excluded.public_metadata,
  unsafe_metadata = excluded.unsafe_metadata, banned = excluded.banned, locked = excluded.locked,
  last_sign_in_at = excluded.last_sign_in_at, last_active_at = excluded.last_active_at,
  created_at = excluded.created_at, raw = excluded.raw, clerk_updated_at = excluded.clerk_updated_at,
  event_at = excluded.event_at, delivery_id = excluded.delivery_id, source = excluded.source,
  synced_at = excluded.synced_at
where mirrored.deleted_at is null
  and (mirrored.clerk_updated_at, mirrored.event_at, mirrored.delivery_id)
    < (excluded.clerk_updated_at, excluded.event_at, excluded.delivery_id)
