//! How relations belong together.
//!
//! Foreign keys give many-to-one and one-to-one relationships. From these follow their inverses, the same between views that
//! pass the columns on, and many-to-many relationships over a table whose primary key holds two foreign keys. Functions from
//! a row to rows are relationships, too, and win over what was found by the same name.
//!
//! The order of relationships is part of the wire protocol: an ambiguity lists them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

use super::Table;
use super::view::{KeyInView, KeySide};
use crate::identifier::Qualified;

/// Pairs of a column here and a column there.
pub(crate) type ColumnPairs = Vec<(String, String)>;

/// All relationships by the relation they start from and the schema they lead to.
pub(crate) type Relationships = HashMap<(Qualified, String), Vec<Relationship>>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Relationship {
    Found(Found),
    Computed(Computed),
}

/// A relationship that follows from foreign keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) table: Qualified,
    pub(crate) foreign_table: Qualified,
    pub(crate) is_self: bool,
    pub(crate) cardinality: Cardinality,
    pub(crate) table_is_view: bool,
    pub(crate) foreign_table_is_view: bool,
}

/// A relationship that is a function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Computed {
    pub(crate) function: Qualified,
    pub(crate) table: Qualified,
    pub(crate) foreign_table: Qualified,
    pub(crate) to_one: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cardinality {
    OneToMany { constraint: String, columns: ColumnPairs },
    ManyToOne { constraint: String, columns: ColumnPairs },
    OneToOne { constraint: String, columns: ColumnPairs, is_parent: bool },
    ManyToMany(Junction),
}

/// The table between two others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Junction {
    pub(crate) table: Qualified,
    pub(crate) source_constraint: String,
    pub(crate) target_constraint: String,
    pub(crate) source_columns: ColumnPairs,
    pub(crate) target_columns: ColumnPairs,
}

impl Relationship {
    pub(crate) fn table(&self) -> &Qualified {
        match self {
            Self::Found(found) => &found.table,
            Self::Computed(computed) => &computed.table,
        }
    }

    pub(crate) fn foreign_table(&self) -> &Qualified {
        match self {
            Self::Found(found) => &found.foreign_table,
            Self::Computed(computed) => &computed.foreign_table,
        }
    }

    pub(crate) fn is_to_one(&self) -> bool {
        match self {
            Self::Found(found) => {
                matches!(found.cardinality, Cardinality::ManyToOne { .. } | Cardinality::OneToOne { .. })
            }
            Self::Computed(computed) => computed.to_one,
        }
    }
}

impl Cardinality {
    /// The foreign key's name and columns, unless there is a table between.
    pub(crate) fn direct(&self) -> Option<(&str, &ColumnPairs)> {
        match self {
            Self::OneToMany { constraint, columns }
            | Self::ManyToOne { constraint, columns }
            | Self::OneToOne { constraint, columns, .. } => Some((constraint, columns)),
            Self::ManyToMany(_) => None,
        }
    }
}

/// A foreign key as Postgres has it.
#[derive(Debug, Deserialize)]
pub(super) struct ForeignKey {
    table: Qualified,
    foreign_table: Qualified,
    constraint: String,
    columns: ColumnPairs,
    one_to_one: bool,
}

impl From<ForeignKey> for Found {
    fn from(key: ForeignKey) -> Self {
        let (constraint, columns) = (key.constraint, key.columns);
        let cardinality = if key.one_to_one {
            Cardinality::OneToOne { constraint, columns, is_parent: false }
        } else {
            Cardinality::ManyToOne { constraint, columns }
        };
        Self {
            is_self: key.table == key.foreign_table,
            table: key.table,
            foreign_table: key.foreign_table,
            cardinality,
            table_is_view: false,
            foreign_table_is_view: false,
        }
    }
}

/// Everything that follows from the foreign keys, the views and the functions, as far as `schemas` show it.
pub(super) fn relationships(
    keys: Vec<ForeignKey>,
    computed: Vec<Computed>,
    in_views: &[KeyInView],
    tables: &HashMap<Qualified, Table>,
    schemas: &[String],
) -> Relationships {
    let mut found: Vec<Found> = keys.into_iter().map(Found::from).collect();
    let through_views: Vec<Found> = found.iter().flat_map(|one| through_views(one, in_views)).collect();
    found.extend(through_views);
    let junctions = many_to_many(&found, tables);
    found.extend(junctions);
    let inverses: Vec<Found> = found.iter().filter_map(inverse).collect();
    found.extend(inverses);

    let mut by_pair: BTreeMap<(Qualified, Qualified), Vec<Relationship>> = BTreeMap::new();
    for relationship in found {
        let pair = (relationship.table.clone(), relationship.foreign_table.clone());
        by_pair.entry(pair).or_default().push(Relationship::Found(relationship));
    }
    for relationship in computed {
        // Under its own name a function replaces what was found.
        let pair = (relationship.table.clone(), relationship.function.clone());
        by_pair.insert(pair, vec![Relationship::Computed(relationship)]);
    }
    let shown = |schema: &String| schemas.contains(schema);
    let mut all = Relationships::new();
    for ((table, target), relationships) in by_pair {
        if !shown(&table.schema) {
            continue;
        }
        let relationships = relationships.into_iter().filter(|relationship| {
            let junction_is_hidden = matches!(
                relationship,
                Relationship::Found(Found { cardinality: Cardinality::ManyToMany(junction), .. })
                    if !shown(&junction.table.schema)
            );
            shown(&relationship.foreign_table().schema) && !junction_is_hidden
        });
        all.entry((table, target.schema)).or_default().extend(relationships);
    }
    for relationships in all.values_mut() {
        relationships.sort();
    }
    all
}

fn inverse(of: &Found) -> Option<Found> {
    let swapped = |columns: &ColumnPairs| columns.iter().map(|(one, two)| (two.clone(), one.clone())).collect();
    let cardinality = match &of.cardinality {
        Cardinality::ManyToOne { constraint, columns } => {
            Cardinality::OneToMany { constraint: constraint.clone(), columns: swapped(columns) }
        }
        Cardinality::OneToOne { constraint, columns, is_parent } => {
            Cardinality::OneToOne { constraint: constraint.clone(), columns: swapped(columns), is_parent: !is_parent }
        }
        Cardinality::OneToMany { .. } | Cardinality::ManyToMany(_) => return None,
    };
    Some(Found {
        table: of.foreign_table.clone(),
        foreign_table: of.table.clone(),
        is_self: of.is_self,
        cardinality,
        table_is_view: of.foreign_table_is_view,
        foreign_table_is_view: of.table_is_view,
    })
}

/// Two different foreign keys of one table, both within its primary key, join what they refer to.
fn many_to_many(found: &[Found], tables: &HashMap<Qualified, Table>) -> Vec<Found> {
    let mut by_table: HashMap<&Qualified, Vec<(&Found, &String, &ColumnPairs)>> = HashMap::new();
    for one in found {
        if let Cardinality::ManyToOne { constraint, columns } = &one.cardinality {
            by_table.entry(&one.table).or_default().push((one, constraint, columns));
        }
    }
    let swapped = |columns: &ColumnPairs| columns.iter().map(|(one, two)| (two.clone(), one.clone())).collect();
    let mut all = Vec::new();
    for (table, keys) in by_table {
        let Some(primary) = tables.get(table).map(|table| table.primary_key.iter().collect::<BTreeSet<_>>()) else {
            continue;
        };
        // Only keys within the primary key can take part: a table with hundreds of others costs nothing.
        let keys: Vec<_> =
            keys.into_iter().filter(|(_, _, columns)| columns.iter().all(|(own, _)| primary.contains(own))).collect();
        for (source, source_constraint, source_columns) in &keys {
            for (target, target_constraint, target_columns) in &keys {
                if source_constraint == target_constraint {
                    continue;
                }
                all.push(Found {
                    table: source.foreign_table.clone(),
                    foreign_table: target.foreign_table.clone(),
                    is_self: source.foreign_table == target.foreign_table,
                    cardinality: Cardinality::ManyToMany(Junction {
                        table: table.clone(),
                        source_constraint: (*source_constraint).clone(),
                        target_constraint: (*target_constraint).clone(),
                        source_columns: swapped(source_columns),
                        target_columns: swapped(target_columns),
                    }),
                    table_is_view: source.foreign_table_is_view,
                    foreign_table_is_view: target.foreign_table_is_view,
                });
            }
        }
    }
    all
}

/// The same relationship between a view and a table, a table and a view, and two views.
fn through_views(found: &Found, in_views: &[KeyInView]) -> Vec<Found> {
    let Some((constraint, columns)) = found.cardinality.direct() else { return Vec::new() };
    let one_to_one = matches!(found.cardinality, Cardinality::OneToOne { .. });
    let named = |side: KeySide, table: &Qualified| -> Vec<(Qualified, Vec<String>)> {
        in_views
            .iter()
            .filter(|key| key.side == side && key.constraint == constraint && key.table == *table)
            .flat_map(|key| key.choices().into_iter().map(|columns| (key.view.clone(), columns)))
            .collect()
    };
    let own = named(KeySide::Foreign, &found.table);
    let other = named(KeySide::Referenced, &found.foreign_table);
    let with = |columns: ColumnPairs| {
        let constraint = constraint.to_owned();
        if one_to_one {
            Cardinality::OneToOne { constraint, columns, is_parent: false }
        } else {
            Cardinality::ManyToOne { constraint, columns }
        }
    };
    let own_columns = || columns.iter().map(|(own, _)| own.clone());
    let other_columns = || columns.iter().map(|(_, other)| other.clone());
    let mut all = Vec::new();
    for (view, names) in &own {
        all.push(Found {
            table: view.clone(),
            foreign_table: found.foreign_table.clone(),
            is_self: false,
            cardinality: with(names.iter().cloned().zip(other_columns()).collect()),
            table_is_view: true,
            foreign_table_is_view: false,
        });
    }
    for (view, names) in &other {
        all.push(Found {
            table: found.table.clone(),
            foreign_table: view.clone(),
            is_self: false,
            cardinality: with(own_columns().zip(names.iter().cloned()).collect()),
            table_is_view: false,
            foreign_table_is_view: true,
        });
    }
    for (one, one_names) in &own {
        for (two, two_names) in &other {
            all.push(Found {
                table: one.clone(),
                foreign_table: two.clone(),
                is_self: one == two,
                cardinality: with(one_names.iter().cloned().zip(two_names.iter().cloned()).collect()),
                table_is_view: true,
                foreign_table_is_view: true,
            });
        }
    }
    all
}
