select name, count(*) as rows, count(*) filter (where deleted_at is null) as live
from (
  select 'users' as name, deleted_at from clerk.users where id = $1
  union all
  select 'organizations', deleted_at from clerk.organizations where id = $1
  union all
  select 'organization_memberships', deleted_at from clerk.organization_memberships where user_id = $1 or organization_id = $1
  union all
  select 'sessions', deleted_at from clerk.sessions where user_id = $1
  union all
  select 'organization_invitations', deleted_at from clerk.organization_invitations where user_id = $1 or organization_id = $1
  union all
  select 'organization_domains', deleted_at from clerk.organization_domains where organization_id = $1
  union all
  select 'subscriptions', deleted_at from clerk.subscriptions where payer_user_id = $1 or payer_organization_id = $1
  union all
  select 'subscription_items', deleted_at from clerk.subscription_items where payer_user_id = $1 or payer_organization_id = $1
  union all
  select 'payment_attempts', deleted_at from clerk.payment_attempts where payer_user_id = $1 or payer_organization_id = $1
) as found
group by name
order by name
