-- Supabase no longer recommends it, and old migrations still ask for it. Nothing of it is here: what calls it fails by name.
create schema if not exists pgsodium;
