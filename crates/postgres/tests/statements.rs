//! Every static statement in `sql/` is understood by a migrated database.

use std::path::{Path, PathBuf};

use postgres::testing::TestDatabase;

fn sql_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sql_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            found.push(path);
        }
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let mut files = Vec::new();
    sql_files(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../sql")), &mut files);
    // Scripts of several statements; other tests run them.
    files.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        // What stands in `supabase/` is prepared where its tables are.
        let is_supabase = path.components().any(|part| part.as_os_str() == "supabase");
        !is_supabase
            && !name.ends_with(".script.sql")
            && !path.parent().is_some_and(|parent| parent.ends_with("migrations"))
    });
    assert!(files.len() > 3, "{files:?}");
    let database = TestDatabase::create().await;
    let client = database.owner.get().await.unwrap();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(error) = client.prepare(&text).await {
            panic!("{}: {error:?}", path.display());
        }
    }
}
