select distinct coalesce(payer_user_id, payer_organization_id)
from clerk.subscription_items
where deleted_at is null and coalesce(payer_user_id, payer_organization_id) > $1
order by 1
limit $2
