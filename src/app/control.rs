//! The running bot's socket in its data folder, for those who may read the folder anyway: one request, a backup.
//!
//! A running bot holds the folder, so a backup has to come from it. `compagnon backup` connects, writes [`REQUEST`], and reads the
//! frames of a snapshot; sealing and writing the file is its own business, so the backup's key never comes to the bot.

use std::{
    fs::{self, Permissions},
    io::{self, BufWriter, Read as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::Path,
    time::Duration,
};

use tokio::{net::UnixListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{matrix, store::Store};

/// The socket's name.
pub const SOCKET: &str = "control.sock";
const REQUEST: &[u8] = b"backup\n";
/// How long the other side may be silent: it is a program on the same machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Listens until `stop`. Where no socket can be made (its path may be too long for one) that is said, and the bot goes on without.
pub fn listen(folder: &Path, store: &Store, stop: CancellationToken) -> Option<JoinHandle<()>> {
    let path = folder.join(SOCKET);
    // One that a process before this one has left: the folder is held, so nobody listens there.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).and_then(|listener| {
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(listener)
    });
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::warn!(%error, "there is no control socket: a backup can be made only while the bot is stopped");
            return None;
        }
    };
    let (folder, store) = (folder.to_owned(), store.clone());
    Some(tokio::spawn(async move {
        loop {
            let stream = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted.and_then(|(stream, _)| stream.into_std()),
            };
            let (folder, store) = (folder.clone(), store.clone());
            // One at a time: each holds a copy of the store in memory.
            let answered = tokio::task::spawn_blocking(move || answer(&stream?, &folder, &store)).await;
            match answered {
                Ok(Ok(records)) => tracing::info!(records, "a backup was given"),
                Ok(Err(error)) => {
                    tracing::error!(%error, "a backup could not be given");
                    // What refuses now may well refuse the next one.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) => tracing::error!(%error, "a backup could not be given"),
            }
        }
        let _ = fs::remove_file(path);
    }))
}

fn answer(stream: &UnixStream, folder: &Path, store: &Store) -> io::Result<usize> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = [0; REQUEST.len()];
    (&*stream).read_exact(&mut request)?;
    if request != REQUEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an unknown request"));
    }
    let snapshot = store.snapshot().map_err(io::Error::other)?;
    let mut out = BufWriter::new(stream);
    snapshot.write(&matrix::portable(folder)?, &mut out)?;
    out.flush()?;
    Ok(snapshot.records())
}

/// Asks the bot that runs on this folder for a backup; `None` when none runs. What is read from the stream are a snapshot's frames.
pub fn ask(folder: &Path) -> io::Result<Option<UnixStream>> {
    let mut stream = match UnixStream::connect(folder.join(SOCKET)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(REQUEST)?;
    Ok(Some(stream))
}
