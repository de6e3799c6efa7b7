update rowlock.run_objects
set finished_at = now(), updated_at = now(), reason = $3
where run_id = $1 and object = $2
