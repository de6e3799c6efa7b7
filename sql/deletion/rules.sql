select to_jsonb(known) as definition from rowlock.deletion_rules as known order by position
