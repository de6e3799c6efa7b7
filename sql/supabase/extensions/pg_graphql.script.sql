-- GraphQL is not served: this lets migrations that ask for the extension apply, and says so to whoever calls it.
create schema if not exists graphql;

create function graphql.resolve(
  query text, variables jsonb default '{}', "operationName" text default null, extensions jsonb default null
) returns jsonb language plpgsql as $$
begin
  raise exception 'GraphQL is not served by Rowlock' using hint = 'use /rest/v1: it reads related tables in one request, too';
end
$$;
