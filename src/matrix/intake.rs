//! The sync loop: each response becomes a [`Batch`], which the caller stores before the next sync is requested.
//!
//! The cursor is our own. The SDK stores a sync token too, but before the messages are stored, and it drops a response that ends at its
//! token. Its token is therefore removed at each start, before the session is restored (`session::client`). Every sync starts from the
//! cursor that was stored *with* the messages, and a response that was not stored is requested again. State and keys that the SDK
//! receives twice do no harm; messages that arrive twice are recognised by the store's dedup records.

use std::time::Duration;

use matrix_sdk::{
    config::{SyncSettings, SyncToken},
    ruma::{
        UserId,
        api::client::{
            filter::{Filter, FilterDefinition, LazyLoadOptions, RoomEventFilter},
            sync::sync_events::v3,
        },
        uint,
    },
    sync::SyncResponse,
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    access::Access,
    backfill::Backfill,
    backoff::Backoff,
    batch::Batch,
    clock::now,
    fault::Fault,
    gap::{self, Horizon, Remainder},
    room_tasks::RoomTasks,
    session::Session,
    timeline::{TimelineReader, missed, read_events},
    verification::between_devices,
};
use crate::message::Gap;

/// The long-polling timeout of a sync.
const LONG_POLL: Duration = Duration::from_secs(30);
/// The time limit of one sync with the SDK's retries, which wait as long as the server asks for.
const SYNC_LIMIT: Duration = Duration::from_mins(5);
/// The names under which the SDK stores the ids of the full and of the incremental filter. Change a name with its filter, because the server
/// keeps the old one.
const FILTER: &str = "compagnon-1";
const NEWS_FILTER: &str = "compagnon-news-1";

/// Why the loop ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum SyncError<E> {
    /// The token is not valid any more. After a soft logout the same device may connect again; otherwise the operator must decide.
    #[error("the homeserver has ended this session")]
    LoggedOut {
        /// Whether `Session::connect` can restore the same device.
        soft: bool,
    },
    /// The account has expired.
    #[error("the account has expired: renew it from its mailbox")]
    Expired,
    /// The stores of this device cannot be read or written. The loop must not be started again on the same session.
    #[error("the session's stores: {0}")]
    Storage(String),
    /// A batch could not be stored. The loop must not be started again on the same session, because the SDK's state is ahead.
    #[error("a batch could not be accepted")]
    Accept(#[source] E),
}

/// Where the loop starts, and how far back it reads.
#[derive(Clone, Debug)]
pub struct CatchUp {
    /// The `next_batch` of the last accepted batch, or `None` at the first start: the messages that the rooms hold then are not questions.
    pub cursor: Option<String>,
    /// The gaps that earlier batches left to be read.
    pub gaps: Vec<Gap>,
    /// The age from which messages are not answered any more. Older ones are not read back.
    pub max_age: Duration,
}

/// Syncs until stopped. `accept` gets a batch after every sync, even an empty one because the cursor moves, and must have stored it when
/// it returns. Only then is the next sync requested, and are invitations answered. Messages that are read back later come as a batch of
/// their own, with the cursor of the last sync.
///
/// Stopping drops the request in flight. Nothing is lost, because its batch was not accepted.
///
/// One loop per session.
pub async fn sync_loop<E, F>(
    session: &Session,
    access: &Access,
    catch_up: CatchUp,
    mut accept: impl FnMut(Batch) -> F,
    stop: CancellationToken,
) -> Result<(), SyncError<E>>
where
    // Not an `AsyncFnMut`: its futures cannot be bounded by `Send`, so the loop could not be spawned.
    F: Future<Output = Result<(), E>> + Send,
{
    let CatchUp { mut cursor, gaps, max_age } = catch_up;
    let mut keeper = RoomTasks::new(session.clone(), access.clone());
    let mut backfill = Backfill::new(session.clone(), max_age);
    let mut backoff = Backoff::default();
    let mut full_state = cursor.is_some() && session.is_fresh();
    keeper.resume();
    backfill.follow(gaps, &[]);
    // No long polling at first: the bot is not ready before the first response.
    let mut patience = Duration::ZERO;
    let mut wait = Duration::ZERO;
    loop {
        let done = {
            let mut turn = Box::pin(async {
                sleep(wait).await;
                turn(session, &mut keeper, cursor.as_deref(), full_state, patience, max_age).await
            });
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Ok(()),
                    done = &mut turn => break done,
                    // Only with a cursor to store with it, and only when a new device knows its rooms.
                    slice = backfill.next(), if cursor.is_some() && !full_state => {
                        let at = cursor.as_deref().unwrap_or_default();
                        let Some(batch) = backfill.take(slice, at).await.map_err(ended)? else { continue };
                        let (gaps, closed) = (batch.gaps.clone(), batch.closed.clone());
                        accept(batch).await.map_err(SyncError::Accept)?;
                        backfill.follow(gaps, &closed);
                    }
                }
            }
        };
        session.condition.note(done.as_ref().map(|_| ()), true);
        let (mut batch, response) = match done {
            Ok(done) => done,
            Err(fault) if fault.is_final() => return Err(ended(fault)),
            Err(fault) => {
                wait = backoff.next(&fault);
                warn!(?fault, ?wait, "the sync failed");
                continue;
            }
        };
        backoff.reset();
        wait = Duration::ZERO;
        full_state = false;
        patience = LONG_POLL;
        backfill.join(&mut batch);
        let next = batch.next_batch.clone();
        let (gaps, left) = (batch.gaps.clone(), batch.left.clone());
        accept(batch).await.map_err(SyncError::Accept)?;
        cursor = Some(next);
        backfill.follow(gaps, &left);
        keeper.follow(&response);
    }
}

/// The error for a fault that ends the session.
fn ended<E>(fault: Fault) -> SyncError<E> {
    match fault {
        Fault::LoggedOut { soft } => SyncError::LoggedOut { soft },
        Fault::Expired => SyncError::Expired,
        Fault::Storage(why) => SyncError::Storage(why),
        // Not final, except for a deactivated account, whose device is logged out.
        Fault::Deactivated(_)
        | Fault::Limited(_)
        | Fault::Unreachable(_)
        | Fault::Account(_)
        | Fault::Refused(_)
        | Fault::Missing(_)
        | Fault::Local(_) => SyncError::LoggedOut { soft: false },
    }
}

/// Makes one sync and reads its events into a batch.
async fn turn(
    session: &Session,
    keeper: &mut RoomTasks,
    cursor: Option<&str>,
    full_state: bool,
    patience: Duration,
    max_age: Duration,
) -> Result<(Batch, SyncResponse), Fault> {
    let client = session.client();
    let (name, own) =
        if cursor.is_some() && !full_state { (NEWS_FILTER, Some(session.user_id())) } else { (FILTER, None) };
    let filter = client.get_or_upload_filter(name, filter(own)).await.map_err(|error| Fault::from(&error))?;
    let settings = SyncSettings::new()
        .token(cursor.map_or(SyncToken::NoToken, |cursor| SyncToken::Specific(cursor.to_owned())))
        .filter(v3::Filter::FilterId(filter))
        .full_state(full_state)
        .timeout(patience);
    let synced = timeout(SYNC_LIMIT, client.sync_once(settings)).await;
    let synced = synced.map_err(|_| Fault::Unreachable("the sync took too long".to_owned()))?;
    let mut response = synced.map_err(|error| Fault::from(&error))?;

    let mut batch = Batch {
        next_batch: response.next_batch.clone(),
        left: response.rooms.left.keys().cloned().collect(),
        upgraded: keeper.upgraded(),
        ..Batch::default()
    };
    let Some(cursor) = cursor else { return Ok((batch, response)) };
    let own = session.user_id();
    batch.verifications = response.to_device.iter().filter_map(|event| between_devices(event, own)).collect();
    let span = cursor..response.next_batch.as_str();
    let horizon = Horizon { own: session.user_id(), now: now(), max_age };
    let mut failed = 0;
    for (room_id, update) in &mut response.rooms.joined {
        let Some(room) = client.get_room(room_id) else { continue };
        let timeline = std::mem::take(&mut update.timeline);
        keeper.notice(&room, &timeline, &update.state);
        if timeline.events.is_empty() && !timeline.limited {
            continue;
        }
        let token = timeline.prev_batch.clone().unwrap_or_default();
        let news = gap::new_events(&room, timeline, span.clone(), horizon, &mut failed).await?;
        read_events(session, &room, news.events, news.joined, &mut batch).await;
        match news.rest {
            Remainder::Nothing => {}
            Remainder::Later(gap) => batch.gaps.push(gap),
            Remainder::Lost => {
                batch.messages.extend(missed(session, &TimelineReader::of(session, &room).await, &token));
            }
        }
    }
    Ok((batch, response))
}

/// Checks at compile time that the loop can be spawned.
#[cfg(test)]
#[allow(dead_code)]
fn the_loop_is_send(session: &Session, access: &Access, stop: CancellationToken) -> impl Send {
    let catch_up = CatchUp { cursor: None, gaps: Vec::new(), max_age: Duration::ZERO };
    sync_loop(session, access, catch_up, |_| async { Ok::<(), std::convert::Infallible>(()) }, stop)
}

/// The sync filter: members lazily, fifty events a room, no presence, no typing notifications, no receipts.
///
/// An incremental filter also leaves out state events sent by `own`, the bot. Synapse remembers for about 100 members that a device has
/// received them. Beyond that it sends the members who speak again and again, and lists them among the changed devices. Each entry of the
/// bot's own account there delays every sending by five seconds (SDK 0.18).
fn filter(own: Option<&UserId>) -> FilterDefinition {
    let lazy = LazyLoadOptions::Enabled { include_redundant_members: false };
    let mut filter = FilterDefinition::default();
    filter.presence = Filter::ignore_all();
    filter.room.timeline.limit = Some(uint!(50));
    filter.room.timeline.lazy_load_options = lazy;
    filter.room.state.lazy_load_options = lazy;
    filter.room.state.not_senders = own.map(ToOwned::to_owned).into_iter().collect();
    filter.room.ephemeral = RoomEventFilter::ignore_all();
    filter
}
