//! The control socket of the running bot in its data folder, for accounts that may read the folder anyway. Its only request is a backup.
//!
//! A running bot locks the folder, so a backup has to come from it. `compagnon backup` connects, writes [`REQUEST`], and reads the frames
//! of a snapshot. It encrypts and writes the file itself, so the bot never gets the backup's key.

use std::{
    fs::{self, Permissions},
    io::{self, BufWriter, Read as _, Write as _},
    net::Shutdown,
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{net::UnixListener, runtime::Handle, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    matrix,
    store::{BackupError, Store},
};

/// The socket's name.
pub const SOCKET: &str = "control.sock";
const REQUEST: &[u8] = b"backup\n";
/// The timeout of reads and writes during a backup: the other side writes to a disk, which may be slow.
const PATIENCE: Duration = Duration::from_mins(1);
/// The time limit for the request: the client is a program on the same machine, and others wait behind it.
const TO_ASK: Duration = Duration::from_secs(5);
/// How long the end of a running backup is waited for after its connection was shut down.
const TO_END: Duration = Duration::from_millis(500);

/// Listens until `stop`. If no socket can be created (its path may be too long), this is logged, and the bot runs without.
pub fn listen(folder: &Path, store: &Store, stop: CancellationToken) -> Option<JoinHandle<()>> {
    let path = folder.join(SOCKET);
    // Left by an earlier process: this one holds the lock of the folder, so nobody listens there.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).and_then(|listener| {
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "the control socket cannot be created: backups can be made only while the bot is stopped");
            return None;
        }
    };
    let (folder, store) = (folder.to_owned(), store.clone());
    Some(tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted.and_then(|(stream, _)| stream.into_std()),
            };
            // One at a time, because for each is kept in memory what is written over before it is read.
            if let Err(error) = serve(accepted, &folder, &store, &stop).await {
                tracing::error!(%error, "a backup could not be delivered");
                // The next connection may fail for the same reason.
                let _ = timeout(Duration::from_secs(1), stop.cancelled()).await;
            }
        }
        let _ = fs::remove_file(path);
    }))
}

/// Answers one connection. It is shut down when the bot stops, so that a silent client does not delay the stop.
async fn serve(
    accepted: io::Result<UnixStream>,
    folder: &Path,
    store: &Store,
    stop: &CancellationToken,
) -> io::Result<()> {
    let stream = accepted?;
    let shut = stream.try_clone()?;
    let folder = folder.to_owned();
    let store = store.clone();
    let runtime = Handle::current();
    let mut answered = tokio::task::spawn_blocking(move || answer(&stream, &folder, &store, &runtime));
    let answered = tokio::select! {
        answered = &mut answered => answered,
        () = stop.cancelled() => {
            let _ = shut.shutdown(Shutdown::Both);
            match timeout(TO_END, answered).await {
                Ok(answered) => answered,
                Err(_) => return Err(io::Error::other("the bot stops and does not wait for it")),
            }
        }
    };
    let records = answered.map_err(io::Error::other)??;
    tracing::info!(records, "a backup was delivered");
    Ok(())
}

fn answer(stream: &UnixStream, folder: &Path, store: &Store, runtime: &Handle) -> io::Result<usize> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(TO_ASK))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = [0; REQUEST.len()];
    (&*stream).read_exact(&mut request)?;
    if request != REQUEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an unknown request"));
    }
    let others = matrix::portable(folder)?;
    store.write_snapshot(runtime, &others, &mut BufWriter::new(stream)).map_err(|error| match error {
        BackupError::Io(error) => error,
        error => io::Error::other(error),
    })
}

/// Requests a backup from the bot that runs on this folder; `None` when none runs. The stream delivers the frames of a snapshot.
pub fn ask(folder: &Path) -> anyhow::Result<Option<UnixStream>> {
    let socket = folder.join(SOCKET);
    let mut stream = match UnixStream::connect(&socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("the running bot cannot be asked ({})", socket.display()));
        }
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(REQUEST)?;
    Ok(Some(stream))
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, os::unix::net::UnixStream, time::Duration};

    use tokio::time::timeout;
    use tokio_util::sync::CancellationToken;

    use super::{SOCKET, ask, listen};
    use crate::store::Store;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_that_says_nothing_does_not_hold_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let stop = CancellationToken::new();
        let listening = listen(folder.path(), &store, stop.clone()).expect("a socket");
        let mut silent = UnixStream::connect(folder.path().join(SOCKET)).unwrap();
        // Behind the silent one.
        assert!(ask(folder.path()).unwrap().is_some());
        stop.cancel();
        timeout(Duration::from_secs(30), listening).await.expect("it ends").unwrap();
        // Shut, or reset where it had not been accepted yet.
        assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "its connection is over");
        assert!(ask(folder.path()).unwrap().is_none(), "nobody listens any more");
    }
}
