insert into clerk.organizations as mirrored (
  id, clerk_updated_at, event_at, delivery_id, source, deleted_at, synced_at
)
values ($1, 0, $2::bigint, $3, $4, to_timestamp(least(greatest($2::bigint, 0), 253402300799999) / 1000.0), now())
on conflict (id) do update set
  name = null, slug = null, image_url = null, created_by = null, members_count = null,
  max_allowed_memberships = null, public_metadata = null, created_at = null, raw = null, clerk_updated_at = 0,
  event_at = excluded.event_at, delivery_id = excluded.delivery_id, source = excluded.source,
  deleted_at = excluded.deleted_at, synced_at = excluded.synced_at
where mirrored.deleted_at is null
  or (excluded.event_at, excluded.delivery_id) < (mirrored.event_at, mirrored.delivery_id)
