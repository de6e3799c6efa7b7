insert into rowlock.runs (work, instance_id, repairs) values ($1, $2, $3) returning run_id
