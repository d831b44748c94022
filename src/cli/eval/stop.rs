//! Ctrl-C or SIGTERM while cases are asked: what was answered is reported.

use std::{io, process};

use tokio::{
    runtime::Runtime,
    select,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::super::output;

/// What the first SIGINT or SIGTERM from now on cancels; the second ends the program. Unlike the bot, which has everything on disk, a run has no
/// time within which it must have ended: its reports are written first.
pub(super) fn listen(runtime: &Runtime) -> io::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = {
        let _runtime = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    runtime.spawn(async move {
        loop {
            select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stopping.is_cancelled() {
                process::exit(1);
            }
            output::note("stopping: what was answered is reported; a second signal ends at once");
            stopping.cancel();
        }
    });
    Ok(stop)
}
