-- What is tried again or waits for a replay keeps its body: it is all that is left of the event.
update rowlock.inbox as inbox
set body = null
from (
  select delivery_id
  from rowlock.inbox
  where body is not null and received_at < now() - $1::bigint * interval '1 second' and state not in ('failed', 'dead')
  order by received_at
  limit $2
  for update skip locked
) as old
where inbox.delivery_id = old.delivery_id
