//! Signal handling. A thread of its own receives the signals, so that they are handled even if the bot's tasks are blocked, and SIGTERM
//! ends the process within [`STOP_WITHIN`].

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

/// The process ends within this time of SIGTERM, if necessary by force. Nothing is lost then, because acknowledged data are on disk.
pub const STOP_WITHIN: Duration = Duration::from_secs(20);

/// The same during the start, when nothing needs to be completed.
const STOP_EARLY_WITHIN: Duration = Duration::from_secs(2);

/// The most waiting orders; a further one would add nothing.
const WAITING: usize = 4;

/// What a signal asks of a running bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// SIGHUP: apply the changes of the configuration.
    Reload,
    /// SIGUSR1: log the bot's state.
    Report,
}

/// The bot's end of signal handling.
#[derive(Debug)]
pub struct Signals {
    /// Cancelled by SIGTERM or SIGINT.
    pub stop: CancellationToken,
    orders: mpsc::Receiver<Order>,
    serving: Arc<AtomicBool>,
}

impl Signals {
    /// Starts to handle signals.
    pub fn listen() -> io::Result<Self> {
        let (stop, serving) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
        let (give, orders) = mpsc::channel(WAITING);
        let (say, ready) = sync_channel(1);
        let handler = Handler { stop: stop.clone(), orders: give, serving: Arc::clone(&serving) };
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let begun = Builder::new_current_thread().enable_all().build().and_then(|runtime| {
                let wanted = runtime.block_on(async { Wanted::all() })?;
                Ok((runtime, wanted))
            });
            match begun {
                Ok((runtime, wanted)) => {
                    let _ = say.send(Ok(()));
                    runtime.block_on(handler.run(wanted));
                }
                Err(error) => drop(say.send(Err(error))),
            }
        })?;
        ready.recv().map_err(io::Error::other)??;
        Ok(Self { stop, orders, serving })
    }

    /// From now on a stop waits for active answers.
    pub fn serving(&self) {
        self.serving.store(true, Ordering::Relaxed);
    }

    /// The next order; pending for ever when no more can come.
    pub async fn order(&mut self) -> Order {
        match self.orders.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }
}

/// The handled signals.
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

/// The state of the signal thread.
struct Handler {
    stop: CancellationToken,
    orders: mpsc::Sender<Order>,
    serving: Arc<AtomicBool>,
}

impl Handler {
    async fn run(self, mut wanted: Wanted) {
        let mut deadline = None;
        loop {
            tokio::select! {
                _ = wanted.terminate.recv() => self.end(&mut deadline),
                _ = wanted.interrupt.recv() => self.end(&mut deadline),
                _ = wanted.hangup.recv() => self.pass("SIGHUP", Order::Reload),
                _ = wanted.report.recv() => self.pass("SIGUSR1", Order::Report),
                _ = wanted.unused.recv() => tracing::info!("SIGUSR2 has no meaning: it is ignored"),
                () = at(deadline), if deadline.is_some() => self.give_up(),
            }
        }
    }

    /// SIGTERM or SIGINT: the first stops in order, the second at once.
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
            tracing::info!("{name}: the bot is starting, and handles it once it is connected");
        }
        if self.orders.try_send(order).is_err() {
            tracing::warn!("{name} is ignored: too many signals are waiting");
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
