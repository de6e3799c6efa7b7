-- What policies ask about the caller, complete: version 1, version 2 and template claims, and the mirror.
--
-- The claims say who the caller is and what the token was issued for; they are up to a minute old. The mirror says what holds
-- now. Functions over the mirror have `live` or `my` in their names, or take the organization as an argument.
--
-- What Clerk would never write counts as absent: a value of another type, an id of another kind, a shortcode that was not
-- resolved, a version that is not known. Absent is null or empty, and null lets nobody in.
--
-- Write them as `(select clerk.user_id())`: Postgres then evaluates each once for a statement and not once for a row.

-- The claims: as one JSON value, as PostgREST and Rowlock set them, or else claim by claim, as pgTAP tests and PostgREST before
-- version 9 do. Only the first that is set counts, so that nothing left over in a session mixes with it.
create or replace function clerk.claims() returns jsonb
  language sql stable parallel safe
  set search_path = ''
  as $$
    select coalesce(
      nullif(current_setting('request.jwt.claims', true), '')::jsonb,
      nullif(current_setting('request.jwt.claim', true), '')::jsonb,
      (
        select jsonb_object_agg(
          name,
          case
            when name in ('v', 'o', 'act', 'fva', 'org_permissions', 'public_metadata', 'metadata') then setting::jsonb
            else to_jsonb(setting)
          end
        )
        from unnest(array[
          'sub', 'sid', 'iss', 'azp', 'role', 'sts', 'v', 'o', 'fea', 'pla', 'act', 'fva', 'email',
          'org_id', 'org_slug', 'org_role', 'org_permissions', 'public_metadata', 'metadata'
        ]) as name,
        lateral (select nullif(current_setting('request.jwt.claim.' || name, true), '') as setting) as set_one
        where setting is not null
      )
    )
  $$;

-- Text, unless it is something else or a shortcode that Clerk did not know: "{{org.permissions}}".
create or replace function clerk.claim_text(value jsonb) returns text
  language sql immutable parallel safe
  set search_path = ''
  as $$
    select case
      when jsonb_typeof(value) = 'string' and (value #>> '{}') !~ '^\s*\{\{.*\}\}\s*$' then value #>> '{}'
    end
  $$;

create or replace function clerk.user_id() returns text
  language sql stable parallel safe
  set search_path = ''
  as $$ select substring(clerk.claim_text(clerk.claims() -> 'sub') from '^user_[A-Za-z0-9_-]{1,128}$') $$;

create or replace function clerk.session_id() returns text
  language sql stable parallel safe
  set search_path = ''
  as $$ select substring(clerk.claim_text(clerk.claims() -> 'sid') from '^sess_[A-Za-z0-9_-]{1,128}$') $$;

-- 1 or 2; 0 for what is not known and not guessed at. `"2"` with quotes is no version, an unresolved shortcode is absent.
create or replace function clerk.claims_version() returns integer
  language sql stable parallel safe
  set search_path = ''
  as $$
    select case
      when version = '2' then 2
      when version is null or version in ('null', '1') then 1
      when jsonb_typeof(version::jsonb) = 'string' and clerk.claim_text(version::jsonb) is null then 1
      else 0
    end
    from (select (clerk.claims() -> 'v')::text as version) as written
  $$;

-- What the token says about the active organization, under one set of names. Null without an organization.
create or replace function clerk.organization_claims() returns jsonb
  language sql stable parallel safe
  set search_path = ''
  as $$
    select case when clerk.claim_text(organization -> 'id') ~ '^org_[A-Za-z0-9_-]{1,128}$' then organization end
    from (
      select case clerk.claims_version()
        when 2 then
          case when jsonb_typeof(claims -> 'o') = 'object' then
            jsonb_build_object(
              'id', claims -> 'o' -> 'id',
              'slug', claims -> 'o' -> 'slg',
              'role', claims -> 'o' -> 'rol',
              'actions', claims -> 'o' -> 'per',
              'masks', claims -> 'o' -> 'fpm',
              'features', claims -> 'fea'
            )
          end
        when 1 then
          jsonb_build_object(
            'id', claims -> 'org_id',
            'slug', claims -> 'org_slug',
            'role', claims -> 'org_role',
            'permissions', claims -> 'org_permissions'
          )
      end as organization
      from (select clerk.claims() as claims) as said
    ) as found
  $$;

create or replace function clerk.org_id() returns text
  language sql stable parallel safe
  set search_path = ''
  as $$ select clerk.claim_text(clerk.organization_claims() -> 'id') $$;

create or replace function clerk.org_slug() returns text
  language sql stable parallel safe
  set search_path = ''
  as $$ select clerk.claim_text(clerk.organization_claims() -> 'slug') $$;

-- Version 1 writes `org:admin`, version 2 `admin`; both mean the same role.
create or replace function clerk.role_key(role text) returns text
  language sql immutable parallel safe
  set search_path = ''
  as $$ select case when role = '' then null when starts_with(role, 'org:') then role else 'org:' || role end $$;

create or replace function clerk.org_role() returns text
  language sql stable parallel safe
  set search_path = ''
  as $$ select clerk.role_key(clerk.claim_text(clerk.organization_claims() -> 'role')) $$;

-- `fea` and `pla`: 'o:dashboard,u:beta'. A list with an element that has no scope is no list of Clerk's: nothing is read from it.
create or replace function clerk.scoped_names(list text) returns table (place bigint, scope text, name text)
  language sql immutable parallel safe
  set search_path = ''
  as $$
    select place, split_part(element, ':', 1), substr(element, strpos(element, ':') + 1)
    from (
      select place, btrim(raw, E' \t\n\r\f\x0b') as element
      from unnest(string_to_array(list, ',')) with ordinality as written (raw, place)
    ) as elements
    where list <> ''
      and not exists (select from unnest(string_to_array(list, ',')) as written (raw) where strpos(raw, ':') = 0)
  $$;

-- Version 2 packs permissions: `per` names the actions, and `fpm` has one decimal number for each feature of organization scope,
-- whose bit j, counted from the least significant, says that the role has action j. The numbers are larger than any integer type.
create or replace function clerk.unpack_permissions(features text, actions text, masks text) returns text[]
  language sql immutable parallel safe
  set search_path = ''
  as $$
    with recursive
      feature as (
        select row_number() over (order by place) as slot, name
        from clerk.scoped_names(features)
        where scope in ('o', 'ou', 'uo')
      ),
      action as (
        select place - 1 as bit, btrim(raw, E' \t\n\r\f\x0b') as name
        from unnest(string_to_array(actions, ',')) with ordinality as written (raw, place)
      ),
      mask as (
        -- What is no number grants nothing and keeps its place.
        select place as slot, case when digits ~ '^[0-9]+$' then digits::numeric end as number
        from (
          select place, btrim(raw, E' \t\n\r\f\x0b') as digits
          from unnest(string_to_array(masks, ',')) with ordinality as written (raw, place)
        ) as trimmed
      ),
      -- Halving is exact at any length; powers of two as numeric need not be.
      shifted (slot, bit, number) as (
        select slot, 0::bigint, number from mask where number is not null
        union all
        select slot, bit + 1, div(number, 2)
        from shifted
        where number > 1 and bit + 1 < (select count(*) from action)
      )
    select coalesce(
      array_agg('org:' || feature.name || ':' || action.name order by feature.slot, action.bit),
      array[]::text[]
    )
    from shifted
    join feature using (slot)
    join action using (bit)
    where mod(shifted.number, 2) = 1
  $$;

create or replace function clerk.permissions() returns text[]
  language sql stable parallel safe
  set search_path = ''
  as $$
    select case
      when organization is null then array[]::text[]
      when jsonb_typeof(organization -> 'permissions') = 'array' then
        array(
          select clerk.claim_text(listed)
          from jsonb_array_elements(organization -> 'permissions') with ordinality as list (listed, place)
          where clerk.claim_text(listed) ~ '^org:[^:,\s]+:[^:,\s]+$'
          order by place
        )
      else
        clerk.unpack_permissions(
          coalesce(clerk.claim_text(organization -> 'features'), ''),
          coalesce(clerk.claim_text(organization -> 'actions'), ''),
          coalesce(clerk.claim_text(organization -> 'masks'), '')
        )
    end
    from (select clerk.organization_claims() as organization) as said
  $$;

create or replace function clerk.has_permission(permission text) returns boolean
  language sql stable parallel safe
  set search_path = ''
  as $$ select coalesce(permission = any (clerk.permissions()), false) $$;

create or replace function clerk.has_role(role text) returns boolean
  language sql stable parallel safe
  set search_path = ''
  as $$ select coalesce(clerk.org_role() = clerk.role_key(role), false) $$;

-- 'invoices' asks the user and the organization, 'org:invoices' the organization, 'user:invoices' the user.
create or replace function clerk.has_scoped(claim text, asked text) returns boolean
  language sql stable parallel safe
  set search_path = ''
  as $$
    select exists (
      select
      from clerk.scoped_names(coalesce(clerk.claim_text(clerk.claims() -> claim), '')) as had
      where clerk.claims_version() = 2
        and (
          (split_part(asked, ':', 1) in ('o', 'org', 'organization') and asked like '%:%'
            and had.scope in ('o', 'ou', 'uo') and had.name = substr(asked, strpos(asked, ':') + 1))
          or (split_part(asked, ':', 1) in ('u', 'user') and asked like '%:%'
            and had.scope in ('u', 'ou', 'uo') and had.name = substr(asked, strpos(asked, ':') + 1))
          or (asked not like '%:%' and had.scope in ('o', 'u', 'ou', 'uo') and had.name = asked)
        )
    )
  $$;

create or replace function clerk.has_feature(feature text) returns boolean
  language sql stable parallel safe
  set search_path = ''
  as $$ select clerk.has_scoped('fea', feature) $$;

create or replace function clerk.has_plan(plan text) returns boolean
  language sql stable parallel safe
  set search_path = ''
  as $$ select clerk.has_scoped('pla', plan) $$;

-- The user's public metadata, where the session token is customised to carry it. `unsafe_metadata` is never looked at: users write it.
create or replace function clerk.metadata() returns jsonb
  language sql stable parallel safe
  set search_path = ''
  as $$
    select coalesce(
      case when jsonb_typeof(clerk.claims() -> 'public_metadata') = 'object' then clerk.claims() -> 'public_metadata' end,
      case when jsonb_typeof(clerk.claims() -> 'metadata') = 'object' then clerk.claims() -> 'metadata' end,
      '{}'::jsonb
    )
  $$;

create or replace function clerk.is_impersonated() returns boolean
  language sql stable parallel safe
  set search_path = ''
  as $$ select coalesce(jsonb_typeof(clerk.claims() -> 'act') = 'object', false) $$;

-- Anything but `active` is not finished signing in.
create or replace function clerk.is_pending() returns boolean
  language sql stable parallel safe
  set search_path = ''
  as $$ select coalesce(clerk.claim_text(clerk.claims() -> 'sts') <> 'active', false) $$;

-- Over the mirror. `security definer`: whoever asks may not read other people's memberships, only learn about their own.

-- The memberships that hold now, one for each organization. A user who left and came back has two until the end of the first is
-- known: the younger counts. A user who was deleted or banned has none, nor has an organization that was deleted any members.
create or replace function clerk.my_memberships() returns table (organization_id text, role text, permissions text[])
  language sql stable parallel safe security definer
  set search_path = ''
  rows 20
  as $$
    select distinct on (membership.organization_id) membership.organization_id, membership.role, membership.permissions
    from clerk.organization_memberships as membership
    where membership.user_id = (select clerk.user_id())
      and membership.deleted_at is null
      and not exists (
        select from clerk.users as u
        where u.id = (select clerk.user_id()) and (u.deleted_at is not null or u.banned)
      )
      and not exists (
        select from clerk.organizations as o
        where o.id = membership.organization_id and o.deleted_at is not null
      )
    order by membership.organization_id, membership.created_at desc nulls last, membership.id desc
  $$;

create or replace function clerk.my_org_ids() returns setof text
  language sql stable parallel safe security definer
  set search_path = ''
  rows 20
  as $$ select organization_id from clerk.my_memberships() $$;

create or replace function clerk.is_member(organization_id text) returns boolean
  language sql stable parallel safe security definer
  set search_path = ''
  as $$
    select exists (select from clerk.my_memberships() as mine where mine.organization_id = is_member.organization_id)
  $$;

-- System permissions (org:sys_…) are known to the mirror alone: tokens never carry them.
create or replace function clerk.has_live_permission(permission text, organization_id text default clerk.org_id()) returns boolean
  language sql stable parallel safe security definer
  set search_path = ''
  as $$
    select exists (
      select
      from clerk.my_memberships() as mine
      where mine.organization_id = has_live_permission.organization_id
        and has_live_permission.permission = any (mine.permissions)
    )
  $$;

-- The organizations in which the caller has the permission now.
create or replace function clerk.my_org_ids_with(permission text) returns setof text
  language sql stable parallel safe security definer
  set search_path = ''
  rows 20
  as $$ select mine.organization_id from clerk.my_memberships() as mine where my_org_ids_with.permission = any (mine.permissions) $$;

comment on function clerk.claims() is 'The verified claims of this transaction, or null for a caller without a token.';
comment on function clerk.claim_text(jsonb) is 'The text that a claim holds, or null when it holds something else or an unresolved shortcode.';
comment on function clerk.user_id() is 'The caller''s Clerk user id (user_…), or null.';
comment on function clerk.session_id() is 'The caller''s Clerk session id (sess_…), or null.';
comment on function clerk.claims_version() is 'The version of the claims: 1 (templates included), 2, or 0 for an unknown one.';
comment on function clerk.organization_claims() is 'What the token says about the active organization, in one form for all versions of the claims.';
comment on function clerk.org_id() is 'The organization that is active in the caller''s token (org_…), or null.';
comment on function clerk.org_slug() is 'The slug of the active organization, or null.';
comment on function clerk.role_key(text) is 'A role with its prefix: admin and org:admin are org:admin.';
comment on function clerk.org_role() is 'The caller''s role in the active organization, always with its prefix (org:admin), or null.';
comment on function clerk.scoped_names(text) is 'The elements of a list of features or plans: o:dashboard,u:beta.';
comment on function clerk.unpack_permissions(text, text, text) is 'The permissions that fea, o.per and o.fpm stand for.';
comment on function clerk.permissions() is 'The permissions in the caller''s token (org:invoices:read); never system permissions.';
comment on function clerk.has_permission(text) is 'Whether the caller''s token has the permission in the active organization. Never true for system permissions: see has_live_permission.';
comment on function clerk.has_role(text) is 'Whether the caller has the role in the active organization; with or without org: in front.';
comment on function clerk.has_scoped(text, text) is 'Whether a list of features (fea) or plans (pla) in the token has the name asked for.';
comment on function clerk.has_feature(text) is 'Whether the caller''s token has the feature: name, org:name or user:name.';
comment on function clerk.has_plan(text) is 'Whether the caller''s token has the plan: name, org:name or user:name.';
comment on function clerk.metadata() is 'The user''s public metadata in the token, or an empty object.';
comment on function clerk.is_impersonated() is 'Whether somebody else acts in the caller''s name.';
comment on function clerk.is_pending() is 'Whether the session has an unfinished task, such as choosing an organization.';
comment on function clerk.my_memberships() is 'The caller''s memberships that hold now, as the mirror knows them.';
comment on function clerk.my_org_ids() is 'The organizations that the caller is a member of now. In policies: org_id = any (array(select clerk.my_org_ids())).';
comment on function clerk.is_member(text) is 'Whether the caller is a member of the organization now. For one organization, not for every row: see my_org_ids.';
comment on function clerk.has_live_permission(text, text) is 'Whether the caller has the permission now, system permissions included; in the active organization unless another is given.';
comment on function clerk.my_org_ids_with(text) is 'The organizations in which the caller has the permission now, system permissions included.';

-- By name: the schema has functions that are not for everybody.
revoke execute on function
  clerk.claims(),
  clerk.claim_text(jsonb),
  clerk.user_id(),
  clerk.session_id(),
  clerk.claims_version(),
  clerk.organization_claims(),
  clerk.org_id(),
  clerk.org_slug(),
  clerk.role_key(text),
  clerk.org_role(),
  clerk.scoped_names(text),
  clerk.unpack_permissions(text, text, text),
  clerk.permissions(),
  clerk.has_permission(text),
  clerk.has_role(text),
  clerk.has_scoped(text, text),
  clerk.has_feature(text),
  clerk.has_plan(text),
  clerk.metadata(),
  clerk.is_impersonated(),
  clerk.is_pending(),
  clerk.my_memberships(),
  clerk.my_org_ids(),
  clerk.is_member(text),
  clerk.has_live_permission(text, text),
  clerk.my_org_ids_with(text)
  from public;
grant execute on function
  clerk.claims(),
  clerk.claim_text(jsonb),
  clerk.user_id(),
  clerk.session_id(),
  clerk.claims_version(),
  clerk.organization_claims(),
  clerk.org_id(),
  clerk.org_slug(),
  clerk.role_key(text),
  clerk.org_role(),
  clerk.scoped_names(text),
  clerk.unpack_permissions(text, text, text),
  clerk.permissions(),
  clerk.has_permission(text),
  clerk.has_role(text),
  clerk.has_scoped(text, text),
  clerk.has_feature(text),
  clerk.has_plan(text),
  clerk.metadata(),
  clerk.is_impersonated(),
  clerk.is_pending(),
  clerk.my_memberships(),
  clerk.my_org_ids(),
  clerk.is_member(text),
  clerk.has_live_permission(text, text),
  clerk.my_org_ids_with(text)
  to anon, authenticated, service_role;
