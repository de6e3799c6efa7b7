insert into public.boats (id, name, org_id, seats) values (1000, 'Seed', 'org_of_nobody', 2);
