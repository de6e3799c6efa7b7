select
  count(*) filter (where state = 'held') as held,
  count(*) filter (where state = 'failed') as failed,
  count(*) filter (where state = 'dead') as dead
from rowlock.deletion_steps
where state in ('held', 'failed', 'dead')
