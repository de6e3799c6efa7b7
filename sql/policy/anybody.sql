-- Whether the mirror knows anybody at all.
select exists (select from clerk.users);
