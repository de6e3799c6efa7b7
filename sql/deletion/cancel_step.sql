update rowlock.deletion_steps
set state = 'cancelled', next_attempt_at = null, reason = $3, finished_at = now()
where deletion_id = $1 and rule = $2
