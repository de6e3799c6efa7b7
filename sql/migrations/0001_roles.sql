-- The roles that policies name, under the names that Supabase gave them; on Supabase they exist already.
-- `rowlock_client` is the login of the client pool: it may become one of the first two and nothing else.

do $$
declare
  name text;
begin
  foreach name in array array['anon', 'authenticated', 'service_role', 'rowlock_client'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = name) then
      begin
        execute format('create role %I nologin noinherit', name);
      exception
        -- Two databases of one cluster may be migrated at the same moment: roles belong to the cluster.
        when duplicate_object or unique_violation then null;
      end;
    end if;
  end loop;
end
$$;

do $$
begin
  if not (select rolbypassrls from pg_catalog.pg_roles where rolname = 'service_role') then
    alter role service_role bypassrls;
  end if;
exception
  when insufficient_privilege then
    raise notice 'service_role does not bypass row-level security: this login may not grant that';
  -- XX000 "tuple concurrently updated": another database of the cluster is doing the same.
  when internal_error then null;
end
$$;

do $$
declare
  name text;
begin
  foreach name in array array['anon', 'authenticated'] loop
    if not pg_catalog.pg_has_role('rowlock_client', name, 'member') then
      begin
        execute format('grant %I to rowlock_client', name);
      exception
        when unique_violation or internal_error then null;
      end;
    end if;
  end loop;
end
$$;

comment on role rowlock_client is 'Login of Rowlock''s client pool. Owns nothing, inherits nothing; becomes anon or authenticated per transaction.';
