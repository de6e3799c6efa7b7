insert into cron.job_run_details (jobid, database, username, command, status, return_message, start_time, end_time)
values ($1, current_database(), $2, $3, $4, $5, now() - make_interval(secs => $6), now())
