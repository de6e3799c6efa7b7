update rowlock.runs
set finished_at = now()
where run_id = $1 and not exists (select from rowlock.run_objects where run_id = $1 and finished_at is null)
