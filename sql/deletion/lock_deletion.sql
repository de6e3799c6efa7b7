select subject_id, cancelled_at is not null as is_cancelled, held_until <= now() as is_over
from rowlock.deletions
where id = $1
for update
