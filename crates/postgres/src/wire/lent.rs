//! A stream that is lent out and comes back.
//!
//! `tokio-postgres` signs in on a stream that it then keeps. What it is given here is only lent: when it has done its part,
//! the stream is taken back, with nothing of the next answer read, because a server that is ready says nothing unasked.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// The one end: whoever has it can take the stream back.
pub(super) struct Slot<S>(Arc<Mutex<Option<S>>>);

/// The other: a stream as long as it is not taken back.
pub(super) struct Lent<S>(Arc<Mutex<Option<S>>>);

impl<S> Slot<S> {
    pub(super) fn empty() -> Self {
        Self(Arc::default())
    }

    pub(super) fn lend(&self, stream: S) -> Lent<S> {
        *self.0.lock() = Some(stream);
        Lent(Arc::clone(&self.0))
    }

    pub(super) fn take(&self) -> Option<S> {
        self.0.lock().take()
    }
}

impl<S> Lent<S> {
    fn with<T>(&self, act: impl FnOnce(&mut S) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut *self.0.lock() {
            Some(stream) => act(stream),
            None => Poll::Ready(Err(io::Error::from(io::ErrorKind::NotConnected))),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| Pin::new(stream).poll_read(context, into))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| Pin::new(stream).poll_shutdown(context))
    }
}

impl<S: TlsStream + Unpin> TlsStream for Lent<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.lock().as_ref().map_or_else(ChannelBinding::none, TlsStream::channel_binding)
    }
}

/// Encrypts what was lent, and lends out the result.
pub(super) struct Lending<S, C: TlsConnect<S>> {
    pub(super) connector: C,
    pub(super) plain: Slot<S>,
    pub(super) encrypted: Slot<C::Stream>,
}

impl<S, C> TlsConnect<Lent<S>> for Lending<S, C>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    C: TlsConnect<S> + Send + 'static,
    C::Stream: Send + 'static,
    C::Future: Send,
{
    type Stream = Lent<C::Stream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, _lent: Lent<S>) -> Self::Future {
        Box::pin(async move {
            let plain = self.plain.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
            let encrypted = self.connector.connect(plain).await.map_err(Into::into)?;
            Ok(self.encrypted.lend(encrypted))
        })
    }
}

impl<S> Clone for Slot<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
