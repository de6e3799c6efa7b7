select organization_id, user_id from clerk.organization_memberships where id = $1
