select id from clerk.users where deleted_at is null and id > $1 order by id limit $2
