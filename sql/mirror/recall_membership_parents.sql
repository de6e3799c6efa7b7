update clerk.organization_memberships
set organization_id = coalesce(organization_id, $2), user_id = coalesce(user_id, $3)
where id = $1 and deleted_at is not null and (organization_id is null or user_id is null)
