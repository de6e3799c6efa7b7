select
  deletion.id, deletion.subject, deletion.subject_id,
  (extract(epoch from deletion.deleted_at) * 1000)::bigint as deleted_at,
  (extract(epoch from deletion.noticed_at) * 1000)::bigint as noticed_at,
  (extract(epoch from deletion.held_until) * 1000)::bigint as held_until,
  (extract(epoch from deletion.cancelled_at) * 1000)::bigint as cancelled_at,
  (extract(epoch from deletion.bodies_erased_at) * 1000)::bigint as bodies_erased_at
from rowlock.deletions as deletion
where ($1::text is null or deletion.subject_id = $1)
  and (
    $2::text is null
    or exists (
      select from rowlock.deletion_steps as step where step.deletion_id = deletion.id and step.state = $2
    )
  )
order by deletion.id desc
limit $3
