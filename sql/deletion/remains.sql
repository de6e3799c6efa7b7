select
  (select count(*) from rowlock.inbox where user_id = $1 or object_id = $1) as deliveries,
  (select count(*) from rowlock.inbox where (user_id = $1 or object_id = $1) and body is not null) as bodies,
  (select count(*) from rowlock.changes where object_ids @> array[$1::text]) as changes,
  (select count(*) from rowlock.revocations where subject = $1 or user_id = $1 or organization_id = $1) as revocations
