update rowlock.deletion_steps
set state = 'failed', next_attempt_at = now(), attempts = 0
where deletion_id = $1 and state in ('dead', 'failed')
