//! What of `supabase/config.toml` matters here. Sections of services that are not run are passed over.

use std::path::Path;

use serde::Deserialize;

use crate::ProjectError;

/// The settings, with the official command line's defaults where the file says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The project's name.
    pub project_id: Option<String>,
    /// Where the API listens on 127.0.0.1.
    pub api_port: u16,
    /// The schemas that the API shows.
    pub schemas: Vec<String>,
    /// Where else names are looked up.
    pub extra_search_path: Vec<String>,
    /// The largest number of rows given at once; 0 for all.
    pub max_rows: i64,
    /// Whether the API's roles may use new tables of `public` without a grant.
    pub exposes_new_tables: bool,
    /// Where Postgres listens on 127.0.0.1.
    pub database_port: u16,
    /// The version of Postgres that the project runs on when deployed.
    pub major_version: u32,
    /// Whether migrations are applied.
    pub migrates: bool,
    /// Whether seeds are.
    pub seeds: bool,
    /// The seeds, relative to the folder; `*` stands for any part of a file's name.
    pub seed_paths: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct File {
    project_id: Option<String>,
    api: Api,
    db: Database,
}

#[derive(Deserialize)]
#[serde(default)]
struct Api {
    port: u16,
    schemas: Vec<String>,
    extra_search_path: Vec<String>,
    max_rows: i64,
    auto_expose_new_tables: bool,
}

#[derive(Deserialize)]
#[serde(default)]
struct Database {
    port: u16,
    major_version: u32,
    migrations: Migrations,
    seed: Seed,
}

#[derive(Deserialize)]
#[serde(default)]
struct Migrations {
    enabled: bool,
}

#[derive(Deserialize)]
#[serde(default)]
struct Seed {
    enabled: bool,
    sql_paths: Vec<String>,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

impl Default for Api {
    fn default() -> Self {
        Self {
            port: 54321,
            schemas: words(&["public", "graphql_public"]),
            extra_search_path: words(&["public", "extensions"]),
            max_rows: 1000,
            auto_expose_new_tables: true,
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { port: 54322, major_version: 17, migrations: Migrations::default(), seed: Seed::default() }
    }
}

impl Default for Migrations {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self { enabled: true, sql_paths: words(&["./seed.sql"]) }
    }
}

impl Default for Config {
    fn default() -> Self {
        File::default().into()
    }
}

impl From<File> for Config {
    fn from(File { project_id, api, db }: File) -> Self {
        // The API looks for names in `public` first, whatever else it shows.
        let mut schemas = api.schemas;
        if schemas.is_empty() {
            schemas = words(&["public"]);
        }
        Self {
            project_id,
            api_port: api.port,
            schemas,
            extra_search_path: api.extra_search_path,
            max_rows: api.max_rows,
            exposes_new_tables: api.auto_expose_new_tables,
            database_port: db.port,
            major_version: db.major_version,
            migrates: db.migrations.enabled,
            seeds: db.seed.enabled,
            seed_paths: db.seed.sql_paths,
        }
    }
}

impl Config {
    /// Reads settings from text; `path` is named in errors.
    ///
    /// # Errors
    /// [`ProjectError::Config`] with the line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ProjectError> {
        let file: File = toml::from_str(text)
            .map_err(|source| ProjectError::Config { path: path.to_path_buf(), source: Box::new(source) })?;
        Ok(file.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_file_does_not_say_is_the_command_lines_default() {
        let config = Config::parse("[auth]\nenabled = true\n[db]\nport = 6000\n", Path::new("config.toml")).unwrap();
        assert_eq!(config, Config { database_port: 6000, ..Config::default() });
        assert_eq!(config.api_port, 54321);
        assert_eq!(config.seed_paths, ["./seed.sql"]);
    }

    #[test]
    fn what_is_wrong_is_shown_with_its_line() {
        let error = Config::parse("[api]\nport = 'x'\n", Path::new("supabase/config.toml")).unwrap_err();
        assert_eq!(error.to_string(), "`supabase/config.toml` cannot be understood");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("line 2"));
    }
}
