//! A server of the testbed: one thread per connection, because a test has its own runtime, and this must outlive its moods.

use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// A port at which connections are taken; it ends with this value.
pub struct Listening {
    port: u16,
    ended: Arc<AtomicBool>,
}

impl Listening {
    /// Gives each connection to `serve`, on a thread of its own.
    pub fn start(serve: impl Fn(&TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (serve, ended) = (Arc::new(serve), Arc::new(AtomicBool::new(false)));
        let over = Arc::clone(&ended);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(&stream));
            }
        });
        Self { port, ended }
    }

    /// The port, on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}
