-- `supabase db reset` keeps what is `supabase_admin`'s: the mirror survives it.
do $$
declare
  name text;
begin
  foreach name in array array['clerk', 'rowlock'] loop
    if to_regnamespace(name) is not null then
      execute format('alter schema %I owner to supabase_admin', name);
    end if;
  end loop;
end
$$;
