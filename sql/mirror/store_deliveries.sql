insert into rowlock.inbox as known (
  delivery_id, event_type, object_id, user_id, event_at, body, sent_at, state, reason, attempts, next_attempt_at, settled_at
)
select
  delivery_id, event_type, object_id, user_id, event_at, body, to_timestamp(sent_at / 1000.0), state, reason, attempts,
  case when state = 'failed' then now() + pause * interval '1 millisecond' end,
  case when state <> 'failed' then now() end
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::bigint[], $8::text[], $9::text[],
  $10::integer[], $11::bigint[]
) as delivery (
  delivery_id, event_type, object_id, user_id, event_at, body, sent_at, state, reason, attempts, pause
)
order by delivery_id
-- One that had failed and comes again may succeed this time; any other is a duplicate.
on conflict (delivery_id) do update set
  state = excluded.state, reason = null, attempts = known.attempts + 1, next_attempt_at = null, settled_at = now()
where known.state in ('failed', 'dead') and excluded.state in ('applied', 'stale')
returning delivery_id
