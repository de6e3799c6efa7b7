//! The statements that compare one table with what Clerk shows, made of its declaration like those that write it.

use std::sync::LazyLock;

use super::{Column, Table};
use crate::ObjectKind;

/// Columns that move at Clerk without the object's `updated_at`, and without an event: that they are behind is no drift.
const MOVES_ALONE: [&str; 5] =
    ["last_active_at", "last_sign_in_at", "members_count", "total_pending_invitations", "total_pending_suggestions"];

/// How one table is compared.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Remembers the ids of a page and tells which of its objects the mirror shows otherwise: ids, parents, values,
    /// updated_at. Returns id, kind of drift, and the moment (in milliseconds) since when it is so.
    pub(crate) page: String,
    /// Live rows that no page had: the id to begin behind, the moment the walk began; at most 100.
    pub(crate) unseen: String,
    /// How many of those there are, and how many live rows: the moment the walk began.
    pub(crate) count_unseen: String,
    /// Removes tombstones of these ids that were made before this moment.
    pub(crate) raise: String,
}

static ALL: LazyLock<Vec<Comparison>> =
    LazyLock::new(|| ObjectKind::ALL.iter().map(|kind| Comparison::of(kind.layout())).collect());

impl ObjectKind {
    pub(crate) fn comparison(self) -> &'static Comparison {
        &ALL[self as usize]
    }
}

impl Comparison {
    fn of(table: &Table) -> Self {
        let (name, word) = (table.kind.table(), table.kind.word());
        let unseen = format!(
            "deleted_at is null
  and synced_at < to_timestamp($1::bigint / 1000.0)
  and not exists (
    select from rowlock.seen where seen.object = '{word}' and seen.object_id = mirrored.id collate \"C\"
  )"
        );
        let parents: String = table.parents.iter().map(|parent| format!(", {}", parent.name)).collect();
        Self {
            page: page(table),
            unseen: format!(
                "select id{parents}
from clerk.{name} as mirrored
where {unseen}
  and id > $2
order by id
limit 100"
            ),
            count_unseen: format!(
                "select count(*) filter (where {unseen}), count(*)
from clerk.{name} as mirrored
where deleted_at is null"
            ),
            raise: format!(
                "delete from clerk.{name} where id = any($1::text[]) and deleted_at is not null and event_at < $2"
            ),
        }
    }
}

fn page(table: &Table) -> String {
    let (name, word) = (table.kind.table(), table.kind.word());
    let parents = || table.parents.iter().map(|parent| parent.name);
    let columns: Vec<&str> = parents().chain(table.columns.iter().map(|column| column.name)).collect();
    let parameters: Vec<String> = (1..=columns.len() + 1).map(|number| format!("${number}::text[]")).collect();
    let updated_at = columns.len() + 2;
    let different: Vec<String> = parents()
        .map(|parent| format!("mirrored.{parent} is distinct from shown.{parent}"))
        .chain(table.columns.iter().filter(|column| !MOVES_ALONE.contains(&column.name)).map(differs))
        .collect();
    let is_stub = if table.may_be_stub { "mirrored.stub" } else { "false" };
    format!(
        "with shown as (
  select * from unnest({parameters}, ${updated_at}::bigint[]) as object (id, {columns}, clerk_updated_at)
),
seen as (
  insert into rowlock.seen (object, object_id) select '{word}', id from shown on conflict do nothing
),
compared as (
  select
    shown.id,
    case
      when mirrored.id is null then 'missing'
      when mirrored.deleted_at is not null then 'buried'
      when {is_stub} or mirrored.clerk_updated_at < shown.clerk_updated_at then 'older'
      when mirrored.clerk_updated_at > shown.clerk_updated_at then 'ahead'
      when {different} then 'different'
    end as drift,
    coalesce(shown.created_at::bigint, shown.clerk_updated_at) as made,
    shown.clerk_updated_at as updated,
    mirrored.event_at as ended,
    (extract(epoch from mirrored.synced_at) * 1000)::bigint as synced
  from shown
  left join clerk.{name} as mirrored on mirrored.id = shown.id
)
select id, drift, case drift when 'missing' then made when 'older' then updated when 'buried' then ended else synced end
from compared
where drift is not null",
        parameters = parameters.join(", "),
        columns = columns.join(", "),
        different = different.join("\n        or "),
    )
}

/// A lasting value stays when an object does not repeat it.
fn differs(column: &Column) -> String {
    let Column { name, lasting, sql, .. } = column;
    let shown = sql.cast(&format!("shown.{name}"));
    let unless = if *lasting { format!(" and shown.{name} is not null") } else { String::new() };
    format!("(mirrored.{name} is distinct from {shown}{unless})")
}

#[cfg(test)]
mod tests {
    use postgres::testing::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn postgres_reads_every_statement() {
        let database = TestDatabase::create().await;
        let connection = database.owner.get().await.unwrap();
        for kind in ObjectKind::ALL {
            let Comparison { page, unseen, count_unseen, raise } = kind.comparison();
            for statement in [page, unseen, count_unseen, raise] {
                if let Err(error) = connection.prepare(statement).await {
                    panic!("{kind}: {error:?}\n{statement}");
                }
            }
        }
    }
}
