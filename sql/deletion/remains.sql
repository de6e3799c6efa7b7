select
  about.deliveries, about.bodies,
  (select count(*) from rowlock.changes where object_ids @> array[$1::text]) as changes,
  (select count(*) from rowlock.revocations where subject = $1 or user_id = $1 or organization_id = $1) as revocations
from (
  select count(*) as deliveries, count(body) as bodies
  from rowlock.inbox
  where object_id = $1 or (user_id = $1 and user_id is distinct from object_id)
) as about
