select rowlock.record_changes($1)
