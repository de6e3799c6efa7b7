-- Ids of the inbox compare by their bytes: that is faster than by the rules of a language, and Clerk's ids, which begin with the
-- time when they were made, then stand in that order, so that new ones go to the end of an index.

drop index if exists rowlock.inbox_user;
alter table rowlock.inbox
  alter column object_id type text collate "C",
  alter column user_id type text collate "C";
-- An event about a person is found by its object already.
create index inbox_user on rowlock.inbox (user_id) where user_id is not null and user_id is distinct from object_id;

create or replace function rowlock.erase_bodies(about text, most integer) returns bigint
  language plpgsql volatile
  set search_path = ''
  as $$
declare
  gone bigint;
begin
  with about_them as (
    select delivery_id
    from rowlock.inbox
    where (object_id = about or (user_id = about and user_id is distinct from object_id)) and body is not null
    limit most
    for update
  )
  update rowlock.inbox
  set
    body = null,
    state = case when state = 'failed' then 'dead' else state end,
    next_attempt_at = null,
    reason = case when state = 'failed' then 'whom it was about is erased' else reason end,
    settled_at = coalesce(settled_at, now())
  from about_them
  where inbox.delivery_id = about_them.delivery_id;
  get diagnostics gone = row_count;
  return gone;
end
$$;

-- Each of the two ways to be about somebody by itself, so that whoever is erased is found by an index.
create or replace function rowlock.erase_late_bodies() returns bigint
  language sql volatile
  set search_path = ''
  as $$
    select coalesce(sum(rowlock.erase_bodies(subject_id, 2000)), 0)::bigint
    from (
      select deletion.subject_id
      from rowlock.inbox as delivery
      join rowlock.deletions as deletion on deletion.subject_id = delivery.object_id collate pg_catalog."default"
      where delivery.body is not null
        and delivery.received_at > now() - interval '7 days'
        and deletion.bodies_erased_at is not null
      union
      select deletion.subject_id
      from rowlock.inbox as delivery
      join rowlock.deletions as deletion on deletion.subject_id = delivery.user_id collate pg_catalog."default"
      where delivery.body is not null
        and delivery.received_at > now() - interval '7 days'
        and delivery.user_id is distinct from delivery.object_id
        and deletion.bodies_erased_at is not null
    ) as late
  $$;
