-- Those of the settings $1, which stand under `pgrst.`, that are in force here.
select s.name, current_setting('pgrst.' || s.name, true) as value
from unnest($1::text[]) as s (name)
where current_setting('pgrst.' || s.name, true) <> ''
