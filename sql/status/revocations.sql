select count(*) as in_force from rowlock.revocations where lifted_at is null and (lapses_at is null or lapses_at > now())
