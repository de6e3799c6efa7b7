//! A private Postgres that lives as long as the measurements.
//!
//! Where round trips and processor time are measured it does not wait for the disk (no fsync), and both sides of every ratio
//! profit alike. Where commits are what is measured, it does: that is how people run it.

use anyhow::{Context as _, Result};
use postgres::binaries::Binaries;
use postgres::cluster::{Cluster, ClusterOptions, Durability, Port};
use postgres::{ClientPool, DatabaseUrl, Pool, PoolOptions, install_client_login, migrations};

/// As many as `rowlock serve` opens unless told otherwise.
const OWNER_CONNECTIONS: usize = 8;
const CLIENT_CONNECTIONS: usize = 16;

/// A migrated database.
pub(crate) struct Database {
    cluster: Cluster,
    version: String,
    /// Logged in as the owner of the mirror.
    pub(crate) owner: Pool,
    to_remove: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) async fn start(durability: Durability) -> Result<Self> {
        let binaries = Binaries::find(None)?;
        let version = binaries.version().to_owned();
        let directory = tempfile::Builder::new().prefix("rowlock-bench-").tempdir()?;
        // An ephemeral cluster removes its directory itself, after its server has stopped.
        let (directory, to_remove) = match durability {
            Durability::Ephemeral => (directory.keep(), None),
            Durability::Full => (directory.path().join("postgres"), Some(directory)),
        };
        let options =
            ClusterOptions { directory, binaries, port: Port::Free, durability, stand_ins: &[], preload: &[] };
        let cluster = Cluster::start(options).await?;
        let owner = pool(&cluster.url(), OWNER_CONNECTIONS)?;
        migrations::migrate(&owner).await?;
        install_client_login(&owner).await?;
        Ok(Self { cluster, version, owner, to_remove })
    }

    /// The address of the owner's login.
    pub(crate) fn url(&self) -> DatabaseUrl {
        self.cluster.url()
    }

    /// A pool of the login that acts for clients.
    pub(crate) fn clients(&self) -> Result<ClientPool> {
        clients(&self.cluster.url().for_clients())
    }

    /// A pool of the same login and of Rowlock's, each through a port that leads here.
    pub(crate) fn both_through(&self, port: u16) -> Result<(ClientPool, Pool)> {
        let url = self.cluster.url().for_clients();
        let detour = url.expose().replace(&format!(":{}/", self.port()), &format!(":{port}/"));
        let detour = DatabaseUrl::parse(&detour)?;
        Ok((clients(&detour)?, pool(&detour, CLIENT_CONNECTIONS)?))
    }

    pub(crate) fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// The full version of the server, such as `17.10`.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) async fn stop(self) -> Result<()> {
        drop(self.owner);
        self.cluster.stop().await.context("Postgres did not stop well")?;
        self.to_remove.map_or(Ok(()), tempfile::TempDir::close).context("its directory stays behind")
    }
}

fn clients(url: &DatabaseUrl) -> Result<ClientPool> {
    Ok(ClientPool::new(url, &PoolOptions { size: CLIENT_CONNECTIONS, ..PoolOptions::default() })?)
}

fn pool(url: &DatabaseUrl, size: usize) -> Result<Pool> {
    Ok(Pool::new(url, &PoolOptions { size, ..PoolOptions::default() })?)
}
