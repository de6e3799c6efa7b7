-- The schemas that a Supabase project finds. `supabase_admin` owns them: `supabase db reset` drops every schema of other owners.

create schema if not exists extensions authorization supabase_admin;
create schema if not exists auth authorization supabase_admin;
create schema if not exists storage authorization supabase_admin;
create schema if not exists realtime authorization supabase_admin;
create schema if not exists vault authorization supabase_admin;
create schema if not exists graphql_public authorization supabase_admin;
create schema if not exists supabase_functions authorization supabase_admin;

grant usage on schema public, extensions, auth, storage, realtime, graphql_public to anon, authenticated, service_role;
grant usage on schema supabase_functions to anon, authenticated, service_role;
grant usage on schema vault to service_role;

do $$
declare
  extension record;
begin
  for extension in
    select name, place from (values
      ('uuid-ossp', 'extensions'), ('pgcrypto', 'extensions'), ('pg_stat_statements', 'extensions'), ('supabase_vault', 'vault')
    ) as wanted (name, place)
    where exists (select from pg_catalog.pg_available_extensions as available where available.name = wanted.name)
  loop
    execute format('create extension if not exists %I with schema %I', extension.name, extension.place);
  end loop;
end
$$;

do $$
begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end
$$;

-- What is made in `public` is there for the API's roles, as on Supabase; row-level security decides about rows.
alter default privileges for role postgres in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public grant all on functions to anon, authenticated, service_role;
