with parent as (
  select event_at, delivery_id, deleted_at, source from clerk.users where id = $2 and deleted_at is not null
  union all
  select event_at, delivery_id, deleted_at, source from clerk.organizations where id = $3 and deleted_at is not null
  order by event_at, delivery_id
  limit 1
)
update clerk.organization_memberships as mirrored
set
  role = null, role_name = null, permissions = null, public_metadata = null, created_at = null, raw = null,
  organization_id = coalesce(mirrored.organization_id, $3), user_id = coalesce(mirrored.user_id, $2),
  clerk_updated_at = 0, event_at = parent.event_at, delivery_id = parent.delivery_id, source = parent.source,
  deleted_at = parent.deleted_at, synced_at = now()
from parent
where mirrored.id = $1
  and (mirrored.deleted_at is null or (parent.event_at, parent.delivery_id) < (mirrored.event_at, mirrored.delivery_id))
