select run_id, (extract(epoch from started_at) * 1000)::bigint
from rowlock.runs
where work = 'backfill' and finished_at is null
order by run_id desc
limit 1
