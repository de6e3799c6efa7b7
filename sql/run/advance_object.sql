update rowlock.run_objects
set cursor = $3::text::jsonb, seen = seen + $4, written = written + $5, refused = refused + $6, updated_at = now()
where run_id = $1 and object = $2
