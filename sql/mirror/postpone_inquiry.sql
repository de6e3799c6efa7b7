update rowlock.inquiries
set next_attempt_at = now() + $4::bigint * interval '1 millisecond', reason = $5
where object = $1 and object_id = $2 and noticed_at = $3::text::timestamptz
