with made as (
  insert into clerk.organizations (
    id, name, slug, image_url, clerk_updated_at, event_at, delivery_id, source, synced_at, stub
  )
  select id, name, slug, image_url, 0, 0, '', $5, now(), true
  from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as stub (id, name, slug, image_url)
  order by id
  on conflict (id) do nothing
  returning id
)
insert into rowlock.inquiries (object, object_id, cause, next_attempt_at)
select 'organization', id, 'stub', now() + interval '1 minute'
from made
on conflict do nothing
returning object_id
