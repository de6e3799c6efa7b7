//! Where a server may be found, and how long to try there.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_util::either::Either;

use super::transport::Plain;

/// Postgres' own.
const PORT: u16 = 5432;

/// One place to knock at.
#[derive(Debug, Clone)]
pub(super) struct Address {
    place: Place,
    /// What a certificate has to name.
    pub(super) host: String,
}

#[derive(Debug, Clone)]
enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    /// All places of a configuration in the order to try them, names resolved (libpq: "Specifying Multiple Hosts"). A name that
    /// nobody knows is in nobody's way, unless there is no other.
    pub(super) async fn all_of(config: &Config) -> io::Result<Vec<Self>> {
        let (hosts, ports) = (config.get_hosts(), config.get_ports());
        if ports.len() > 1 && ports.len() != hosts.len() {
            let why =
                format!("{} hosts and {} ports: expected one port for all or one for each", hosts.len(), ports.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let mut all = Vec::new();
        let mut unknown = io::Error::other("the address names no host that can be found");
        for (index, host) in hosts.iter().enumerate() {
            let port = ports.get(index).or(ports.first()).copied().unwrap_or(PORT);
            match host {
                Host::Tcp(name) => {
                    let found: Vec<SocketAddr> = match config.get_hostaddrs().get(index) {
                        Some(ip) => vec![SocketAddr::new(*ip, port)],
                        None => match lookup_host((name.as_str(), port)).await {
                            Ok(found) => found.collect(),
                            Err(error) => {
                                unknown = error;
                                continue;
                            }
                        },
                    };
                    all.extend(found.into_iter().map(|at| Self { place: Place::Tcp(at), host: name.clone() }));
                }
                Host::Unix(directory) => {
                    let path = directory.join(format!(".s.PGSQL.{port}"));
                    all.push(Self { place: Place::Unix(path), host: String::new() });
                }
            }
        }
        if all.is_empty() { Err(unknown) } else { Ok(all) }
    }

    /// Connects, within `patience`.
    pub(super) async fn connect(&self, config: &Config, patience: Duration) -> io::Result<Plain> {
        let connect = async {
            match &self.place {
                Place::Tcp(at) => {
                    let stream = TcpStream::connect(at).await?;
                    stream.set_nodelay(true)?;
                    if config.get_keepalives() {
                        SockRef::from(&stream).set_tcp_keepalive(&keepalive(config))?;
                    }
                    #[cfg(target_os = "linux")]
                    SockRef::from(&stream).set_tcp_user_timeout(config.get_tcp_user_timeout().copied())?;
                    Ok(Either::Left(stream))
                }
                Place::Unix(path) => Ok(Either::Right(UnixStream::connect(path).await?)),
            }
        };
        tokio::time::timeout(patience, connect).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn keepalive(config: &Config) -> TcpKeepalive {
    let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
    if let Some(interval) = config.get_keepalives_interval() {
        keepalive = keepalive.with_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        keepalive = keepalive.with_retries(retries);
    }
    keepalive
}
