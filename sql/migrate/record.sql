insert into rowlock.migrations (version, name, checksum) values ($1, $2, $3)
