update clerk.organization_memberships
set
  role = null, role_name = null, permissions = null, public_metadata = null, created_at = null, raw = null,
  clerk_updated_at = 0, event_at = $2::bigint, delivery_id = $3, source = $4,
  deleted_at = to_timestamp(least(greatest($2::bigint, 0), 253402300799999) / 1000.0), synced_at = now()
where user_id = $1
  and (deleted_at is null or ($2::bigint, $3::text) < (event_at, delivery_id))
