-- GraphQL is not served; what asks for it is told so.
create or replace function graphql_public.graphql(
  "operationName" text default null, query text default null, variables jsonb default null, extensions jsonb default null
) returns jsonb language plpgsql as $$
begin
  raise sqlstate 'PGRST' using
    message = '{"code": "PGRST000", "message": "GraphQL is not served by Rowlock", "hint": "use /rest/v1: it reads related tables in one request, too"}',
    detail = '{"status": 501, "headers": {}}';
end
$$;
grant execute on function graphql_public.graphql(text, text, jsonb, jsonb) to anon, authenticated, service_role;
