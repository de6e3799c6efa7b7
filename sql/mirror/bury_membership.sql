insert into clerk.organization_memberships as mirrored (
  id, organization_id, user_id, clerk_updated_at, event_at, delivery_id, source, deleted_at, synced_at
)
values ($1, $5, $6, 0, $2::bigint, $3, $4, to_timestamp(least(greatest($2::bigint, 0), 253402300799999) / 1000.0), now())
on conflict (id) do update set
  role = null, role_name = null, permissions = null, public_metadata = null, created_at = null, raw = null,
  organization_id = coalesce(mirrored.organization_id, excluded.organization_id),
  user_id = coalesce(mirrored.user_id, excluded.user_id), clerk_updated_at = 0, event_at = excluded.event_at,
  delivery_id = excluded.delivery_id, source = excluded.source, deleted_at = excluded.deleted_at,
  synced_at = excluded.synced_at
where mirrored.deleted_at is null
  or (excluded.event_at, excluded.delivery_id) < (mirrored.event_at, mirrored.delivery_id)
