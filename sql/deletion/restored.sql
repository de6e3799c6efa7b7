update rowlock.deletion_steps
set state = 'undone', next_attempt_at = null, reason = null, finished_at = now()
where deletion_id = $1 and rule = $2
