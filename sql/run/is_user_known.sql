select exists (select from clerk.users where id = $1 and not stub)
