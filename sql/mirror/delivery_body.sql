select body from rowlock.inbox where delivery_id = $1
