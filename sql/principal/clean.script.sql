close all;
reset session authorization;
reset all;
unlisten *;
discard temp;
select pg_advisory_unlock_all();
