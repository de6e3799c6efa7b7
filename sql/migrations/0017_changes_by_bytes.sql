-- The audit trail's ids compare by their bytes, as those of the inbox do. A transaction of its own: deliveries write here first
-- and there afterwards, and must not meet a migration that goes the other way.

alter table rowlock.changes alter column object_ids type text[] collate "C";

-- Every change puts its objects into the index itself. With a list of what is still to be put there, one delivery of some
-- sixty thousand emptied it for all, and whoever waited for that one waited for a quarter of a second.
alter index rowlock.changes_objects set (fastupdate = off);
select pg_catalog.gin_clean_pending_list('rowlock.changes_objects');
