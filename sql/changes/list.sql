select
  change.id, change.object, changed.object_id, change.what, change.columns, changed.delivery_id, change.source,
  (extract(epoch from change.at) * 1000)::bigint as at
from rowlock.changes as change
cross join lateral unnest(change.object_ids, change.delivery_ids) as changed (object_id, delivery_id)
where ($1::text is null or change.object = $1)
  and ($2::text is null or change.what = $2)
  and ($3::bigint is null or change.id < $3)
order by change.id desc, changed.object_id
limit $4
