//! Connections of anybody: so many at a time, and none for ever. Each is for one request.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

/// Connections at a time; others wait in the kernel's queue.
pub(super) const MOST: usize = 64;

/// How long a connection may last: a slow reader on a bad line has its page by then.
pub(super) const LONGEST: Duration = Duration::from_secs(20);

/// A listener of bounded connections.
pub(super) struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
    longest: Duration,
}

impl Bounded {
    /// With the bounds of the page.
    pub(super) fn new(listener: TcpListener) -> Self {
        Self::with(listener, MOST, LONGEST)
    }

    fn with(listener: TcpListener, most: usize, longest: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(most)), longest }
    }
}

impl axum::serve::Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
        (Connection { stream, over: Box::pin(sleep(self.longest)), _place: place }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with its place and its end.
pub(super) struct Connection {
    stream: TcpStream,
    over: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn is_over(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.over.as_mut().poll(context) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_over(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_over(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_over(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use axum::{Router, routing::get};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::Bounded;

    /// Serves with one place.
    async fn served(longest: Duration) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let router = Router::new().route("/", get(async || "here"));
        tokio::spawn(async move {
            axum::serve(Bounded::with(listener, 1, longest), router).with_graceful_shutdown(pending()).await
        });
        address
    }

    #[tokio::test]
    async fn who_says_nothing_is_shown_out_and_gives_their_place_to_the_next() {
        let address = served(Duration::from_millis(200)).await;
        let mut silent = TcpStream::connect(address).await.expect("connected");
        let mut asks = TcpStream::connect(address).await.expect("in the kernel's queue");
        asks.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("written");
        let mut answer = String::new();
        asks.read_to_string(&mut answer).await.expect("answered after the silent one");
        assert!(answer.ends_with("here"), "{answer}");
        let mut nothing = Vec::new();
        assert!(!matches!(silent.read_to_end(&mut nothing).await, Ok(more) if more > 0), "closed without a word");
    }

    #[tokio::test]
    async fn a_place_is_for_one_at_a_time() {
        let address = served(Duration::from_hours(1)).await;
        let silent = TcpStream::connect(address).await.expect("connected");
        let mut asks = TcpStream::connect(address).await.expect("in the kernel's queue");
        asks.write_all(b"GET / HTTP/1.0\r\n\r\n").await.expect("written");
        let mut answer = String::new();
        let early = tokio::time::timeout(Duration::from_millis(300), asks.read_to_string(&mut answer)).await;
        assert!(early.is_err(), "answered while another had the only place: {answer}");
        drop(silent);
        asks.read_to_string(&mut answer).await.expect("answered");
        assert!(answer.ends_with("here"), "{answer}");
    }
}
