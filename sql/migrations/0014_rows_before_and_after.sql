-- The triggers that compare the rows of a statement before and after it join them by hashing. The mirror writes with joins by hash
-- switched off, so that no plan reads a whole table, and a session keeps the plan of its first, small statement: page by page every row
-- was then compared with every other, 250,000 comparisons for the 500 rows of a page.

-- Whether changes are recorded is whether the triggers are there: switched off, they cost nothing.
create or replace function rowlock.record_changes(wanted boolean) returns void
  language plpgsql volatile
  set search_path = ''
  as $$
declare
  mirrored record;
begin
  for mirrored in
    select
      c.relname as name,
      format('note_change_of_%s', c.relname) as function,
      string_agg(
        format('case when o.%1$I is distinct from n.%1$I then %2$L end', a.attname, a.attname::text), ', ' order by a.attnum
      ) as differences,
      (
        select count(*)
        from pg_catalog.pg_trigger as t
        where t.tgrelid = c.oid and t.tgname in ('note_inserted', 'note_updated')
      ) as triggers
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'clerk'::regnamespace
      and c.relkind = 'r'
      and a.attname not in ('id', 'raw', 'clerk_updated_at', 'event_at', 'delivery_id', 'deleted_at', 'synced_at', 'source')
      and exists (
        select from pg_catalog.pg_attribute as b
        where b.attrelid = c.oid and b.attname = 'delivery_id' and not b.attisdropped
      )
    group by c.oid, c.relname
    order by c.relname
  loop
    if wanted then
      execute format(
        $function$
          create or replace function rowlock.%1$I() returns trigger
            language plpgsql security definer
            set search_path = ''
            set enable_hashjoin = on
            set enable_nestloop = off
            as $body$
          begin
            if tg_op = 'INSERT' then
              insert into rowlock.changes (object, what, columns, source, object_ids, delivery_ids)
              select %2$L, what, '{}', source, array_agg(id), array_agg(delivery_id)
              from (
                select id, delivery_id, source, case when deleted_at is null then 'created' else 'deleted' end as what
                from new_rows
              ) as change
              group by what, source;
            else
              insert into rowlock.changes (object, what, columns, source, object_ids, delivery_ids)
              select %2$L, what, columns, source, array_agg(id), array_agg(delivery_id)
              from (
                select
                  n.id, n.delivery_id, n.source,
                  case when n.deleted_at is not null and o.deleted_at is null then 'deleted' else 'updated' end as what,
                  case
                    when n.deleted_at is not null then '{}'
                    else array_remove(array[%3$s], null)
                  end as columns
                from new_rows as n
                join old_rows as o on o.id = n.id
              ) as change
              group by what, columns, source;
            end if;
            return null;
          end
          $body$
        $function$,
        mirrored.function, mirrored.name, mirrored.differences
      );
    end if;
    -- Making and dropping a trigger waits for whoever writes the table: only where something is to be done.
    if wanted and mirrored.triggers < 2 then
      execute format(
        'create or replace trigger note_inserted after insert on clerk.%I
           referencing new table as new_rows for each statement execute function rowlock.%I()',
        mirrored.name, mirrored.function
      );
      execute format(
        'create or replace trigger note_updated after update on clerk.%I
           referencing old table as old_rows new table as new_rows for each statement execute function rowlock.%I()',
        mirrored.name, mirrored.function
      );
    elsif not wanted and mirrored.triggers > 0 then
      execute format('drop trigger if exists note_inserted on clerk.%I', mirrored.name);
      execute format('drop trigger if exists note_updated on clerk.%I', mirrored.name);
    end if;
  end loop;
end
$$;
comment on function rowlock.record_changes(boolean) is 'Switches the audit trail on or off, and follows the columns that the mirror''s tables have now.';
select rowlock.record_changes(true)
where exists (select from pg_catalog.pg_trigger where tgname = 'note_updated' and tgrelid = 'clerk.users'::regclass);

alter function rowlock.revoke_by_memberships() set enable_hashjoin = on;
alter function rowlock.revoke_by_memberships() set enable_nestloop = off;

create or replace function rowlock.revoke_by_users() returns trigger
  language plpgsql security definer
  set search_path = ''
  as $$
begin
  if exists (select from new_rows where banned or locked or deleted_at is not null) then
    insert into rowlock.revocations as known (reason, subject, user_id, since, lapses_at)
    select 'user_deleted', id, id, deleted_at, null::timestamptz
    from new_rows
    where deleted_at is not null
    union all
    select 'user_banned', id, id, rowlock.moment(clerk_updated_at), null
    from new_rows
    where banned
    union all
    select
      'user_locked', id, id, rowlock.moment(clerk_updated_at),
      case when jsonb_typeof(raw -> 'lockout_expires_in_seconds') = 'number' then
        rowlock.moment(greatest(event_at, clerk_updated_at))
          + least(greatest((raw ->> 'lockout_expires_in_seconds')::numeric, 0), 315360000)::bigint * interval '1 second'
      end
    from new_rows
    where locked
    on conflict (subject, reason) where lifted_at is null do update set
      lapses_at = excluded.lapses_at, revision = nextval('rowlock.revocation_revision')
    where known.lapses_at is distinct from excluded.lapses_at;
  end if;
  if tg_op = 'UPDATE' then
    if exists (select from old_rows where banned or locked) then
      -- The rows of the statement as an array: by a join, a plan that was made for few revocations would read all of them.
      update rowlock.revocations as known
      set lifted_at = now(), revision = nextval('rowlock.revocation_revision')
      where known.reason = 'user_banned'
        and known.lifted_at is null
        and known.subject = any (array(select id from new_rows where banned is not true));
      update rowlock.revocations as known
      set lifted_at = now(), revision = nextval('rowlock.revocation_revision')
      where known.reason = 'user_locked'
        and known.lifted_at is null
        and known.subject = any (array(select id from new_rows where locked is not true));
    end if;
  end if;
  return null;
end
$$;
