insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (id) do nothing
