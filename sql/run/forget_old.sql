delete from rowlock.runs where run_id <= (select max(run_id) - $1::bigint from rowlock.runs)
