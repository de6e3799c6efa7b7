//! The folder: where its files are, and in which order.

use std::path::{Path, PathBuf};

use crate::{Config, ProjectError};

/// A folder with a `config.toml`, or with migrations.
#[derive(Debug, Clone)]
pub struct Project {
    folder: PathBuf,
    /// Its settings.
    pub config: Config,
}

/// A file of `migrations/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Migration {
    /// The digits before the name, by which they are ordered.
    pub version: String,
    /// The name behind them.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl Project {
    /// The project whose `supabase/` folder is in `directory`; none when there is no such folder.
    ///
    /// # Errors
    /// When its `config.toml` cannot be read.
    pub fn find(directory: &Path) -> Result<Option<Self>, ProjectError> {
        let folder = directory.join("supabase");
        let file = folder.join("config.toml");
        let config = match std::fs::read_to_string(&file) {
            Ok(text) => Config::parse(&text, &file)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if !folder.join("migrations").is_dir() {
                    return Ok(None);
                }
                Config::default()
            }
            Err(source) => return Err(ProjectError::Unreadable { path: file, source }),
        };
        Ok(Some(Self { folder, config }))
    }

    /// The `supabase/` folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its migrations, oldest first: files named `<digits>_<name>.sql`, as the official command line sees them.
    ///
    /// # Errors
    /// When the folder cannot be read; that there is none is no error.
    pub fn migrations(&self) -> Result<Vec<Migration>, ProjectError> {
        let mut found: Vec<Migration> =
            files(&self.folder.join("migrations"))?.into_iter().filter_map(Migration::at).collect();
        found.sort();
        Ok(found)
    }

    /// Its seeds, in the order in which the configuration names them, with the path as it is recorded.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn seeds(&self) -> Result<Vec<(String, PathBuf)>, ProjectError> {
        let mut found: Vec<(String, PathBuf)> = Vec::new();
        for pattern in &self.config.seed_paths {
            let pattern = Path::new(pattern.strip_prefix("./").unwrap_or(pattern));
            let parent = pattern.parent().unwrap_or(Path::new(""));
            let name = pattern.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let mut matching: Vec<PathBuf> = files(&self.folder.join(parent))?;
            matching.retain(|path| path.file_name().is_some_and(|found| matches(&name, &found.to_string_lossy())));
            matching.sort();
            for path in matching {
                let file = path.file_name().unwrap_or_default();
                let recorded = Path::new("supabase").join(parent).join(file).to_string_lossy().into_owned();
                if !found.iter().any(|(known, _)| *known == recorded) {
                    found.push((recorded, path));
                }
            }
        }
        Ok(found)
    }
}

impl Migration {
    fn at(path: PathBuf) -> Option<Self> {
        let stem = path.file_name()?.to_str()?.strip_suffix(".sql")?;
        let (version, name) = stem.split_once('_')?;
        let is_version = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        is_version.then(|| Self { version: version.to_owned(), name: name.to_owned(), path: path.clone() })
    }
}

/// The files in `directory`; none when it is not there.
fn files(directory: &Path) -> Result<Vec<PathBuf>, ProjectError> {
    let unreadable = |source| ProjectError::Unreadable { path: directory.to_path_buf(), source };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

/// Whether `name` is what `pattern` says, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter(|end| rest.is_char_boundary(*end)).any(|end| matches(after, &rest[end..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join("supabase").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        directory
    }

    #[test]
    fn migrations_are_in_the_order_of_their_versions_and_nothing_else_is_one() {
        let directory = folder(&[
            "migrations/20260102000000_second.sql",
            "migrations/20260101000000_first_of_all.sql",
            "migrations/README.md",
            "migrations/notes.sql",
            "migrations/20260103000000_third.sql.bak",
        ]);
        let project = Project::find(directory.path()).unwrap().unwrap();
        let found: Vec<(String, String)> =
            project.migrations().unwrap().into_iter().map(|found| (found.version, found.name)).collect();
        let expected = [("20260101000000", "first_of_all"), ("20260102000000", "second")];
        assert_eq!(found, expected.map(|(version, name)| (version.to_owned(), name.to_owned())));
    }

    #[test]
    fn seeds_are_in_the_order_in_which_they_are_named() {
        let directory = folder(&["seeds/b.sql", "seeds/a.sql", "seed.sql", "seeds/a.txt"]);
        let file = directory.path().join("supabase/config.toml");
        std::fs::write(file, "[db.seed]\nsql_paths = ['./seeds/*.sql', './seed.sql', 'seeds/a.sql']\n").unwrap();
        let project = Project::find(directory.path()).unwrap().unwrap();
        let found: Vec<String> = project.seeds().unwrap().into_iter().map(|(recorded, _)| recorded).collect();
        assert_eq!(found, ["supabase/seeds/a.sql", "supabase/seeds/b.sql", "supabase/seed.sql"]);
    }

    #[test]
    fn without_a_folder_there_is_no_project() {
        assert!(Project::find(folder(&[]).path()).unwrap().is_none());
    }
}
