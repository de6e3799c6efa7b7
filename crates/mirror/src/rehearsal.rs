//! What a replay would do: done for real, looked at, and taken back.
//!
//! The delivery is applied in a transaction that is rolled back, so what is shown is not a guess at the rules but what they
//! did. The rehearsal holds the same locks as a replay for as long as it takes; nothing is counted or logged, because what it
//! shows is personal data and belongs to whoever asked.

use clerk::DeliveryId;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::batch::attempt;
use crate::change::Change;
use crate::inbox;
use crate::loan::Loan;
use crate::mirror::UNSETTLED;
use crate::projection::{self, Patience, Start};
use crate::reading::Reading;
use crate::{Mirror, MirrorError, ObjectKind, Outcome};

/// Columns that say when Rowlock wrote the row, and nothing about the object.
const OWN: [&str; 1] = ["synced_at"];

/// What a replay would do.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// The event's type, when the body says one.
    pub event_type: Option<String>,
    /// What would become of the delivery.
    pub outcome: Outcome,
    /// The row that it is about: table and id.
    pub row: Option<(&'static str, String)>,
    /// Whether that row is there now.
    pub exists: bool,
    /// How the row would differ, column by column; JSON member by member.
    pub differences: Vec<Difference>,
    /// Rows that would be buried with it, by table.
    pub buried_with_it: Vec<(&'static str, i64)>,
    /// Rows that would be made of an id alone, because the object names them: table and id.
    pub stubs: Vec<(&'static str, String)>,
}

/// One value of a row that would differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The column; within JSON followed by the members' names, as in `raw.first_name`.
    pub place: String,
    /// What is there now; null when nothing is.
    pub before: Value,
    /// What would be there.
    pub after: Value,
}

impl Mirror {
    /// Replays a failed, dead or kept delivery and takes it back.
    ///
    /// # Errors
    /// As [`replay`](Self::replay).
    pub async fn rehearse(&self, id: &DeliveryId) -> Result<Rehearsal, MirrorError> {
        let loan = Loan::of(&self.pool).await?;
        loan.batch_execute("begin isolation level read committed").await?;
        let unsettled = loan.prepare_cached(UNSETTLED).await?;
        let row = loan.query_opt(&unsettled, &[&id.as_str()]).await?;
        let Some((delivery, attempts)) = row.as_ref().and_then(inbox::delivery) else {
            loan.batch_execute("rollback").await?;
            loan.give_back();
            return Err(self.why_not_waiting(id).await?);
        };
        let reading = Reading::of(&delivery);
        let rehearsal = match &reading.change {
            Err(reason) => Rehearsal::of_nothing(reading.event_type, Outcome::Dead(reason.clone())),
            Ok(change) => rehearse(&loan, change, reading.event_type.clone(), attempts + 1).await?,
        };
        loan.batch_execute("rollback").await?;
        loan.give_back();
        Ok(rehearsal)
    }
}

impl Rehearsal {
    fn of_nothing(event_type: Option<String>, outcome: Outcome) -> Self {
        Self {
            event_type,
            outcome,
            row: None,
            exists: false,
            differences: Vec::new(),
            buried_with_it: Vec::new(),
            stubs: Vec::new(),
        }
    }
}

async fn rehearse(
    loan: &Loan,
    change: &Change,
    event_type: Option<String>,
    attempts: i32,
) -> Result<Rehearsal, MirrorError> {
    projection::begin(loan, &[change], Patience::Alone, Start::Within).await?;
    let Some((kind, id)) = change.object() else {
        return Ok(Rehearsal::of_nothing(event_type, attempt(loan, change, attempts).await?));
    };
    // Should Postgres refuse what follows, a table is not as it should be, and the replay would say so, too.
    let before = row(loan, kind, id).await;
    let Ok(before) = before else {
        loan.batch_execute("rollback; begin").await?;
        projection::begin(loan, &[change], Patience::Alone, Start::Within).await?;
        return Ok(Rehearsal::of_nothing(event_type, attempt(loan, change, attempts).await?));
    };
    let children = children(loan, change).await?;
    let missing = missing_parents(loan, change).await?;
    let outcome = attempt(loan, change, attempts).await?;
    let after = row(loan, kind, id).await?;
    let left = self::children(loan, change).await?;
    let still_missing = missing_parents(loan, change).await?;
    let buried = children.into_iter().zip(left).map(|((table, before), (_, after))| (table, before - after));
    Ok(Rehearsal {
        event_type,
        outcome,
        row: Some((kind.table(), id.to_owned())),
        exists: before.is_some(),
        differences: differences(before.as_ref(), after.as_ref()),
        buried_with_it: buried.filter(|(_, rows)| *rows > 0).collect(),
        stubs: missing.into_iter().filter(|stub| !still_missing.contains(stub)).collect(),
    })
}

async fn row(loan: &Loan, kind: ObjectKind, id: &str) -> Result<Option<Value>, tokio_postgres::Error> {
    let statement = format!("select to_jsonb(mirrored) from clerk.{} as mirrored where id = $1", kind.table());
    let statement = loan.prepare_cached(&statement).await?;
    Ok(loan.query_opt(&statement, &[&id]).await?.map(|row| row.get(0)))
}

/// How many live rows belong to the object whose end this is, by table.
async fn children(loan: &Loan, change: &Change) -> Result<Vec<(&'static str, i64)>, tokio_postgres::Error> {
    let Change::End(end) = change else { return Ok(Vec::new()) };
    let mut counts = Vec::new();
    for child in ObjectKind::ALL {
        for parent in child.layout().parents.iter().filter(|parent| parent.of == end.kind) {
            let table = child.table();
            let statement =
                format!("select count(*) from clerk.{table} where {} = $1 and deleted_at is null", parent.name);
            let statement = loan.prepare_cached(&statement).await?;
            counts.push((table, loan.query_one(&statement, &[&end.id]).await?.get(0)));
        }
    }
    Ok(counts)
}

/// Which rows the object names that are not there.
async fn missing_parents(loan: &Loan, change: &Change) -> Result<Vec<(&'static str, String)>, tokio_postgres::Error> {
    let Change::State(state) = change else { return Ok(Vec::new()) };
    let mut missing = Vec::new();
    for stub in &state.row.stubs {
        if row(loan, stub.kind, &stub.id).await?.is_none() {
            missing.push((stub.kind.table(), stub.id.clone()));
        }
    }
    Ok(missing)
}

/// How two rows differ, in the order of their columns.
fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    let (before, after) = (before.and_then(Value::as_object), after.and_then(Value::as_object));
    compare_members("", before, after, &mut found);
    found.retain(|difference| !OWN.contains(&difference.place.as_str()));
    found
}

fn compare_members(
    prefix: &str,
    before: Option<&Map<String, Value>>,
    after: Option<&Map<String, Value>>,
    found: &mut Vec<Difference>,
) {
    let names = |map: Option<&Map<String, Value>>| map.into_iter().flat_map(Map::keys).cloned().collect::<Vec<_>>();
    let mut places = names(before);
    places.extend(names(after).into_iter().filter(|name| before.is_none_or(|before| !before.contains_key(name))));
    for name in places {
        let value =
            |map: Option<&Map<String, Value>>| map.and_then(|map| map.get(&name)).cloned().unwrap_or(Value::Null);
        compare(format!("{prefix}{name}"), value(before), value(after), found);
    }
}

fn compare(place: String, before: Value, after: Value, found: &mut Vec<Difference>) {
    match (&before, &after) {
        (Value::Object(before), Value::Object(after)) => {
            compare_members(&format!("{place}."), Some(before), Some(after), found);
        }
        (Value::Array(these), Value::Array(those)) if these.len() == those.len() => {
            for (number, (before, after)) in these.iter().zip(those).enumerate() {
                compare(format!("{place}[{number}]"), before.clone(), after.clone(), found);
            }
        }
        _ if before == after => {}
        _ => found.push(Difference { place, before, after }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(before: &Value, after: &Value) -> Vec<String> {
        differences(Some(before), Some(after)).into_iter().map(|difference| difference.place).collect()
    }

    #[test]
    fn json_is_compared_member_by_member() {
        let before = json!({ "id": 1, "synced_at": 1, "raw": { "a": { "b": [1, { "c": 2 }] }, "gone": true } });
        let after =
            json!({ "id": 1, "synced_at": 2, "raw": { "a": { "b": [1, { "c": 3 }] }, "new": null, "more": 1 } });
        assert_eq!(places(&before, &after), ["raw.a.b[1].c", "raw.gone", "raw.more"]);
    }

    #[test]
    fn lists_of_other_lengths_differ_as_wholes() {
        assert_eq!(places(&json!({ "a": [1, 2] }), &json!({ "a": [1] })), ["a"]);
        assert_eq!(places(&json!({ "a": null }), &json!({ "a": {} })), ["a"]);
    }

    #[test]
    fn a_row_that_is_made_differs_in_all_that_it_has() {
        let after = json!({ "id": "user_1", "username": null, "raw": { "id": "user_1" } });
        let found = differences(None, Some(&after));
        assert_eq!(found.iter().map(|difference| difference.place.as_str()).collect::<Vec<_>>(), ["id", "raw"]);
    }
}
