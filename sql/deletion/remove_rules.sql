delete from rowlock.deletion_rules where name <> all ($1::text[])
