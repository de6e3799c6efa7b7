select jsonb_build_object('role', current_user, 'user_id', clerk.user_id(), 'organization', null, 'mirrored', null)
