insert into rowlock.deletion_settings (hold) values ($1::bigint * interval '1 second')
on conflict (single) do update set hold = excluded.hold
