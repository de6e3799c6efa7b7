select coalesce(max(finished_at) < now() - make_interval(secs => $1::double precision), true)
from rowlock.runs
where work = 'reconcile'
