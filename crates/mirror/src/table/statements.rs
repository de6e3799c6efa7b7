//! The statements of one table, made of its declaration. Each takes any number of rows, every value as an array of texts.
//!
//! They are the same for every table but for the names. Names come from declarations in this crate alone, never from data.
//! Rows are written in the order of their ids, so that two transactions meet in the same order.
//!
//! A session plans each of them once, maybe when the table is nearly empty, and keeps the plan. So they are written in a way that
//! leaves the planner no choice: `lateral … offset 0` and `= any ($1)` find rows by an index, and nothing else.

use std::sync::LazyLock;

use super::{Table, Type};
use crate::ObjectKind;

/// What can be done to one table.
#[derive(Debug)]
pub(crate) struct Statements {
    /// Writes states: ids, parents, values, raw, updated_at, event_at, delivery ids; source. Returns the ids that it wrote.
    pub(crate) upsert: String,
    /// Writes tombstones: ids, parents, event_at, delivery ids; source. Returns the ids that it wrote.
    pub(crate) bury: String,
    /// Fills in the parents of tombstones that were made of an id alone: ids, parents.
    pub(crate) recall_parents: String,
    /// Buries those of these ids whose parent is gone. Returns the ids that it wrote.
    pub(crate) bury_orphans: String,
    /// For each parent: buries what belongs to these: ids, event_at, delivery ids; source.
    pub(crate) bury_children: Vec<(ObjectKind, String)>,
}

static ALL: LazyLock<Vec<Statements>> =
    LazyLock::new(|| ObjectKind::ALL.iter().map(|kind| Statements::of(kind.layout())).collect());

/// The moment of an end, from the event's milliseconds, within what Postgres can hold and people can mean.
const DELETED_AT: &str = "to_timestamp(least(greatest(event_at, 0), 253402300799999) / 1000.0)";

impl ObjectKind {
    pub(crate) fn statements(self) -> &'static Statements {
        &ALL[self as usize]
    }
}

impl Statements {
    fn of(table: &Table) -> Self {
        Self {
            upsert: upsert(table),
            bury: bury(table),
            recall_parents: recall_parents(table),
            bury_orphans: bury_orphans(table),
            bury_children: table.parents.iter().map(|parent| (parent.of, bury_children(table, parent.name))).collect(),
        }
    }

    /// Every statement that is used, for the tests that have Postgres read them.
    #[cfg(test)]
    fn texts(&self) -> Vec<&str> {
        let mut texts = vec![self.upsert.as_str(), &self.bury];
        if !self.bury_children.is_empty() {
            texts.extend([self.recall_parents.as_str(), &self.bury_orphans]);
            texts.extend(self.bury_children.iter().map(|(_, statement)| statement.as_str()));
        }
        texts
    }
}

impl Type {
    /// A text as a value of the column.
    pub(super) fn cast(self, name: &str) -> String {
        match self {
            Self::Text => name.to_owned(),
            Self::Texts => format!("{name}::text[]"),
            Self::Boolean => format!("{name}::boolean"),
            Self::Number => format!("{name}::bigint"),
            Self::Moment => format!("to_timestamp({name}::double precision / 1000)"),
            Self::Json => format!("{name}::jsonb"),
        }
    }
}

fn upsert(table: &Table) -> String {
    let (name, word) = (table.kind.table(), table.kind.word());
    let parents: Vec<&str> = table.parents.iter().map(|parent| parent.name).collect();
    let columns: Vec<&str> = parents.iter().copied().chain(table.columns.iter().map(|column| column.name)).collect();
    let texts = columns.len() + 2;
    let version = ["clerk_updated_at", "event_at", "delivery_id"];
    let parameters = (1..=texts)
        .map(|number| format!("${number}::text[]"))
        .chain([format!("${}::bigint[]", texts + 1), format!("${}::bigint[]", texts + 2)])
        .chain([format!("${}::text[]", texts + 3)]);
    let source = texts + 4;
    let values = parents
        .iter()
        .map(|parent| (*parent).to_owned())
        .chain(table.columns.iter().map(|column| column.sql.cast(column.name)));
    let updates = table.columns.iter().map(|column| match (column.name, column.lasting) {
        (name, false) => format!("{name} = excluded.{name}"),
        (name, true) => format!("{name} = coalesce(excluded.{name}, mirrored.{name})"),
    });
    let whole = if table.may_be_stub { ", stub = false" } else { "" };
    let unless_stub = if table.may_be_stub { "\n    and not mirrored.stub" } else { "" };
    format!(
        "with incoming as (
  select *
  from unnest({parameters})
    as object (id, {columns}, raw, {version})
),
ties as (
  insert into rowlock.inquiries (object, object_id, cause)
  select '{word}', incoming.id, 'tie'
  from incoming
  cross join lateral (
    select *
    from clerk.{name} as mirrored
    where mirrored.id = incoming.id
    offset 0
  ) as mirrored
  where mirrored.deleted_at is null{unless_stub}
    and mirrored.clerk_updated_at = incoming.clerk_updated_at
    and mirrored.event_at = incoming.event_at
    and mirrored.delivery_id <> incoming.delivery_id
    and mirrored.raw is distinct from incoming.raw::jsonb
  on conflict (object, object_id) do update set
    cause = 'tie', noticed_at = now(), attempts = 0, next_attempt_at = now(), reason = null
)
insert into clerk.{name} as mirrored (
  id, {columns}, raw, {version}, source, synced_at
)
select
  id, {values}, raw::jsonb, {version}, ${source}, now()
from incoming
order by id
on conflict (id) do update set
  {updates}, raw = excluded.raw,
  clerk_updated_at = excluded.clerk_updated_at, event_at = excluded.event_at, delivery_id = excluded.delivery_id,
  source = excluded.source, synced_at = excluded.synced_at{whole}
where mirrored.deleted_at is null
  and (mirrored.clerk_updated_at, mirrored.event_at, mirrored.delivery_id)
    < (excluded.clerk_updated_at, excluded.event_at, excluded.delivery_id)
returning id",
        parameters = list(parameters),
        columns = list(columns.iter().copied()),
        version = version.join(", "),
        values = list(values),
        updates = list(parents.iter().map(|parent| format!("{parent} = excluded.{parent}")).chain(updates)),
    )
}

fn bury(table: &Table) -> String {
    let name = table.kind.table();
    let parents: Vec<&str> = table.parents.iter().map(|parent| parent.name).collect();
    let texts = parents.len() + 1;
    let parameters = (1..=texts)
        .map(|number| format!("${number}::text[]"))
        .chain([format!("${}::bigint[]", texts + 1), format!("${}::text[]", texts + 2)]);
    let with_parents: String = parents.iter().map(|parent| format!(", {parent}")).collect();
    let recalled: String =
        parents.iter().map(|parent| format!(", {parent} = coalesce(mirrored.{parent}, excluded.{parent})")).collect();
    format!(
        "insert into clerk.{name} as mirrored (
  id{with_parents}, clerk_updated_at, event_at, delivery_id, source, deleted_at, synced_at
)
select id{with_parents}, 0, event_at, delivery_id, ${source}, {DELETED_AT}, now()
from unnest({parameters})
  as ended (id{with_parents}, event_at, delivery_id)
order by id
on conflict (id) do update set
  {nothing}{recalled}, clerk_updated_at = 0, event_at = excluded.event_at,
  delivery_id = excluded.delivery_id, source = excluded.source, deleted_at = excluded.deleted_at,
  synced_at = excluded.synced_at
where mirrored.deleted_at is null
  or (excluded.event_at, excluded.delivery_id) < (mirrored.event_at, mirrored.delivery_id)
returning id",
        parameters = list(parameters),
        source = texts + 3,
        nothing = nothing(table),
    )
}

/// What a tombstone holds about the object: nothing.
fn nothing(table: &Table) -> String {
    let stub = table.may_be_stub.then(|| "stub = false".to_owned());
    let names = table.columns.iter().map(|column| column.name).chain(["raw"]);
    list(names.map(|name| format!("{name} = null")).chain(stub))
}

fn recall_parents(table: &Table) -> String {
    let name = table.kind.table();
    let parents: Vec<&str> = table.parents.iter().map(|parent| parent.name).collect();
    let parameters = (1..=parents.len() + 1).map(|number| format!("${number}::text[]"));
    let with_parents: String = parents.iter().map(|parent| format!(", {parent}")).collect();
    format!(
        "update clerk.{name} as mirrored
set {recalled}
from unnest({parameters}) as known (id{with_parents})
where mirrored.id = any ($1::text[]) and mirrored.id = known.id and mirrored.deleted_at is not null and ({unknown})",
        recalled = list(parents.iter().map(|parent| format!("{parent} = coalesce(mirrored.{parent}, known.{parent})"))),
        parameters = list(parameters),
        unknown = parents.iter().map(|parent| format!("mirrored.{parent} is null")).collect::<Vec<_>>().join(" or "),
    )
}

fn bury_orphans(table: &Table) -> String {
    let name = table.kind.table();
    let gone = table.parents.iter().map(|parent| {
        format!(
            "  select child.id, parent.event_at, parent.delivery_id, parent.deleted_at, parent.source
  from clerk.{name} as child
  cross join lateral (
    select *
    from clerk.{of} as parent
    where parent.id = child.{column}
    offset 0
  ) as parent
  where child.id = any ($1::text[]) and parent.deleted_at is not null
",
            of = parent.of.table(),
            column = parent.name,
        )
    });
    format!(
        "with gone as (
{gone}),
first as (
  select distinct on (id) * from gone order by id, event_at, delivery_id
)
update clerk.{name} as mirrored
set
  {nothing}, clerk_updated_at = 0, event_at = first.event_at, delivery_id = first.delivery_id,
  source = first.source, deleted_at = first.deleted_at, synced_at = now()
from first
where mirrored.id = any ($1::text[])
  and mirrored.id = first.id
  and (mirrored.deleted_at is null or (first.event_at, first.delivery_id) < (mirrored.event_at, mirrored.delivery_id))
returning mirrored.id",
        gone = gone.collect::<Vec<_>>().join("  union all\n"),
        nothing = nothing(table),
    )
}

fn bury_children(table: &Table, parent: &str) -> String {
    let name = table.kind.table();
    format!(
        "update clerk.{name} as mirrored
set
  {nothing}, clerk_updated_at = 0, event_at = ended.event_at, delivery_id = ended.delivery_id, source = $4,
  deleted_at = {DELETED_AT_OF_ENDED}, synced_at = now()
from unnest($1::text[], $2::bigint[], $3::text[]) as ended (id, event_at, delivery_id)
where mirrored.{parent} = any ($1::text[])
  and mirrored.{parent} = ended.id
  and (mirrored.deleted_at is null or (ended.event_at, ended.delivery_id) < (mirrored.event_at, mirrored.delivery_id))",
        nothing = nothing(table),
    )
}

/// As [`DELETED_AT`], where the mirrored row has an `event_at`, too.
const DELETED_AT_OF_ENDED: &str = "to_timestamp(least(greatest(ended.event_at, 0), 253402300799999) / 1000.0)";

fn list(names: impl IntoIterator<Item = impl Into<String>>) -> String {
    names.into_iter().map(Into::into).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use postgres::testing::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn tables_have_the_columns_that_are_declared() {
        let database = TestDatabase::create().await;
        let connection = database.owner.get().await.unwrap();
        for kind in ObjectKind::ALL {
            let of_table = "select column_name::text from information_schema.columns where table_schema = 'clerk' and table_name = $1";
            let rows = connection.query(of_table, &[&kind.table()]).await.unwrap();
            let found: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
            let table = kind.layout();
            let declared =
                table.parents.iter().map(|parent| parent.name).chain(table.columns.iter().map(|column| column.name));
            let same =
                ["id", "raw", "clerk_updated_at", "event_at", "delivery_id", "deleted_at", "synced_at", "source"];
            let stub = table.may_be_stub.then_some("stub");
            let declared: BTreeSet<String> = declared.chain(same).chain(stub).map(str::to_owned).collect();
            assert_eq!(found, declared, "clerk.{}", kind.table());
        }
    }

    /// A plan is made once and kept, and a good one for an empty table, or for one of thirty rows, reads all of it.
    #[tokio::test]
    async fn every_statement_finds_its_rows_by_an_index_however_small_its_tables_were() {
        let database = TestDatabase::create().await;
        let connection = database.owner.get().await.unwrap();
        let own = ObjectKind::ALL.iter().flat_map(|kind| kind.statements().texts());
        let stubs = [
            include_str!("../../../../sql/mirror/stub_users.sql"),
            include_str!("../../../../sql/mirror/stub_organizations.sql"),
        ];
        let statements: Vec<&str> = own.chain(stubs).collect();
        for rows in [0, 1, 3, 30] {
            for kind in ObjectKind::ALL {
                let fill = format!(
                    "truncate clerk.{0};
                     insert into clerk.{0} (id, raw, clerk_updated_at, event_at, delivery_id, source, synced_at)
                     select 'id_' || n, '{{}}', 0, 0, 'msg_' || n, 'backfill', now() from generate_series(1, {rows}) as n;
                     analyze clerk.{0}",
                    kind.table()
                );
                connection.batch_execute(&fill).await.unwrap();
            }
            connection.batch_execute("begin").await.unwrap();
            connection.query(include_str!("../../../../sql/mirror/open.sql"), &[&"5s"]).await.unwrap();
            for statement in &statements {
                let parameters = connection.prepare(statement).await.unwrap().params().len();
                connection.batch_execute(&format!("prepare look as {statement}")).await.unwrap();
                let nulls = vec!["null"; parameters].join(", ");
                let plan =
                    connection.query(&format!("explain (format json) execute look({nulls})"), &[]).await.unwrap();
                let plan: serde_json::Value = plan[0].get(0);
                assert_eq!(whole_tables(&plan), Vec::<String>::new(), "{rows} rows: {statement}\n{plan:#}");
                connection.batch_execute("deallocate look").await.unwrap();
            }
            connection.batch_execute("rollback").await.unwrap();
        }
    }

    /// Scans of a table that look at every row of it.
    fn whole_tables(plan: &serde_json::Value) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(node) = plan.as_object() {
            let kind = node.get("Node Type").and_then(serde_json::Value::as_str).unwrap_or_default();
            let scans = node.contains_key("Relation Name") && kind.ends_with("Scan") && kind != "Bitmap Heap Scan";
            let by_index = node.contains_key("Index Cond");
            if (scans || kind == "Bitmap Index Scan") && !by_index {
                found.push(kind.to_owned());
            }
            found.extend(node.values().flat_map(whole_tables));
        }
        found.extend(plan.as_array().into_iter().flatten().flat_map(whole_tables));
        found
    }

    #[test]
    fn a_table_is_written_like_this() {
        let statements = ObjectKind::OrganizationDomain.statements();
        insta::assert_snapshot!(statements.upsert, @"
        with incoming as (
          select *
          from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::text[])
            as object (id, organization_id, name, enrollment_mode, affiliation_email_address, verification_status, total_pending_invitations, total_pending_suggestions, created_at, raw, clerk_updated_at, event_at, delivery_id)
        ),
        ties as (
          insert into rowlock.inquiries (object, object_id, cause)
          select 'organization_domain', incoming.id, 'tie'
          from incoming
          cross join lateral (
            select *
            from clerk.organization_domains as mirrored
            where mirrored.id = incoming.id
            offset 0
          ) as mirrored
          where mirrored.deleted_at is null
            and mirrored.clerk_updated_at = incoming.clerk_updated_at
            and mirrored.event_at = incoming.event_at
            and mirrored.delivery_id <> incoming.delivery_id
            and mirrored.raw is distinct from incoming.raw::jsonb
          on conflict (object, object_id) do update set
            cause = 'tie', noticed_at = now(), attempts = 0, next_attempt_at = now(), reason = null
        )
        insert into clerk.organization_domains as mirrored (
          id, organization_id, name, enrollment_mode, affiliation_email_address, verification_status, total_pending_invitations, total_pending_suggestions, created_at, raw, clerk_updated_at, event_at, delivery_id, source, synced_at
        )
        select
          id, organization_id, name, enrollment_mode, affiliation_email_address, verification_status, total_pending_invitations::bigint, total_pending_suggestions::bigint, to_timestamp(created_at::double precision / 1000), raw::jsonb, clerk_updated_at, event_at, delivery_id, $14, now()
        from incoming
        order by id
        on conflict (id) do update set
          organization_id = excluded.organization_id, name = excluded.name, enrollment_mode = excluded.enrollment_mode, affiliation_email_address = excluded.affiliation_email_address, verification_status = excluded.verification_status, total_pending_invitations = excluded.total_pending_invitations, total_pending_suggestions = excluded.total_pending_suggestions, created_at = excluded.created_at, raw = excluded.raw,
          clerk_updated_at = excluded.clerk_updated_at, event_at = excluded.event_at, delivery_id = excluded.delivery_id,
          source = excluded.source, synced_at = excluded.synced_at
        where mirrored.deleted_at is null
          and (mirrored.clerk_updated_at, mirrored.event_at, mirrored.delivery_id)
            < (excluded.clerk_updated_at, excluded.event_at, excluded.delivery_id)
        returning id
        ");
        insta::assert_snapshot!(statements.bury, @"
        insert into clerk.organization_domains as mirrored (
          id, organization_id, clerk_updated_at, event_at, delivery_id, source, deleted_at, synced_at
        )
        select id, organization_id, 0, event_at, delivery_id, $5, to_timestamp(least(greatest(event_at, 0), 253402300799999) / 1000.0), now()
        from unnest($1::text[], $2::text[], $3::bigint[], $4::text[])
          as ended (id, organization_id, event_at, delivery_id)
        order by id
        on conflict (id) do update set
          name = null, enrollment_mode = null, affiliation_email_address = null, verification_status = null, total_pending_invitations = null, total_pending_suggestions = null, created_at = null, raw = null, organization_id = coalesce(mirrored.organization_id, excluded.organization_id), clerk_updated_at = 0, event_at = excluded.event_at,
          delivery_id = excluded.delivery_id, source = excluded.source, deleted_at = excluded.deleted_at,
          synced_at = excluded.synced_at
        where mirrored.deleted_at is null
          or (excluded.event_at, excluded.delivery_id) < (mirrored.event_at, mirrored.delivery_id)
        returning id
        ");
        insta::assert_snapshot!(statements.recall_parents, @"
        update clerk.organization_domains as mirrored
        set organization_id = coalesce(mirrored.organization_id, known.organization_id)
        from unnest($1::text[], $2::text[]) as known (id, organization_id)
        where mirrored.id = any ($1::text[]) and mirrored.id = known.id and mirrored.deleted_at is not null and (mirrored.organization_id is null)
        ");
        insta::assert_snapshot!(statements.bury_orphans, @"
        with gone as (
          select child.id, parent.event_at, parent.delivery_id, parent.deleted_at, parent.source
          from clerk.organization_domains as child
          cross join lateral (
            select *
            from clerk.organizations as parent
            where parent.id = child.organization_id
            offset 0
          ) as parent
          where child.id = any ($1::text[]) and parent.deleted_at is not null
        ),
        first as (
          select distinct on (id) * from gone order by id, event_at, delivery_id
        )
        update clerk.organization_domains as mirrored
        set
          name = null, enrollment_mode = null, affiliation_email_address = null, verification_status = null, total_pending_invitations = null, total_pending_suggestions = null, created_at = null, raw = null, clerk_updated_at = 0, event_at = first.event_at, delivery_id = first.delivery_id,
          source = first.source, deleted_at = first.deleted_at, synced_at = now()
        from first
        where mirrored.id = any ($1::text[])
          and mirrored.id = first.id
          and (mirrored.deleted_at is null or (first.event_at, first.delivery_id) < (mirrored.event_at, mirrored.delivery_id))
        returning mirrored.id
        ");
        insta::assert_snapshot!(statements.bury_children[0].1, @"
        update clerk.organization_domains as mirrored
        set
          name = null, enrollment_mode = null, affiliation_email_address = null, verification_status = null, total_pending_invitations = null, total_pending_suggestions = null, created_at = null, raw = null, clerk_updated_at = 0, event_at = ended.event_at, delivery_id = ended.delivery_id, source = $4,
          deleted_at = to_timestamp(least(greatest(ended.event_at, 0), 253402300799999) / 1000.0), synced_at = now()
        from unnest($1::text[], $2::bigint[], $3::text[]) as ended (id, event_at, delivery_id)
        where mirrored.organization_id = any ($1::text[])
          and mirrored.organization_id = ended.id
          and (mirrored.deleted_at is null or (ended.event_at, ended.delivery_id) < (mirrored.event_at, mirrored.delivery_id))
        ");
    }
}
