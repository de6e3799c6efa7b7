select id
from clerk.users
where deleted_at is null
  and (id = $1 or lower(primary_email_address) = lower($1) or username = $1)
order by id
limit 5
