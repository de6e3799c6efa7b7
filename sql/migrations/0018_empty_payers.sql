-- An organization that pays came with an empty user, which was kept as one.

update clerk.subscriptions set payer_user_id = null where payer_user_id = '';
update clerk.subscriptions set payer_organization_id = null where payer_organization_id = '';
update clerk.subscription_items set payer_user_id = null where payer_user_id = '';
update clerk.subscription_items set payer_organization_id = null where payer_organization_id = '';
update clerk.payment_attempts set payer_user_id = null where payer_user_id = '';
update clerk.payment_attempts set payer_organization_id = null where payer_organization_id = '';
