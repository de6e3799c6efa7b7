//! A stream that waits for a slow reader, and not for ever.
//!
//! An answer is in memory until it has been taken. A reader who takes nothing would keep it there, and its place with it, for as long
//! as it likes; one who takes a little now and then is only slow, and is waited for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Wraps a stream; every write must get somewhere within `patience`.
pub(crate) struct PatientStream<S> {
    stream: S,
    patience: Duration,
    /// Running while a write waits.
    waiting: Pin<Box<Sleep>>,
    waits: bool,
}

impl<S> PatientStream<S> {
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: Box::pin(sleep(patience)), waits: false }
    }

    /// What a write has come to, unless it has waited for too long.
    fn unless_late<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        if !self.waits {
            self.waits = true;
            self.waiting.as_mut().reset(Instant::now() + self.patience);
        }
        ready!(self.waiting.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side has read nothing for too long")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PatientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PatientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.unless_late(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.unless_late(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.unless_late(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.unless_late(context, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up_and_who_reads_slowly_is_not() {
        let (ours, mut theirs) = tokio::io::duplex(10);
        let mut stream = PatientStream::new(ours, PATIENCE);
        let began = Instant::now();
        let slow_reader = async {
            let mut buffer = [0; 10];
            for _ in 0..10 {
                tokio::time::sleep(PATIENCE / 2).await;
                theirs.read_exact(&mut buffer).await.expect("it comes");
            }
            theirs
        };
        let (written, theirs) = tokio::join!(stream.write_all(&[0; 100]), slow_reader);
        written.expect("a slow reader is waited for");
        assert!(began.elapsed() > PATIENCE * 4);
        let began = Instant::now();
        let late = stream.write_all(&[0; 100]).await.expect_err("nobody reads");
        assert_eq!((late.kind(), began.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
        drop(theirs);
    }
}
