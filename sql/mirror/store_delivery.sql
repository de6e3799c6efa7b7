insert into rowlock.inbox (delivery_id, event_type, object_id, event_at, body, sent_at, state, settled_at)
values ($1, $2, $3, $4, $5, to_timestamp($6::bigint / 1000.0), 'kept', now())
on conflict (delivery_id) do nothing
