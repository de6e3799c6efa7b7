-- What has come since $7, and what has become of those in $8. A delivery is visible when its transaction commits, but
-- carries the time when that began: whoever follows must look back a little.
select
  delivery_id, event_type, object_id, user_id, state, reason, attempts, event_at, octet_length(body) as body_bytes,
  (extract(epoch from sent_at) * 1000)::bigint as sent_at,
  (extract(epoch from received_at) * 1000)::bigint as received_at,
  (extract(epoch from settled_at) * 1000)::bigint as settled_at,
  (extract(epoch from next_attempt_at) * 1000)::bigint as next_attempt_at
from rowlock.inbox
where (inbox.received_at >= to_timestamp($7::bigint / 1000.0) or delivery_id = any ($8::text[]))
  and ($1::text is null or state = $1)
  and ($2::text is null or event_type like $2)
  and ($3::text is null or delivery_id = $3)
  and ($4::text is null or object_id = $4)
  and ($5::text is null or object_id = $5 or (user_id = $5 and user_id is distinct from object_id))
  and ($6::bigint is null or inbox.received_at >= to_timestamp($6 / 1000.0))
order by coalesce(inbox.settled_at, inbox.received_at), delivery_id
