select revision, reason, user_id, session_id, organization_id, issued_until, lifted_at is not null as lifted
from rowlock.revocations
where revision between $1 and $2
order by revision
limit $3
