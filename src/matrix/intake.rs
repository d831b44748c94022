//! The sync loop: one response after another becomes a [`Batch`], which the caller writes down before the next is asked for.
//!
//! The cursor is ours. The SDK keeps a sync token too, but writes it before anyone has seen the messages, and drops a response that
//! ends at its own token. So its token is removed at each start, before the session is restored (`session::build`), every sync is
//! made from the cursor that was stored *with* the messages, and a response that was never written down is simply asked for
//! again. What the SDK then sees twice (state, keys) it takes twice without harm; what we see twice the store knows by event id.

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
    batch::Batch,
    clock::now,
    fault::{Backoff, Fault},
    gap::{self, Horizon, Rest},
    keeper::Keeper,
    session::Session,
    timeline::{TimelineReader, missed, read_events},
};
use crate::message::Gap;

/// How long the server may hold a sync that has nothing to say.
const LONG_POLL: Duration = Duration::from_secs(30);
/// One sync with all its tries: the SDK waits as long as a server asks it to, which must not be for ever.
const SYNC_LIMIT: Duration = Duration::from_mins(5);
/// The filters' names on this device, for everything and for news; they change with the filters, because the server keeps the old ones.
const FILTER: &str = "compagnon-1";
const NEWS_FILTER: &str = "compagnon-news-1";

/// Why the loop ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum SyncError<E> {
    /// The token is not valid any more. After a soft logout the same device may connect again; otherwise a person must decide.
    #[error("the homeserver has ended this session")]
    LoggedOut {
        /// Whether `Session::connect` may bring the same device back.
        soft: bool,
    },
    /// The account has expired.
    #[error("the account has expired: renew it from its mailbox")]
    Expired,
    /// The stores of this device cannot be read or written. As below.
    #[error("the session's stores: {0}")]
    Storage(String),
    /// A batch could not be written down. The loop must not be started again on the same session: the SDK has moved on.
    #[error("a batch could not be accepted")]
    Accept(#[source] E),
}

/// Where the loop begins, and how far back it looks.
#[derive(Clone, Debug)]
pub struct CatchUp {
    /// The `next_batch` of the last batch accepted, or `None` at the very first start; what the rooms then already hold is not taken for
    /// questions.
    pub cursor: Option<String>,
    /// The gaps that are not read yet, as the last batches left them.
    pub gaps: Vec<Gap>,
    /// The age from which nothing is answered any more: nothing older is read back.
    pub max_age: Duration,
}

/// Syncs until stopped. `accept` gets a batch after every sync, even an empty one (the cursor moves), and must have written it down
/// when it returns: only then is the next sync asked for, and only then are invitations answered. What is read back later comes as a
/// batch of its own, with the cursor of the last sync.
///
/// Stopping drops the request in flight; nothing is lost, as its batch was not accepted.
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
    // Not an `AsyncFnMut`: the loop could then not be spawned, as nobody can say that its futures are `Send`.
    F: Future<Output = Result<(), E>> + Send,
{
    let CatchUp { mut cursor, gaps, max_age } = catch_up;
    let mut keeper = Keeper::new(session.clone(), access.clone());
    let mut backfill = Backfill::new(session.clone(), max_age);
    let mut backoff = Backoff::default();
    let mut full_state = cursor.is_some() && session.is_fresh();
    keeper.resume();
    backfill.follow(gaps, &[]);
    // The first response must come at once, news or not: until then nobody knows that the bot is there.
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
                    // Not while there is no cursor to write down with it: gaps have come with one. Nor before a new device knows its rooms.
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

/// Why the loop ends with a fault that ends the session.
fn ended<E>(fault: Fault) -> SyncError<E> {
    match fault {
        Fault::LoggedOut { soft } => SyncError::LoggedOut { soft },
        Fault::Expired => SyncError::Expired,
        Fault::Storage(why) => SyncError::Storage(why),
        // The others are not final.
        Fault::Deactivated(_)
        | Fault::Limited(_)
        | Fault::Unreachable(_)
        | Fault::Account(_)
        | Fault::Refused(_)
        | Fault::Missing(_)
        | Fault::Local(_) => SyncError::LoggedOut { soft: false },
    }
}

/// One sync, and what it brought.
async fn turn(
    session: &Session,
    keeper: &mut Keeper,
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
            Rest::Nothing => {}
            Rest::Later(gap) => batch.gaps.push(gap),
            Rest::Lost => {
                batch.messages.extend(missed(session, &TimelineReader::of(session, &room).await, &token));
            }
        }
    }
    Ok((batch, response))
}

/// The loop must be fit for `tokio::spawn`; here the compiler says so rather than the application's author.
#[cfg(test)]
#[allow(dead_code)]
fn the_loop_is_send(session: &Session, access: &Access, stop: CancellationToken) -> impl Send {
    let catch_up = CatchUp { cursor: None, gaps: Vec::new(), max_age: Duration::ZERO };
    sync_loop(session, access, catch_up, |_| async { Ok::<(), std::convert::Infallible>(()) }, stop)
}

/// Members only as they speak, fifty events a room, no presence, no typing, no receipts.
///
/// News come without the state that the bot itself (`own`) has set, which it knows. Synapse remembers of some 100 members that a device
/// was sent them; beyond, it sends who speaks again and again, and lists them as people whose devices have changed. That of our own account
/// made each sending wait five seconds for news of it, one after the other (SDK 0.18).
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
