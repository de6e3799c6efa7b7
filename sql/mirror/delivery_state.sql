select state from rowlock.inbox where delivery_id = $1
