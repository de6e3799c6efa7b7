select event_at from clerk.users where id = $1
union all
select event_at from clerk.organizations where id = $1
union all
select event_at from clerk.organization_memberships where id = $1
