select object, cursor::text, seen, written, refused, finished_at is not null
from rowlock.run_objects
where run_id = $1
