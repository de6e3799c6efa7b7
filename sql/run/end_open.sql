update rowlock.runs set finished_at = now(), reason = $2 where work = $1 and finished_at is null
