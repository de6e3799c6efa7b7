select m.organization_id, o.slug, o.name, m.role, m.permissions
from clerk.active_organization_memberships as m
left join clerk.organizations as o on o.id = m.organization_id and o.deleted_at is null
where m.user_id = $1
order by m.organization_id
