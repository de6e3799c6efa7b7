select exists (select from clerk.users where id = $1 and stub and deleted_at is null)
  or exists (select from clerk.organizations where id = $1 and stub and deleted_at is null)
