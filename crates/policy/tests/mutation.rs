//! Whatever is taken away from the generated policies, or weakened, somebody notices: the linter, or the matrix.
//!
//! Each mutant is one change to a database that holds the small app. The linter is asked first, for it is quick; what it does not
//! see, personas must. The score is printed; a mutant that nobody notices fails the test.

use policy::catalogue::{Catalogue, Relation};
use policy::lint::{lint, render, sources_of};
use policy::matrix;
use policy::model::{Access, Condition, Model, PlannedPolicy, Table};
use policy::quote_name;
use postgres::testing::TestDatabase;

use crate::support::app::{DECLARATION, SCHEMA, STRICT_DECLARATION, STRICT_SCHEMA, declared, execute};

/// One change.
struct Mutant {
    what: String,
    statement: String,
}

fn mutant(what: impl Into<String>, statement: impl Into<String>) -> Mutant {
    Mutant { what: what.into(), statement: statement.into() }
}

fn alter(policy: &PlannedPolicy, table: &Table, using: Option<&str>, check: Option<&str>) -> String {
    let clause = |word: &str, text: Option<&str>| text.map(|text| format!(" {word} ({text})")).unwrap_or_default();
    format!(
        "alter policy {} on {}{}{}",
        quote_name(&policy.name),
        table.name,
        clause("using", using),
        clause("with check", check)
    )
}

/// The condition without each of its parts.
fn without_one_part(condition: &Condition) -> Vec<Condition> {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            let mut weaker = Vec::new();
            for place in 0..parts.len() {
                let mut rest = parts.clone();
                let removed = rest.remove(place);
                let make = |parts: Vec<Condition>| match condition {
                    Condition::All(_) => Condition::All(parts),
                    _ => Condition::Any(parts),
                };
                weaker.push(make(rest.clone()));
                for part in without_one_part(&removed) {
                    let mut parts = rest.clone();
                    parts.insert(place, part);
                    weaker.push(make(parts));
                }
            }
            weaker
        }
        Condition::Parent { condition: Some(_), foreign_key, parent, parent_key } => vec![Condition::Parent {
            condition: None,
            foreign_key: foreign_key.clone(),
            parent: parent.clone(),
            parent_key: parent_key.clone(),
        }],
        _ => Vec::new(),
    }
}

/// The condition, still there to look at, and without effect.
fn hollowed_out(text: &str) -> Vec<String> {
    let mut hollow =
        vec![format!("({text}) or true"), format!("coalesce(({text}), true)"), format!("({text}) is not false")];
    // `org_id = org_id`, `project_id in (select project_id from …)`: as if the other side had been forgotten.
    let word_before = |place: usize| {
        text[..place]
            .rsplit(|character: char| !character.is_alphanumeric() && character != '_')
            .next()
            .unwrap_or_default()
    };
    for question in [" = (select clerk.user_id())", " = (select clerk.org_id())"] {
        if let Some(place) = text.find(question) {
            hollow.push(text.replacen(question, &format!(" = {}", word_before(place)), 1));
        }
    }
    if let Some((place, (before, inside))) = text.find(" in (select ").zip(text.split_once(" in (select "))
        && let Some((_, rest)) = inside.split_once(" from ")
    {
        hollow.push(format!("{before} in (select {} from {rest}", word_before(place)));
    }
    hollow
}

fn mutants(model: &Model, table: &Table, relation: &Relation) -> Vec<Mutant> {
    let name = &table.name;
    let mut mutants = vec![mutant(
        format!("{name}: row-level security off"),
        format!("alter table {name} disable row level security"),
    )];
    let plan = model.plan(table);
    for policy in &plan.policies {
        let called = format!("{name}: policy {}", policy.name);
        let (using, check) =
            (policy.using.as_ref().map(ToString::to_string), policy.check.as_ref().map(ToString::to_string));
        mutants
            .push(mutant(format!("{called} dropped"), format!("drop policy {} on {name}", quote_name(&policy.name))));
        if policy.roles.len() == 1 {
            mutants.push(mutant(
                format!("{called} for everybody"),
                format!("alter policy {} on {name} to public", quote_name(&policy.name)),
            ));
        }
        if using.as_deref().is_some_and(|using| using != "true") {
            mutants.push(mutant(format!("{called} using (true)"), alter(policy, table, Some("true"), None)));
        }
        if check.is_some() {
            mutants.push(mutant(format!("{called} with check (true)"), alter(policy, table, None, Some("true"))));
        }
        // Unwrapped, the meaning is the same and the cost is not.
        // (A function that gives rows cannot stand bare.)
        let bare = |text: &str| {
            let kept = text.replace("array(select ", "array(\u{0}");
            kept.replace("(select clerk.", "(clerk.").replace('\u{0}', "select ")
        };
        let (bare_using, bare_check) = (using.as_deref().map(bare), check.as_deref().map(bare));
        if (&bare_using, &bare_check) != (&using, &check) {
            mutants.push(mutant(
                format!("{called} unwrapped"),
                alter(policy, table, bare_using.as_deref(), bare_check.as_deref()),
            ));
        }
        for (clause, condition) in [("using", &policy.using), ("with check", &policy.check)] {
            let text = condition.as_ref().map(ToString::to_string).filter(|text| text != "true");
            for hollow in text.iter().flat_map(|text| hollowed_out(text)) {
                let statement = if clause == "using" {
                    alter(policy, table, Some(&hollow), None)
                } else {
                    alter(policy, table, None, Some(&hollow))
                };
                mutants.push(mutant(format!("{called} {clause} ({hollow})"), statement));
            }
            for weaker in condition.iter().flat_map(without_one_part) {
                let text = weaker.to_string();
                let statement = if clause == "using" {
                    alter(policy, table, Some(&text), None)
                } else {
                    alter(policy, table, None, Some(&text))
                };
                mutants.push(mutant(format!("{called} {clause} ({text})"), statement));
            }
        }
    }
    for role in ["anon", "authenticated"] {
        for privilege in ["select", "insert", "update", "delete", "truncate"] {
            if relation.has_grant(role, privilege) {
                mutants.push(mutant(
                    format!("{name}: {privilege} revoked from {role}"),
                    format!("revoke {privilege} on {name} from {role}"),
                ));
            } else {
                mutants.push(mutant(
                    format!("{name}: {privilege} granted to {role}"),
                    format!("grant {privilege} on {name} to {role}"),
                ));
            }
        }
    }
    for index in &plan.indexes {
        // The primary key may serve as well; then the index is one too many, and taking it away changes nothing.
        let served = relation
            .indexes
            .iter()
            .any(|other| other.name != index.name && other.columns.first() == index.columns.first());
        if !served {
            mutants.push(mutant(
                format!("{name}: index {} dropped", index.name),
                format!("drop index {}.{}", quote_name(&name.schema), quote_name(&index.name)),
            ));
        }
    }
    mutants
}

/// Mutants that change neither access nor cost, and why.
fn why_unnoticed(what: &str) -> Option<&'static str> {
    const EQUIVALENT: &[(&str, &str)] = &[
        ("public.articles: index articles_author_idx dropped", "the index on org_id narrows down the same conditions"),
        (
            "public.handbooks: policy handbooks_update using (org_id = (select clerk.org_id()))",
            "with check asks for the permission, which is not the row's, so it asks the same of the row before",
        ),
        (
            "public.handbooks: policy handbooks_update with check (org_id = (select clerk.org_id()))",
            "using asks for the permission, which is not the row's, so it asks the same of the row afterwards",
        ),
    ];
    EQUIVALENT.iter().find(|(known, _)| *known == what).map(|(_, why)| *why)
}

/// The table with all above it and its children: what a change to it can be seen in.
fn family(model: &Model, table: &Table) -> Model {
    let parent_of = |child: &Table| match &child.access {
        Access::Child { parent, .. } => Some(parent.clone()),
        _ => None,
    };
    let mut names = vec![table.name.clone()];
    names.extend(
        model
            .tables
            .iter()
            .filter(|other| parent_of(other).as_ref() == Some(&table.name))
            .map(|child| child.name.clone()),
    );
    let mut above = parent_of(table);
    while let Some(name) = above {
        above = model.tables.iter().find(|other| other.name == name).and_then(parent_of);
        names.push(name);
    }
    let tables = model.tables.iter().filter(|other| names.contains(&other.name)).cloned().collect();
    Model { tables, ..model.clone() }
}

/// What the linter finds, in one table or anywhere.
async fn found_by_lint(database: &TestDatabase, table: Option<&Table>) -> Vec<String> {
    let connection = database.owner.get().await.unwrap();
    let mut sources = sources_of(&Catalogue::read(&connection).await.unwrap());
    if let Some(table) = table {
        sources.retain(|source| source.name() == format!("database: {}", table.name));
        assert_eq!(sources.len(), 1, "the table is a source of its own");
    }
    lint(&sources).iter().map(|found| render(found, &sources, false)).collect()
}

#[tokio::test]
async fn every_mutant_of_the_app_is_noticed() {
    every_mutant_is_noticed(SCHEMA, DECLARATION).await;
}

#[tokio::test]
async fn every_mutant_of_the_strict_app_is_noticed() {
    every_mutant_is_noticed(STRICT_SCHEMA, STRICT_DECLARATION).await;
}

#[expect(clippy::print_stdout, reason = "the score is what the test is run for")]
async fn every_mutant_is_noticed(schema: &str, declaration: &str) {
    let model = Model::parse(declaration).unwrap();
    let database = declared(schema, &model).await;
    let clean = matrix::run(&model, &database.owner).await.unwrap();
    assert!(clean.findings.is_empty(), "the matrix is not silent before anything was changed: {:?}", clean.findings);
    let catalogue = Catalogue::read(&database.owner.get().await.unwrap()).await.unwrap();
    let before = found_by_lint(&database, None).await;
    assert!(before.is_empty(), "the linter is not silent before anything was changed:\n{}", before.join("\n"));
    let (mut by_lint, mut by_matrix, mut survivors) = (0, 0, Vec::new());
    for table in &model.tables {
        let restored = policy::generator::block(&model, table, &policy::generator::Existing::default());
        let family = family(&model, table);
        for mutant in mutants(&model, table, catalogue.relation(&table.name).unwrap()) {
            execute(&database, &mutant.statement).await;
            if !found_by_lint(&database, Some(table)).await.is_empty() {
                by_lint += 1;
            } else if !matrix::run(&family, &database.owner).await.unwrap().findings.is_empty() {
                by_matrix += 1;
            } else {
                survivors.push(mutant.what);
            }
            execute(&database, &restored).await;
        }
    }
    assert!(found_by_lint(&database, None).await.is_empty(), "a mutant was not taken back");
    let all = by_lint + by_matrix + survivors.len();
    println!(
        "{} of {all} mutants were noticed: {by_lint} by the linter, {by_matrix} by the matrix",
        by_lint + by_matrix
    );
    let unexplained: Vec<&String> = survivors.iter().filter(|what| why_unnoticed(what).is_none()).collect();
    for what in &survivors {
        println!("not noticed: {what}: {}", why_unnoticed(what).unwrap_or("nobody knows why"));
    }
    assert!(unexplained.is_empty(), "nobody noticed, and nobody knows why:\n{unexplained:#?}");
    assert!((by_lint + by_matrix) * 100 >= all * 95, "fewer than 95 of 100");
}
