select state, body is not null as has_body from rowlock.inbox where delivery_id = $1
