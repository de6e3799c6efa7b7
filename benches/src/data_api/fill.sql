insert into public.boats (id, org_id, name, seats)
  select id, case id % 10 when 0 then $1 else 'org_' || id % 10 end, 'Boat ' || id, id % 8 + 1 from generate_series(1, 10000) as id
