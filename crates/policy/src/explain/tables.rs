//! One table that is read: every policy for reading, over every row.

use postgres::{Error, Rehearsal, RequestContext};
use tokens::Principal;

use super::judge::{judge, open, using};
use super::{Judgement, TableExplanation};
use crate::catalogue::Relation;

pub(super) async fn explain(
    rehearsal: &Rehearsal,
    principal: &Principal,
    relation: &Relation,
) -> Result<TableExplanation, Error> {
    let role = principal.role();
    let granted = relation.has_grant(role, "select");
    rehearsal.mark().await?;
    open(rehearsal, relation, role, "true").await?;
    rehearsal.act_as(principal, &RequestContext::default()).await?;
    let Judgement { total, let_in, passed, policies, rows, .. } =
        judge(rehearsal, relation, role, &[using(relation, "select")], None).await?;
    rehearsal.undo().await?;
    let (let_in, visible) = if granted { (let_in, passed) } else { (0, 0) };
    Ok(TableExplanation {
        table: relation.table_name().to_string(),
        row_security: relation.row_security,
        granted,
        total,
        let_in,
        visible,
        policies,
        rows,
    })
}
