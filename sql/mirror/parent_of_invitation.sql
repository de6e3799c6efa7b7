select organization_id from clerk.organization_invitations where id = $1
