select
  change.id, change.object, changed.object_id, change.what, change.columns, changed.delivery_id, change.source,
  (extract(epoch from change.at) * 1000)::bigint as at
from rowlock.changes as change
cross join lateral unnest(change.object_ids, change.delivery_ids) as changed (object_id, delivery_id)
where change.object_ids @> array[$1::text]
  and changed.object_id = $1
  and ($2::text is null or change.object = $2)
  and ($3::text is null or change.what = $3)
  and ($4::bigint is null or change.id < $4)
order by change.id desc
limit $5
