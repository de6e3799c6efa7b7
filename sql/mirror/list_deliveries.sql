select
  delivery_id, event_type, object_id, state, reason, attempts,
  (extract(epoch from received_at) * 1000)::bigint as received_at,
  (extract(epoch from next_attempt_at) * 1000)::bigint as next_attempt_at
from rowlock.inbox
where ($1::text is null or state = $1) and ($2::text is null or event_type = $2) and ($3::text is null or object_id = $3)
order by inbox.received_at desc, delivery_id
limit $4
