select reason, issued_until
from rowlock.revocations
where user_id = $1
  and session_id is null
  and organization_id is null
  and lifted_at is null
  and (lapses_at is null or lapses_at > now())
union all
select reason, null from rowlock.revocations where session_id = $2
union all
select reason, issued_until from rowlock.revocations where organization_id = $3 and user_id = $1 and lifted_at is null
union all
select reason, issued_until from rowlock.revocations where organization_id = $3 and user_id is null and lifted_at is null
union all
select 'forgotten', issued_until from rowlock.revocation_horizon
