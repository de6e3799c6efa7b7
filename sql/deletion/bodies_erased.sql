update rowlock.deletions set bodies_erased_at = now() where id = $1
