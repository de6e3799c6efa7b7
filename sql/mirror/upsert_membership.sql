insert into clerk.organization_memberships as mirrored (
  id, organization_id, user_id, role, role_name, permissions, public_metadata, created_at, raw, clerk_updated_at,
  event_at, delivery_id, source, synced_at
)
values (
  $1, $2, $3, $4, $5, $6, $7::text::jsonb, to_timestamp($8::bigint / 1000.0), $9::text::jsonb, $10, $11, $12, $13,
  now()
)
on conflict (id) do update set
  organization_id = excluded.organization_id, user_id = excluded.user_id, role = excluded.role,
  role_name = excluded.role_name, permissions = excluded.permissions, public_metadata = excluded.public_metadata,
  created_at = excluded.created_at, raw = excluded.raw, clerk_updated_at = excluded.clerk_updated_at,
  event_at = excluded.event_at, delivery_id = excluded.delivery_id, source = excluded.source,
  synced_at = excluded.synced_at
where mirrored.deleted_at is null
  and (mirrored.clerk_updated_at, mirrored.event_at, mirrored.delivery_id)
    < (excluded.clerk_updated_at, excluded.event_at, excluded.delivery_id)
