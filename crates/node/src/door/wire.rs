//! A connection's bytes, counted, and the means to cut it.
//!
//! socketioxide neither says how much waits for a socket nor ends one whose peer has stopped
//! reading (its writer waits for the kernel without watching for cancellation). So the node counts
//! what it has given to a connection against what the kernel has taken from it, and can make the
//! next read and write fail.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Place;

/// What the rest of the node knows of a connection.
#[derive(Debug)]
pub(crate) struct Wire {
    peer: IpAddr,
    /// Bytes that the kernel has taken.
    written: AtomicU64,
    /// Bytes given to the connection; never less than `written`.
    given: AtomicU64,
    cut: AtomicBool,
    reader: AtomicWaker,
    writer: AtomicWaker,
    place: Place,
}

impl Wire {
    pub(super) fn new(peer: IpAddr, place: Place) -> Self {
        Self {
            peer,
            written: AtomicU64::new(0),
            given: AtomicU64::new(0),
            cut: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            place,
        }
    }

    pub(crate) const fn peer(&self) -> IpAddr {
        self.peer
    }

    /// This many bytes more are on their way; answers how many wait altogether.
    ///
    /// What is written without having been given (pings, the handshake) would hide bytes that
    /// wait, so `given` is drawn level first.
    pub(crate) fn give(&self, bytes: usize) -> u64 {
        let written = self.written.load(Ordering::Relaxed);
        let add = |given: u64| Some(given.max(written) + bytes as u64);
        match self
            .given
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        {
            Ok(given) | Err(given) => given.max(written) + bytes as u64 - written,
        }
    }

    /// Bytes that wait.
    pub(crate) fn waiting(&self) -> u64 {
        let written = self.written.load(Ordering::Relaxed);
        self.given.load(Ordering::Relaxed).saturating_sub(written)
    }

    /// The next read and write fail, and those under way now.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.reader.wake();
        self.writer.wake();
    }

    /// Somebody has signed in on it: it no longer counts among the strangers.
    pub(crate) fn is_known(&self) {
        self.place.is_known();
    }

    fn check(&self, waker: &AtomicWaker, cx: &Context<'_>) -> io::Result<()> {
        waker.register(cx.waker());
        if self.cut.load(Ordering::Acquire) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

/// A stream whose bytes are counted on its [`Wire`].
#[derive(Debug)]
pub(super) struct Metered<S> {
    stream: S,
    wire: Arc<Wire>,
}

impl<S> Metered<S> {
    pub(super) const fn new(stream: S, wire: Arc<Wire>) -> Self {
        Self { stream, wire }
    }

    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.wire.written.fetch_add(bytes as u64, Ordering::Relaxed);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.wire.check(&self.wire.reader, cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.wire.check(&self.wire.writer, cx)?;
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.check(&self.wire.writer, cx)?;
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.check(&self.wire.writer, cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.check(&self.wire.writer, cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Doorkeeper;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn wire() -> Arc<Wire> {
        let peer = IpAddr::from([127, 0, 0, 1]);
        let place = Doorkeeper::default().admit(peer).unwrap();
        Arc::new(Wire::new(peer, place))
    }

    #[tokio::test]
    async fn bytes_wait_until_the_kernel_has_taken_them() {
        let wire = wire();
        let (here, mut there) = tokio::io::duplex(64);
        let mut here = Metered::new(here, wire.clone());
        assert_eq!(wire.give(10), 10);
        here.write_all(&[0; 10]).await.unwrap();
        assert_eq!(wire.waiting(), 0);
        here.write_all(&[0; 5]).await.unwrap();
        assert_eq!(
            wire.give(10),
            10,
            "bytes never given must not hide those that wait"
        );
        there.read_exact(&mut [0; 15]).await.unwrap();
    }

    #[tokio::test]
    async fn a_cut_ends_a_write_that_waits_for_its_peer() {
        let wire = wire();
        let (here, _there) = tokio::io::duplex(16);
        let mut here = Metered::new(here, wire.clone());
        let write = tokio::spawn(async move { here.write_all(&[0; 1024]).await });
        tokio::task::yield_now().await;
        wire.cut();
        assert!(write.await.unwrap().is_err());
    }
}
