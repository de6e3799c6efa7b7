-- Where else the login of the client pool may be in use; $1 is its name.
select
  array(
    select d.datname::text
    from pg_catalog.pg_database as d
    where d.datallowconn and d.datname <> current_database()
    order by 1
  ) as databases,
  (
    select count(*) from pg_catalog.pg_stat_activity where usename = $1
  ) as connections,
  exists (select from pg_catalog.pg_roles where rolname = $1) as present
