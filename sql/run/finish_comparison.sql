update rowlock.run_objects
set
  seen = $3, refused = $4, missing = $5, older = $6, different = $7, gone = $8, buried = $9, ahead = $10,
  unverified = $11, in_flight = $12, repaired = $13, finished_at = now(), updated_at = now(), reason = $14
where run_id = $1 and object = $2
