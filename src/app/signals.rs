//! What the process does on signals. A thread of their own receives them: whatever blocks the bot's tasks, a signal is heeded, and
//! SIGTERM ends the process within [`STOP_WITHIN`].

use std::{
    io, process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::sync_channel,
    },
    thread,
    time::Duration,
};

use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Within this time of SIGTERM the process has ended, in order or not. Nothing is lost by the second: what was acknowledged is on disk.
pub const STOP_WITHIN: Duration = Duration::from_secs(20);

/// The same before the bot answers anybody: nothing is under way then that deserves to be waited for.
const STOP_EARLY_WITHIN: Duration = Duration::from_secs(2);

/// Orders that may wait; one more would say nothing new.
const WAITING: usize = 4;

/// What a signal asks of a running bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// SIGHUP: take up what has changed in the configuration.
    Reload,
    /// SIGUSR1: say in the log how things stand.
    Report,
}

/// The signals, as the bot sees them.
#[derive(Debug)]
pub struct Signals {
    /// Cancelled by SIGTERM or SIGINT.
    pub stop: CancellationToken,
    orders: mpsc::Receiver<Order>,
    serving: Arc<AtomicBool>,
}

impl Signals {
    /// Receives signals from now on.
    pub fn listen() -> io::Result<Self> {
        let (stop, serving) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let (give, orders) = mpsc::channel(WAITING);
        let (say, ready) = sync_channel(1);
        let heeded = Heeded { stop: stop.clone(), orders: give, serving: Arc::clone(&serving) };
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let begun = Builder::new_current_thread().enable_all().build().and_then(|runtime| {
                let wanted = runtime.block_on(async { Wanted::all() })?;
                Ok((runtime, wanted))
            });
            match begun {
                Ok((runtime, wanted)) => {
                    let _ = say.send(Ok(()));
                    runtime.block_on(heeded.heed(wanted));
                }
                Err(error) => drop(say.send(Err(error))),
            }
        })?;
        ready.recv().map_err(io::Error::other)??;
        Ok(Self { stop, orders, serving })
    }

    /// From now on stopping waits for the answers being written.
    pub fn serving(&self) {
        self.serving.store(true, Ordering::Relaxed);
    }

    /// The next order; never, once no more can come.
    pub async fn order(&mut self) -> Order {
        match self.orders.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }
}

/// The signals that mean something.
struct Wanted {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    report: Signal,
    unused: Signal,
}

impl Wanted {
    fn all() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            report: signal(SignalKind::user_defined1())?,
            unused: signal(SignalKind::user_defined2())?,
        })
    }
}

/// The thread's side.
struct Heeded {
    stop: CancellationToken,
    orders: mpsc::Sender<Order>,
    serving: Arc<AtomicBool>,
}

impl Heeded {
    async fn heed(self, mut wanted: Wanted) {
        let mut deadline = None;
        loop {
            tokio::select! {
                _ = wanted.terminate.recv() => self.end(&mut deadline),
                _ = wanted.interrupt.recv() => self.end(&mut deadline),
                _ = wanted.hangup.recv() => self.pass("SIGHUP", Order::Reload),
                _ = wanted.report.recv() => self.pass("SIGUSR1", Order::Report),
                _ = wanted.unused.recv() => tracing::info!("SIGUSR2 means nothing here: it is ignored"),
                () = at(deadline), if deadline.is_some() => self.give_up(),
            }
        }
    }

    /// SIGTERM or SIGINT: the first is an end in order, the second does not wait.
    fn end(&self, deadline: &mut Option<Instant>) {
        if self.stop.is_cancelled() {
            process::exit(1);
        }
        let within = if self.serving.load(Ordering::Relaxed) {
            tracing::info!("stopping: answers being written are finished first");
            STOP_WITHIN
        } else {
            tracing::info!("stopping before the bot was ready");
            STOP_EARLY_WITHIN
        };
        *deadline = Some(Instant::now() + within);
        self.stop.cancel();
    }

    fn give_up(&self) {
        if self.serving.load(Ordering::Relaxed) {
            tracing::error!("stopping took longer than {STOP_WITHIN:?}: the rest is left for the next start");
            process::exit(1);
        }
        process::exit(0);
    }

    fn pass(&self, name: &str, order: Order) {
        if !self.serving.load(Ordering::Relaxed) {
            tracing::info!("{name}: the bot is starting, and takes it up once it is connected");
        }
        if self.orders.try_send(order).is_err() {
            tracing::warn!("{name} is ignored: others wait before it");
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
