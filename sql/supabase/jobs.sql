select jobid, schedule, command, username from cron.job where active and database = current_database() order by jobid
