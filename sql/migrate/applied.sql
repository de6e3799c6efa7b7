select version, checksum from rowlock.migrations order by version
