//! `rowlock policy`: row-level security, declared in rowlock.toml.

mod add;
mod explain;
mod generate;
mod lint;
pub(super) mod pgtap;
mod test;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use policy::model::Model;

use crate::cli::PolicyCommand;
use crate::printer::Printer;
use crate::report::Hinted;

pub(super) async fn run(command: PolicyCommand, printer: Printer) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Add(arguments) => add::run(&arguments, printer),
        PolicyCommand::Generate(arguments) => generate::run(arguments, printer).await,
        PolicyCommand::Diff(arguments) => generate::diff(arguments, printer).await,
        PolicyCommand::Lint(arguments) => lint::run(arguments, printer).await,
        PolicyCommand::Explain(arguments) => explain::run(arguments, printer).await,
        PolicyCommand::Test(arguments) => test::run(arguments, printer).await,
    }
}

/// The model, with at least one table in it.
fn model(path: &Path) -> anyhow::Result<Model> {
    let model = Model::load(path).with_context(|| format!("`{}` cannot be used", path.display()))?;
    if model.tables.is_empty() {
        let message =
            format!("`{}` has no [[table]]; expected one for each table with row-level security", path.display());
        return Err(Hinted::new(message, "`rowlock policy add projects --organization org_id` writes one").into());
    }
    Ok(model)
}
