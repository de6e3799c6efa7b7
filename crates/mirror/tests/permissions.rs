//! The permission cache: what the mirror learns of roles and memberships counts for the next statement of whoever they are about.

use mirror::Outcome;
use serde_json::{Value, json};

use crate::support::{DAY, Test, deleted, event, membership, organization, user};

const INVOICES: &str = "org:invoices:manage";
const REPORTS: &str = "org:reports:read";
/// What `membership` of the support module says that every role has.
const PROFILE: &str = "org:sys_profile:manage";

fn role(id: &str, key: &str, at: i64, permissions: &[&str]) -> Value {
    let permissions: Vec<Value> = permissions
        .iter()
        .map(|key| json!({ "id": format!("perm_{key}"), "object": "permission", "key": key }))
        .collect();
    json!({
        "id": id, "object": "role", "key": key, "name": key, "description": "", "is_creator_eligible": true,
        "permissions": permissions, "created_at": DAY, "updated_at": DAY + at,
    })
}

impl Test {
    async fn applies(&self, kind: &str, at: i64, data: &Value) {
        assert_eq!(self.deliver(&event(kind, at, data)).await, Outcome::Applied, "{kind} at {at}");
    }

    /// What policies answer the user, whose token says admin of the organization whatever happened since.
    async fn may(&self, user: &str, organization: &str, permission: &str) -> bool {
        let token = json!({ "v": 2, "sub": user, "o": { "id": organization, "rol": "admin" } }).to_string();
        let mut connection = self.database.owner.get().await.unwrap();
        let transaction = connection.transaction().await.unwrap();
        transaction.execute("select set_config('request.jwt.claims', $1, true)", &[&token]).await.unwrap();
        transaction.batch_execute("set local role authenticated").await.unwrap();
        let row = transaction
            .query_one(
                "select clerk.has_live_permission($1), $2 = any (array(select clerk.my_org_ids_with($1)))",
                &[&permission, &organization],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, bool>(0), row.get::<_, bool>(1), "both forms agree");
        row.get(0)
    }

    /// The cache is what it would be if it were made anew.
    async fn is_exact(&self) {
        let wrong = "
            with wanted as (
              select m.user_id, m.organization_id, m.id as membership_id,
                coalesce(
                  (
                    select r.permissions from clerk.roles as r
                    where r.key = m.role and r.deleted_at is null
                    order by r.created_at desc nulls last, r.id desc limit 1
                  ),
                  m.permissions, '{}'
                ) as permissions
              from clerk.organization_memberships as m
              where m.deleted_at is null and m.user_id is not null and m.organization_id is not null
            ), held as (select user_id, organization_id, membership_id, permissions from rowlock.held_permissions)
            (select * from wanted except select * from held) union all (select * from held except select * from wanted)";
        assert_eq!(self.value(wrong).await, json!([]));
    }
}

#[tokio::test]
async fn a_change_of_role_counts_at_once() {
    let test = Test::start().await;
    test.applies("role.created", 1, &role("role_a", "org:admin", 1, &[INVOICES, PROFILE])).await;
    test.applies("role.created", 1, &role("role_m", "org:member", 1, &[REPORTS])).await;
    test.applies("organizationMembership.created", 2, &membership("orgmem_1", "org_a", "user_ada", 2, "org:member"))
        .await;
    assert!(test.may("user_ada", "org_a", REPORTS).await);
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    // The membership's own list says so; the role, which knows better, does not.
    assert!(!test.may("user_ada", "org_a", PROFILE).await);

    test.applies("organizationMembership.updated", 3, &membership("orgmem_1", "org_a", "user_ada", 3, "org:admin"))
        .await;
    assert!(test.may("user_ada", "org_a", INVOICES).await);
    assert!(!test.may("user_ada", "org_a", REPORTS).await);

    test.applies("organizationMembership.deleted", 4, &deleted("orgmem_1", "organization_membership")).await;
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    test.is_exact().await;
}

#[tokio::test]
async fn a_changed_role_counts_for_everybody_who_has_it() {
    let test = Test::start().await;
    // Before anything is known of the role, the membership's own list is the best there is.
    for name in ["ada", "ben"] {
        let data = membership(&format!("orgmem_{name}"), "org_a", &format!("user_{name}"), 1, "org:admin");
        test.applies("organizationMembership.created", 1, &data).await;
    }
    assert!(test.may("user_ben", "org_a", PROFILE).await);
    test.applies("role.created", 2, &role("role_a", "org:admin", 2, &[INVOICES])).await;
    for name in ["user_ada", "user_ben"] {
        assert!(test.may(name, "org_a", INVOICES).await);
        assert!(!test.may(name, "org_a", PROFILE).await);
    }
    test.applies("role.updated", 3, &role("role_a", "org:admin", 3, &[REPORTS])).await;
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    assert!(test.may("user_ada", "org_a", REPORTS).await);
    // An older state that comes late takes nothing back.
    assert_eq!(
        test.deliver(&event("role.updated", 2, &role("role_a", "org:admin", 2, &[INVOICES]))).await,
        Outcome::Stale
    );
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    // The role gets another key: nobody has it by that name any more.
    test.applies("role.updated", 5, &role("role_a", "org:boss", 5, &[REPORTS])).await;
    assert!(!test.may("user_ada", "org_a", REPORTS).await);
    test.is_exact().await;
    test.applies("role.deleted", 6, &deleted("role_a", "role")).await;
    test.is_exact().await;
}

#[tokio::test]
async fn whoever_is_gone_may_nothing() {
    let test = Test::start().await;
    test.applies("role.created", 1, &role("role_a", "org:admin", 1, &[INVOICES])).await;
    for organization in ["org_a", "org_b"] {
        let data = membership(&format!("orgmem_{organization}"), organization, "user_ada", 1, "org:admin");
        test.applies("organizationMembership.created", 1, &data).await;
    }
    test.applies("organization.deleted", 2, &deleted("org_b", "organization")).await;
    assert!(test.may("user_ada", "org_a", INVOICES).await);
    assert!(!test.may("user_ada", "org_b", INVOICES).await);
    let mut banned = user("user_ada", 3, "Ada");
    banned["banned"] = json!(true);
    test.applies("user.updated", 3, &banned).await;
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    banned["banned"] = json!(false);
    banned["updated_at"] = json!(DAY + 4);
    test.applies("user.updated", 4, &banned).await;
    assert!(test.may("user_ada", "org_a", INVOICES).await);
    test.applies("user.deleted", 5, &deleted("user_ada", "user")).await;
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    test.is_exact().await;
}

/// A user who left and came back has two memberships until the end of the first is known.
#[tokio::test]
async fn of_two_memberships_the_younger_counts_and_the_end_of_the_older_changes_nothing() {
    let test = Test::start().await;
    test.applies("organization.created", 1, &organization("org_a", 1, "Acme")).await;
    test.applies("role.created", 1, &role("role_a", "org:admin", 1, &[INVOICES])).await;
    test.applies("role.created", 1, &role("role_m", "org:member", 1, &[REPORTS])).await;
    test.applies("organizationMembership.created", 2, &membership("orgmem_1", "org_a", "user_ada", 2, "org:admin"))
        .await;
    let mut back = membership("orgmem_2", "org_a", "user_ada", 3, "org:member");
    back["created_at"] = json!(DAY + 3);
    test.applies("organizationMembership.created", 3, &back).await;
    assert!(test.may("user_ada", "org_a", REPORTS).await);
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    test.is_exact().await;
    test.applies("organizationMembership.deleted", 4, &deleted("orgmem_1", "organization_membership")).await;
    assert!(test.may("user_ada", "org_a", REPORTS).await);
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    test.is_exact().await;
}

/// Each does not see what the other has not committed, so one waits for the other; whichever is first.
#[tokio::test]
async fn a_role_and_a_membership_that_change_at_once_agree_afterwards() {
    const MEMBERSHIP: &str = "
        insert into clerk.organization_memberships
          (id, organization_id, user_id, role, permissions, clerk_updated_at, event_at, delivery_id, synced_at, source)
        values ('orgmem_1', 'org_a', 'user_ada', 'org:admin', '{org:old:read}', 1, 1, 'msg', now(), 'webhook')";
    const ROLE: &str = "
        insert into clerk.roles (id, key, permissions, clerk_updated_at, event_at, delivery_id, synced_at, source)
        values ('role_a', 'org:admin', '{org:reports:read}', 1, 1, 'msg', now(), 'webhook')";
    for (first, second) in [(MEMBERSHIP, ROLE), (ROLE, MEMBERSHIP)] {
        let test = Test::start().await;
        let mut one = test.database.owner.get().await.unwrap();
        let open = one.transaction().await.unwrap();
        open.batch_execute(first).await.unwrap();
        let other = test.database.owner.get().await.unwrap();
        let waiting = tokio::spawn(async move { other.batch_execute(second).await });
        let blocked =
            "select exists (select from pg_catalog.pg_locks where locktype = 'advisory' and not granted) as blocked";
        while test.value(blocked).await != json!([{ "blocked": true }]) {
            assert!(!waiting.is_finished(), "the second does not wait for the first");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        open.commit().await.unwrap();
        waiting.await.unwrap().unwrap();
        assert!(test.may("user_ada", "org_a", REPORTS).await);
        test.is_exact().await;
    }
}

/// Rows that somebody changes by hand count, too.
#[tokio::test]
async fn whoever_writes_the_mirror_keeps_the_cache() {
    let test = Test::start().await;
    test.applies("role.created", 1, &role("role_a", "org:admin", 1, &[INVOICES])).await;
    for name in ["ada", "ben", "cleo"] {
        let data = membership(&format!("orgmem_{name}"), "org_a", &format!("user_{name}"), 1, "org:admin");
        test.applies("organizationMembership.created", 1, &data).await;
    }
    test.execute("delete from clerk.organization_memberships where id = 'orgmem_ada'").await;
    assert!(!test.may("user_ada", "org_a", INVOICES).await);
    test.is_exact().await;
    test.execute("delete from clerk.roles").await;
    assert!(test.may("user_ben", "org_a", PROFILE).await, "what the membership says");
    test.is_exact().await;
    test.execute("truncate clerk.organization_memberships").await;
    assert!(!test.may("user_ben", "org_a", PROFILE).await);
    test.is_exact().await;
}

/// Triggers that were switched off leave rows of memberships that are gone. The next membership by that id is not refused for it.
#[tokio::test]
async fn a_row_that_was_left_behind_gives_way_to_a_new_membership() {
    let test = Test::start().await;
    test.applies("role.created", 1, &role("role_m", "org:member", 1, &[REPORTS])).await;
    test.applies("organizationMembership.created", 2, &membership("orgmem_1", "org_a", "user_ada", 2, "org:admin"))
        .await;
    test.execute(
        "alter table clerk.organization_memberships disable trigger hold_permissions_deleted;
         delete from clerk.organization_memberships where id = 'orgmem_1';
         alter table clerk.organization_memberships enable trigger hold_permissions_deleted",
    )
    .await;
    assert!(test.may("user_ada", "org_a", PROFILE).await, "the row is left behind");
    test.execute(
        "insert into clerk.organization_memberships
           (id, organization_id, user_id, role, permissions, clerk_updated_at, event_at, delivery_id, synced_at, source)
         values
           ('orgmem_1', 'org_a', 'user_ada', 'org:member', '{}', 3, 3, 'msg_1', now(), 'webhook'),
           ('orgmem_2', 'org_a', 'user_ben', 'org:guest', '{org:old:read}', 3, 3, 'msg_2', now(), 'webhook'),
           ('orgmem_3', 'org_a', 'user_cleo', null, null, 3, 3, 'msg_3', now(), 'webhook')",
    )
    .await;
    assert!(test.may("user_ada", "org_a", REPORTS).await);
    assert!(!test.may("user_ada", "org_a", PROFILE).await);
    assert!(test.may("user_ben", "org_a", "org:old:read").await);
    test.is_exact().await;
}
