do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'rowlock_service') then
    create role rowlock_service nologin noinherit;
  end if;
  if not pg_catalog.pg_has_role('rowlock_service', 'service_role', 'member') then
    grant service_role to rowlock_service;
  end if;
end
$$;
