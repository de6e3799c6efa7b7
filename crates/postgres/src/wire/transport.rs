//! What carries bytes to Postgres and back.

use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

/// Without encryption.
pub(super) type Plain = Either<TcpStream, UnixStream>;

pub(super) type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Plain>>::Stream;

/// With or without.
pub(super) type Transport = Either<Plain, Box<Encrypted>>;
