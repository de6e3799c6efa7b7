-- Rows of which only the id is known and about which Clerk is still to be asked; when so many wait, more are not counted.
select
  count(*) filter (where asked.object = 'user' and u.stub) as users,
  count(*) filter (where asked.object = 'organization' and o.stub) as organizations,
  (extract(epoch from max(coalesce(u.synced_at, o.synced_at)) filter (where coalesce(u.source, o.source) = 'token')) * 1000)::bigint as last_by_token
from (select object, object_id from rowlock.inquiries where cause = 'stub' limit 10000) as asked
left join clerk.users as u on asked.object = 'user' and u.id = asked.object_id
left join clerk.organizations as o on asked.object = 'organization' and o.id = asked.object_id
