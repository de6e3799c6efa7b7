-- The audit trail's ids compare by their bytes, as those of the inbox do. A transaction of its own: deliveries write here first
-- and there afterwards, and must not meet a migration that goes the other way.

alter table rowlock.changes alter column object_ids type text[] collate "C";

-- One delivery in many puts into the index what those before it have left to be put there. It is done a quarter as late as
-- Postgres would, so that nobody waits for that one for long; done at once, ids in no order would cost a quarter more.
alter index rowlock.changes_objects set (gin_pending_list_limit = 1024);
