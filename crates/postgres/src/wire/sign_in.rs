//! Signing in: passwords, certificates and encryption are `tokio-postgres`'s business, the socket is ours afterwards.

use std::io;

use tokio::time::timeout;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{CancelToken, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use super::address::Address;
use super::lent::{Lending, Slot};
use super::transport::{Plain, Transport};
use super::{Step, Wire};
use crate::Error;
use crate::pool::CONNECT_TIMEOUT;

/// Who signs in, and where.
pub(crate) struct Login {
    pub(crate) config: Config,
    /// What encrypts; none on loopback.
    pub(crate) encryption: Option<MakeRustlsConnect>,
}

/// How to stop what a connection is doing.
pub(crate) struct Cancel {
    token: CancelToken,
    address: Address,
    config: Config,
    encryption: Option<MakeRustlsConnect>,
}

impl Login {
    /// Signs in at the first of the addresses where that is possible.
    ///
    /// # Errors
    /// What the last one said.
    pub(crate) async fn sign_in(&self) -> Result<Wire, Error> {
        let mut last = Error::Unreachable(io::ErrorKind::NotFound.into());
        for address in Address::all_of(&self.config).await.map_err(Error::Unreachable)? {
            let signed_in = timeout(CONNECT_TIMEOUT, self.sign_in_at(address));
            match signed_in.await.unwrap_or_else(|_| Err(Error::Unreachable(io::ErrorKind::TimedOut.into()))) {
                Ok(wire) => return Ok(wire),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn sign_in_at(&self, address: Address) -> Result<Wire, Error> {
        let plain = address.connect(&self.config, CONNECT_TIMEOUT).await.map_err(Error::Unreachable)?;
        let (transport, token) = match &self.encryption {
            None => {
                let slot = Slot::empty();
                let (client, _connection) =
                    self.config.connect_raw(slot.lend(plain), NoTls).await.map_err(Error::Connect)?;
                (slot.take().map(Either::Left), client.cancel_token())
            }
            Some(connector) => self.sign_in_encrypted(connector.clone(), plain, &address.host).await?,
        };
        let transport: Transport =
            transport.ok_or_else(|| Error::Unreachable(io::Error::other("the stream did not come back")))?;
        let cancel = Cancel { token, address, config: self.config.clone(), encryption: self.encryption.clone() };
        let mut wire = Wire::new(transport, cancel);
        self.refuse_other_kind(&mut wire).await?;
        Ok(wire)
    }

    async fn sign_in_encrypted(
        &self,
        mut connector: MakeRustlsConnect,
        plain: Plain,
        host: &str,
    ) -> Result<(Option<Transport>, CancelToken), Error> {
        let connector = encryption_for(&mut connector, host)?;
        let (plain_slot, encrypted) = (Slot::empty(), Slot::empty());
        let lent = plain_slot.lend(plain);
        let lending = Lending { connector, plain: plain_slot.clone(), encrypted: encrypted.clone() };
        let (client, _connection) = self.config.connect_raw(lent, lending).await.map_err(Error::Connect)?;
        // Under `sslmode=prefer` a server may decline, and the plain stream is still in its slot.
        let transport = match encrypted.take() {
            Some(stream) => Some(Either::Right(Box::new(stream))),
            None => plain_slot.take().map(Either::Left),
        };
        Ok((transport, client.cancel_token()))
    }

    /// `target_session_attrs`: a primary that is asked for must take writes, a standby must not.
    async fn refuse_other_kind(&self, wire: &mut Wire) -> Result<(), Error> {
        let wanted = match self.config.get_target_session_attrs() {
            TargetSessionAttrs::ReadWrite => "off",
            TargetSessionAttrs::ReadOnly => "on",
            _ => return Ok(()),
        };
        let step = Step { text: "show transaction_read_only", parameters: &[], scope: None };
        let landed = wire.fly(&[step]).await.and_then(super::Landed::all_or_refusal);
        let landed = landed.map_err(|error| Error::Unreachable(io::Error::other(error)))?;
        let found: &str = landed[0].first().map_or("", |row| row.get(0));
        if found == wanted {
            return Ok(());
        }
        let why = format!("transaction_read_only is `{found}`, and target_session_attrs asks for `{wanted}`");
        Err(Error::Unreachable(io::Error::new(io::ErrorKind::PermissionDenied, why)))
    }
}

fn encryption_for(
    connector: &mut MakeRustlsConnect,
    host: &str,
) -> Result<impl TlsConnect<Plain, Stream = super::transport::Encrypted, Future: Send> + Send + 'static, Error> {
    MakeTlsConnect::<Plain>::make_tls_connect(connector, host)
        .map_err(|error| Error::Unreachable(io::Error::other(error)))
}

impl Cancel {
    /// Asks the server to stop, on a connection of its own, encrypted as the first one is.
    pub(crate) async fn send(self) -> Result<(), Error> {
        timeout(CONNECT_TIMEOUT, self.sent())
            .await
            .unwrap_or_else(|_| Err(Error::Unreachable(io::ErrorKind::TimedOut.into())))
    }

    async fn sent(mut self) -> Result<(), Error> {
        let stream = self.address.connect(&self.config, CONNECT_TIMEOUT).await.map_err(Error::Unreachable)?;
        match &mut self.encryption {
            None => self.token.cancel_query_raw(stream, NoTls).await.map_err(Error::Connect),
            Some(connector) => {
                let connector = encryption_for(connector, &self.address.host)?;
                self.token.cancel_query_raw(stream, connector).await.map_err(Error::Connect)
            }
        }
    }
}
