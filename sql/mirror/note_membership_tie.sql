insert into rowlock.inquiries (object, object_id)
select 'organization_membership', id
from clerk.organization_memberships
where id = $1
  and deleted_at is null
  and clerk_updated_at = $2
  and event_at = $3
  and delivery_id <> $4
  and raw is distinct from $5::text::jsonb
on conflict (object, object_id) do update set
  noticed_at = now(), attempts = 0, next_attempt_at = now(), reason = null
