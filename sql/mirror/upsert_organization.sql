insert into clerk.organizations as mirrored (
  id, name, slug, image_url, created_by, members_count, max_allowed_memberships, public_metadata, created_at, raw,
  clerk_updated_at, event_at, delivery_id, source, synced_at
)
values (
  $1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, to_timestamp($9::bigint / 1000.0),
  $10::text::jsonb, $11, $12, $13, $14, now()
)
on conflict (id) do update set
  name = excluded.name, slug = excluded.slug, image_url = excluded.image_url, created_by = excluded.created_by,
  members_count = excluded.members_count, max_allowed_memberships = excluded.max_allowed_memberships,
  public_metadata = excluded.public_metadata, created_at = excluded.created_at, raw = excluded.raw,
  clerk_updated_at = excluded.clerk_updated_at, event_at = excluded.event_at, delivery_id = excluded.delivery_id,
  source = excluded.source, synced_at = excluded.synced_at
where mirrored.deleted_at is null
  and (mirrored.clerk_updated_at, mirrored.event_at, mirrored.delivery_id)
    < (excluded.clerk_updated_at, excluded.event_at, excluded.delivery_id)
