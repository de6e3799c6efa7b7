insert into rowlock.seen (object, object_id) select $1, unnest($2::text[]) on conflict do nothing
