select delivery_id, count(*) over () as total
from rowlock.inbox
where state in ('failed', 'dead', 'kept') and body is not null
  and ($1::text is null or state = $1)
  and ($2::text is null or event_type like $2)
  and ($3::text is null or delivery_id = $3)
  and ($4::text is null or object_id = $4)
  and ($5::text is null or object_id = $5 or (user_id = $5 and user_id is distinct from object_id))
  and ($6::bigint is null or received_at >= to_timestamp($6 / 1000.0))
order by received_at, delivery_id
limit $7
