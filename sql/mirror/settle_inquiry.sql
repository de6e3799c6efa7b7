delete from rowlock.inquiries where object = $1 and object_id = $2 and noticed_at = $3::text::timestamptz
