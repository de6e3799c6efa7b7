-- Requests over HTTP that are sent after the transaction: written into a queue, which `rowlock dev` empties.

create schema if not exists net;

create table net.http_request_queue (
  id bigserial primary key,
  method text not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null
);

create table net._http_response (
  id bigint primary key,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);

create function net._with_parameters(url text, params jsonb) returns text language sql immutable as $$
  select url || coalesce(
    (
      select case when position('?' in url) > 0 then '&' else '?' end || string_agg(
        net._encoded(parameter.key) || '=' || net._encoded(parameter.value), '&' order by parameter.key
      )
      from jsonb_each_text(params) as parameter
    ),
    ''
  )
$$;

-- Every byte that RFC 3986 does not leave alone.
create function net._encoded(string text) returns text language sql immutable as $$
  select coalesce(
    string_agg(
      case
        when byte between 48 and 57 or byte between 65 and 90 or byte between 97 and 122 or byte in (45, 46, 95, 126)
        then chr(byte)
        else '%' || upper(lpad(to_hex(byte), 2, '0'))
      end,
      '' order by place
    ),
    ''
  )
  from (
    select get_byte(bytes, place) as byte, place
    from convert_to(string, 'utf8') as bytes, generate_series(0, length(bytes) - 1) as place
  ) as bytes
$$;

create function net._queue(method text, url text, headers jsonb, body bytea, timeout_milliseconds integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  queued bigint;
begin
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (method, url, headers, body, timeout_milliseconds) returning id into queued;
  perform pg_catalog.pg_notify('rowlock_net', '');
  return queued;
end
$$;

create function net.http_get(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000
) returns bigint language sql as $$
  select net._queue('GET', net._with_parameters(url, params), headers, null, timeout_milliseconds)
$$;

create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000
) returns bigint language sql as $$
  select net._queue(
    'POST', net._with_parameters(url, params), headers, convert_to(body::text, 'utf8'), timeout_milliseconds
  )
$$;

create function net.http_delete(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000,
  body jsonb default null
) returns bigint language sql as $$
  select net._queue(
    'DELETE', net._with_parameters(url, params), headers, convert_to(body::text, 'utf8'), timeout_milliseconds
  )
$$;

revoke execute on function net._queue(text, text, jsonb, bytea, integer) from public;
grant usage on schema net to postgres, anon, authenticated, service_role;
grant execute on all functions in schema net to postgres, anon, authenticated, service_role;
