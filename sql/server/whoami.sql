select jsonb_build_object(
  'role', current_user,
  'user_id', clerk.user_id(),
  'session_id', clerk.session_id(),
  'organization', case when clerk.org_id() is not null then jsonb_build_object(
    'id', clerk.org_id(), 'slug', clerk.org_slug(), 'role', clerk.org_role()
  ) end,
  'mirrored', (
    select jsonb_build_object('primary_email_address', primary_email_address, 'first_name', first_name, 'last_name', last_name)
    from clerk.users
    where id = (select clerk.user_id()) and deleted_at is null and not stub
  ),
  'organizations', (
    select coalesce(jsonb_agg(jsonb_build_object('id', organization_id, 'role', role) order by organization_id), '[]')
    from clerk.active_organization_memberships
    where user_id = (select clerk.user_id())
  )
)
