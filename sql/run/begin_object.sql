update rowlock.run_objects
set started_at = coalesce(started_at, now()), total = $3, updated_at = now(), reason = null
where run_id = $1 and object = $2
