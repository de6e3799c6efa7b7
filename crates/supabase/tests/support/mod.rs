//! A folder, and a database that is a Supabase project's.

use postgres::cluster::{Cluster, ClusterOptions, Durability, Port};
use postgres::{Connection, Pool, PoolOptions, binaries::Binaries};
use supabase::{EXTENSIONS, Project, install_platform};

/// A project over a cluster of its own: roles and extensions belong to all of one.
pub(crate) struct Stage {
    directory: tempfile::TempDir,
    pub(crate) owner: Pool,
    cluster: Cluster,
}

impl Stage {
    pub(crate) async fn set(files: &[(&str, &str)]) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap();
        let options = ClusterOptions {
            directory: directory.path().join("postgres"),
            binaries: Binaries::find(None).unwrap(),
            port: Port::Free,
            durability: Durability::Ephemeral,
            stand_ins: EXTENSIONS,
            preload: &["pg_stat_statements"],
        };
        let cluster = Cluster::start(options).await.unwrap();
        let pool = || Pool::new(&cluster.url(), &PoolOptions { size: 2, ..PoolOptions::default() }).unwrap();
        install_platform(&pool(), true).await.unwrap();
        // What the roles' settings say holds for new connections.
        let stage = Self { directory, owner: pool(), cluster };
        for (name, text) in files {
            stage.write(name, text);
        }
        stage
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.directory.path().join("supabase").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn project(&self) -> Project {
        Project::find(self.directory.path()).unwrap().unwrap()
    }

    pub(crate) async fn client(&self) -> Connection {
        self.owner.get().await.unwrap()
    }

    /// The first column of a query's rows, as text, each on a line.
    pub(crate) async fn texts(&self, statement: &str) -> String {
        let rows = self.client().await.query(statement, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
    }

    pub(crate) async fn end(self) {
        drop(self.owner);
        self.cluster.stop().await.unwrap();
    }
}
