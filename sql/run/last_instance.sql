select instance_id from rowlock.runs where instance_id is not null order by run_id desc limit 1
