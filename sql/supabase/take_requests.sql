delete from net.http_request_queue
where id in (select id from net.http_request_queue order by id limit 50 for update skip locked)
returning id, method, url, headers, body, timeout_milliseconds
