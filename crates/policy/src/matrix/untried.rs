//! Tables that clients reach and nobody declared: the blind spot of every test that goes by a list.

use postgres::{Error, Pool};

use super::Finding;
use crate::catalogue::{Catalogue, Relation};
use crate::lint::PLATFORM_SCHEMAS;
use crate::model::{Model, Role};

/// Says which tables clients hold a grant on that the declaration does not name; `allow = ["untried public.countries"]` says that one is meant.
///
/// # Errors
/// What Postgres said.
pub async fn untried(model: &Model, owner: &Pool) -> Result<Vec<Finding>, Error> {
    let catalogue = Catalogue::read(&owner.get().await?).await?;
    let own = |relation: &&Relation| {
        let schema = relation.schema.as_str();
        relation.is_table() && !matches!(schema, "clerk" | "rowlock") && !PLATFORM_SCHEMAS.contains(&schema)
    };
    let declared = |relation: &Relation| model.tables.iter().any(|table| table.name == relation.table_name());
    let meant = |relation: &Relation| {
        let allowed = format!("untried {}", relation.table_name());
        model.settings.allow.contains(&allowed)
    };
    let unknown = catalogue.relations.iter().filter(own).filter(|relation| !declared(relation) && !meant(relation));
    Ok(unknown.filter_map(|relation| reached(relation, &catalogue)).collect())
}

/// What clients may do to it, if anything.
fn reached(relation: &Relation, catalogue: &Catalogue) -> Option<Finding> {
    let may = [Role::Anonymous, Role::Authenticated].into_iter().filter_map(|role| {
        let usable =
            catalogue.schemas.get(&relation.schema).is_some_and(|roles| roles.iter().any(|own| own == role.as_str()));
        let commands: Vec<&str> = ["select", "insert", "update", "delete"]
            .into_iter()
            .filter(|command| usable && relation.has_grant(role.as_str(), command))
            .collect();
        (!commands.is_empty()).then(|| format!("{role} may {}", commands.join(", ")))
    });
    let may: Vec<String> = may.collect();
    (!may.is_empty()).then(|| Finding::Untried { what: format!("{}: {}", relation.table_name(), may.join("; ")) })
}
