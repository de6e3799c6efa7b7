//! `kill -9` in the middle of a load of deliveries: nothing is lost, nothing is applied twice.

use std::time::Duration;

use emulator::{Emulator, EmulatorOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::binaries::Binaries;
use postgres::cluster::{Cluster, ClusterOptions, Durability, Port};
use postgres::{Pool, PoolOptions, install_client_login, migrations};
use serde_json::{Value, json};

use crate::support::{Environment, Server, free_port};

const USERS: usize = 150;
/// Svix's schedule of 27 hours, in 100 seconds.
const SPEED: f64 = 1000.0;

/// Sending a part takes at least 100 ms.
const MIDDLE: Duration = Duration::from_millis(50);

/// A sender with everything it needs: a database that counts every write, and an address to send to.
struct Load {
    emulator: Emulator,
    owner: Pool,
    environment: Environment,
    port: u16,
}

impl Load {
    async fn prepare(cluster: &Cluster) -> Self {
        let options = EmulatorOptions { webhook_speed: SPEED, ..EmulatorOptions::default() };
        let emulator = Emulator::start(options).await.unwrap();
        let owner = Pool::new(&cluster.url(), &PoolOptions::default()).unwrap();
        migrations::migrate(&owner).await.unwrap();
        install_client_login(&owner).await.unwrap();
        let count_writes = "
            create table public.writes (delivery_id text not null);
            create function public.count_write() returns trigger language plpgsql as $$
              begin insert into public.writes values (new.delivery_id); return null; end $$;
            create trigger count_write after insert or update on clerk.users
              for each row execute function public.count_write()";
        owner.get().await.unwrap().batch_execute(count_writes).await.unwrap();
        let port = free_port();
        emulator.webhooks().add_endpoint(&format!("http://127.0.0.1:{port}/webhooks/clerk")).unwrap();
        let environment = Environment {
            database_url: cluster.url().expose().to_owned(),
            signing_secret: emulator.webhook_secret().expose().to_owned(),
            issuer: emulator.issuer().to_owned(),
            secret_key: Some(emulator.secret_key().to_owned()),
        };
        Self { emulator, owner, environment, port }
    }

    fn serve(&self) -> Server {
        Server::serve(&self.environment, self.port)
    }

    /// Three deliveries for each of a third of the users, for the parts of the test to interleave with.
    async fn send(&self, part: usize) {
        for number in (0..USERS).filter(|number| number % 3 == part) {
            let address = format!("user{number}@example.com");
            let user = self.emulator.users().create(&json!({ "email_address": [address], "first_name": "1" })).unwrap();
            let id = user["id"].as_str().unwrap();
            self.emulator.users().update(id, &json!({ "first_name": "2" })).unwrap();
            self.emulator.users().update(id, &json!({ "first_name": "3" })).unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Everything arrived, each delivery had its effect at most once, and the mirror shows what Clerk has.
    async fn check(&self) {
        let webhooks = self.emulator.webhooks();
        let settled = tokio::time::timeout(Duration::from_secs(150), webhooks.settled());
        if settled.await.is_err() {
            let messages =
                webhooks.message_ids().into_iter().map(|id| webhooks.message(&id).unwrap()["deliveries"].clone());
            let open: Vec<Value> = messages.filter(|deliveries| deliveries[0]["status"] != "delivered").collect();
            panic!("{} deliveries are not answered, such as {:#?}", open.len(), open.first());
        }
        let connection = self.owner.get().await.unwrap();
        let number = async |statement: &str| connection.query_one(statement, &[]).await.unwrap().get::<_, i64>(0);
        let sent = self.emulator.webhooks().message_ids().len();
        assert_eq!(sent, USERS * 3);
        let stored = number("select count(*) from rowlock.inbox where state in ('applied', 'stale')").await;
        assert_eq!(usize::try_from(stored).unwrap(), sent, "every delivery is settled");
        // Two updates within one millisecond are a tie, and happen here: Clerk is asked, and that is a write of its own.
        while number("select count(*) from rowlock.inquiries").await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let applied = number("select count(*) from rowlock.inbox where state = 'applied'").await;
        let writes = "from public.writes where delivery_id like 'msg\\_%'";
        assert_eq!(applied, number(&format!("select count(*) {writes}")).await, "every applied delivery wrote");
        assert_eq!(applied, number(&format!("select count(distinct delivery_id) {writes}")).await, "and wrote once");
        let rows =
            connection.query("select raw from clerk.users where deleted_at is null order by id", &[]).await.unwrap();
        let mirrored: Vec<Value> = rows.iter().map(|row| row.get(0)).collect();
        let limit = [("limit", "500"), ("order_by", "+created_at")];
        let Value::Array(mut users) = self.emulator.users().list(&limit).unwrap() else { panic!("a bare array") };
        users.sort_by(|left, right| left["id"].as_str().cmp(&right["id"].as_str()));
        assert_eq!((users.len(), mirrored.len()), (USERS, USERS));
        for (row, user) in mirrored.iter().zip(&users) {
            assert_eq!(row, user);
        }
    }
}

async fn cluster() -> Cluster {
    let directory = tempfile::Builder::new().prefix("rowlock-crash-").tempdir().unwrap().keep();
    let binaries = Binaries::find(None).unwrap();
    Cluster::start(ClusterOptions {
        directory,
        binaries,
        port: Port::Free,
        durability: Durability::Ephemeral,
        stand_ins: &[],
        preload: &[],
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn the_server_is_killed_under_load() {
    let cluster = cluster().await;
    let load = Load::prepare(&cluster).await;
    for part in 0..3 {
        let server = load.serve();
        let in_the_middle = async {
            tokio::time::sleep(MIDDLE).await;
            server.kill_hard();
        };
        tokio::join!(load.send(part), in_the_middle);
    }
    let server = load.serve();
    load.check().await;
    drop(server);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn postgres_is_killed_under_load() {
    let mut cluster = cluster().await;
    let load = Load::prepare(&cluster).await;
    let server = load.serve();
    for part in 0..3 {
        let pid = Pid::from_raw(cluster.server_pid().unwrap());
        let in_the_middle = async {
            tokio::time::sleep(MIDDLE).await;
            kill(pid, Signal::SIGKILL).unwrap();
        };
        tokio::join!(load.send(part), in_the_middle);
        cluster.ended().await.unwrap();
        cluster.revive().await.unwrap();
    }
    load.check().await;
    drop(server);
    cluster.stop().await.unwrap();
}
