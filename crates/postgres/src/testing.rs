//! One database for each test, copied from a migrated template.
//!
//! The first test of a process starts a cluster in a temporary directory; the process's end, however it comes, stops
//! and removes it. Copying the template takes some tens of milliseconds, so no test ever shares rows with another.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use crate::binaries::Binaries;
use crate::cluster::{Cluster, ClusterOptions, Durability, Port};
use crate::identifier::quote_identifier;
use crate::{ClientPool, DatabaseUrl, Pool, PoolOptions, install_client_login, migrations};

const TEMPLATE: &str = "rowlock_template";

/// A fresh, migrated database of its own.
#[derive(Debug)]
pub struct TestDatabase {
    /// The owner's address.
    pub url: DatabaseUrl,
    /// Logged in as the owner.
    pub owner: Pool,
    /// Logged in as the powerless client login.
    pub clients: ClientPool,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no Postgres on this machine or it does not work: a test without its database has failed.
    pub async fn create() -> Self {
        let server = template_server().await;
        let url = create_database(server, Some(TEMPLATE)).await;
        let clients = ClientPool::new(&url.for_clients(), &PoolOptions::default());
        let (owner, clients) = (pool(&url), clients.expect("loopback needs no certificates"));
        Self { url, owner, clients }
    }

    /// A database without a single migration.
    ///
    /// # Panics
    /// As [`create`](Self::create).
    pub async fn create_empty() -> DatabaseUrl {
        create_database(template_server().await, None).await
    }
}

/// The superuser's address of the shared server, whose template is ready.
async fn template_server() -> &'static DatabaseUrl {
    static SERVER: OnceCell<DatabaseUrl> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async {
            let url = start_server().await;
            execute(&url, &format!("create database {TEMPLATE}")).await;
            let template = pool(&url.with_database(TEMPLATE));
            migrations::migrate(&template).await.expect("the migrations apply to an empty database");
            install_client_login(&template).await.expect("the superuser may alter roles");
            url
        })
        .await
}

/// Starts the cluster on a thread of its own: each test has a runtime that ends with it, the server must not.
async fn start_server() -> DatabaseUrl {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let directory = tempfile::Builder::new().prefix("rowlock-test-").tempdir().expect("a temporary directory");
            let options = ClusterOptions {
                directory: directory.keep(),
                binaries: Binaries::find(None).expect("Postgres is installed: `cargo x setup`"),
                port: Port::Free,
                durability: Durability::Ephemeral,
                stand_ins: &[],
                preload: &[],
            };
            let mut cluster = Cluster::start(options).await.expect("a local Postgres starts");
            let _ = sender.send(cluster.url());
            let _ = cluster.ended().await;
        });
    });
    receiver.await.expect("the thread reports the address or panics")
}

async fn create_database(server: &DatabaseUrl, template: Option<&str>) -> DatabaseUrl {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let template = quote_identifier(template.unwrap_or("template0"));
    execute(server, &format!("create database {} template {template}", quote_identifier(&name))).await;
    server.with_database(&name)
}

async fn execute(server: &DatabaseUrl, statement: &str) {
    let connection = pool(server).get().await.expect("the server accepts logins");
    connection.batch_execute(statement).await.expect("a superuser's statement on a quiet server");
}

fn pool(url: &DatabaseUrl) -> Pool {
    Pool::new(url, &PoolOptions::default()).expect("loopback needs no certificates")
}
