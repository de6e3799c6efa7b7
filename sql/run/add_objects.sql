insert into rowlock.run_objects (run_id, object) select $1, unnest($2::text[]) on conflict do nothing
