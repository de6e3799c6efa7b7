-- The audit trail: which objects changed, when, by what, and in which columns. Names alone: no value of a column is kept, and
-- nothing about a person but the ids of Clerk's objects.
--
-- One row is what one statement did to objects of one kind in the same way: a row for each object would make a batch of writes
-- half as slow again. The triggers are written from the catalogue, because comparing named columns is many times cheaper than
-- comparing whole rows as JSON; a migration that adds a column calls rowlock.record_changes() again.

create table if not exists rowlock.changes (
  id bigint generated always as identity primary key,
  object text not null,
  what text not null check (what in ('created', 'updated', 'deleted')),
  columns text[] not null,
  source text not null,
  object_ids text[] not null,
  delivery_ids text[] not null,
  at timestamptz not null default now(),
  check (cardinality(object_ids) > 0 and cardinality(object_ids) = cardinality(delivery_ids))
);
create index if not exists changes_objects on rowlock.changes using gin (object_ids);

comment on table rowlock.changes is 'What happened to the mirror''s objects: a row for each statement, kind of change and set of columns. Never a value, never a name.';
comment on column rowlock.changes.object is 'The table of the mirror: users, organizations, …';
comment on column rowlock.changes.what is 'created, updated or deleted. Deletion is final: nothing is ever undeleted.';
comment on column rowlock.changes.columns is 'Names of the columns that are different now; empty for what was created or deleted, and when only `raw` is different.';
comment on column rowlock.changes.object_ids is 'The objects that changed in this way.';
comment on column rowlock.changes.delivery_ids is 'For each object, in the same order, the delivery that the change is made of.';

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
select rowlock.record_changes(true);

-- The trail grows at one end and is cut at the other, so the oldest rows are found by the key.
create or replace function rowlock.prune_changes(keep interval, most integer) returns bigint
  language plpgsql volatile
  set search_path = ''
  as $$
declare
  gone bigint;
begin
  with oldest as (
    select id, at from rowlock.changes order by id limit most for update skip locked
  )
  delete from rowlock.changes using oldest where changes.id = oldest.id and oldest.at < now() - keep;
  get diagnostics gone = row_count;
  return gone;
end
$$;
comment on function rowlock.prune_changes(interval, integer) is 'Deletes at most so many of the oldest rows, those that are older than `keep`.';
