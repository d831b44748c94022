//! What people find of answers, by reactions: one rating of a person and an answer, in the write that takes the sync response.
//!
//! Reactions stand beside one another in a room; the last one that stands is the rating, so that one that is taken back lets an earlier one
//! count again. A rating counts on the day on which it was first given, whatever it is changed to until the week of that day is over. It knows
//! its person by a blinded identifier, is sealed under the key of its room, and goes with the answer.

use ruma::{OwnedEventId, UserId};

use super::answer::{Answered, Delivery};
use super::error::StoreError;
use super::layout::{EventPlace, Key, Tree};
use super::people::ASKED_WHY;
use super::question::{Queued, QueuedKind};
use super::recorder::CountedEvent;
use super::seal::BlindedId;
use super::transaction::Transaction;
use crate::message::{Content, Incoming, Reaction};
use crate::statistics::{Counters, Day, Rating, Reason, Series};

/// The most reactions of a person on one answer that are kept.
const MOST_REACTIONS: usize = 8;

/// What a person finds of an answer.
#[derive(Clone, Default)]
pub(super) struct Rated {
    /// The reactions that stand, oldest first.
    pub(super) ratings: Vec<(BlindedId, Rating)>,
    /// Those that say why.
    pub(super) reasons: Vec<(BlindedId, Reason)>,
    /// Where it counts. `None`: the answer is not written to its end yet.
    pub(super) counted: Option<(Day, Series)>,
    /// When it was given.
    pub(super) at: u64,
}

/// What a person finds of an answer, as it is told to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRating {
    /// When they rated it first.
    pub at: u64,
    /// What they find.
    pub rating: Rating,
    /// Why, where they said it.
    pub reason: Option<Reason>,
}

/// What a reaction is about.
pub(super) struct Reacted {
    /// The question that is answered, in the same room.
    pub(super) question: BlindedId,
    /// Who reacted.
    pub(super) person: BlindedId,
    /// When.
    pub(super) at: u64,
}

impl Rated {
    fn rating(&self) -> Option<Rating> {
        self.ratings.last().map(|(_, rating)| *rating)
    }

    /// A reason counts for as long as the answer is found not useful.
    fn reason(&self) -> Option<Reason> {
        self.reasons.last().map(|(_, reason)| *reason).filter(|_| self.rating() == Some(Rating::NotUseful))
    }

    fn reactions(&self) -> impl Iterator<Item = BlindedId> {
        self.ratings.iter().map(|(event, _)| *event).chain(self.reasons.iter().map(|(event, _)| *event))
    }
}

/// Puts what a person finds now in the place of what they found before. Of a week that is over only the reasons still change.
fn recount(counters: &mut Counters, before: &Rated, after: &Rated, over: bool) {
    for (rated, adds) in [(before, false), (after, true)] {
        match rated.rating().filter(|_| !over) {
            Some(Rating::Useful) => step(&mut counters.useful, adds),
            Some(Rating::NotUseful) => step(&mut counters.not_useful, adds),
            None => {}
        }
        if let Some(reason) = rated.reason() {
            step(counters.reasons.entry(reason).or_default(), adds);
        }
    }
    counters.reasons.retain(|_, count| *count > 0);
}

fn step(count: &mut u64, adds: bool) {
    *count = if adds { count.saturating_add(1) } else { count.saturating_sub(1) };
}

/// What is known of the answer that a reaction was put on.
struct Target {
    question: Incoming,
    /// `None`: it is not written to its end yet.
    series: Option<Series>,
}

impl Transaction<'_> {
    /// Takes a reaction, if it rates an answer or says why one is not useful. Gives the question why that now waits.
    pub(super) fn react(
        &mut self,
        reaction: &Reaction,
        day: Day,
        asks_why: bool,
        now: u64,
    ) -> Result<Option<EventPlace>, StoreError> {
        let place = EventPlace::new(self.blinded_ids(), &reaction.room_id, &reaction.event_id);
        let about = self.answered_by(&reaction.target)?.filter(|about| about.room == place.room);
        let Some(about) = about else { return Ok(None) };
        // The same response, given twice.
        if self.contains(&place.of(Tree::Reactions))? {
            return Ok(None);
        }
        if let Some(rating) = Rating::of_emoji(&reaction.key) {
            return self.rate(reaction, &place, &about, rating, day, asks_why, now);
        }
        if let Some(reason) = Reason::of_emoji(&reaction.key) {
            self.explain(reaction, &place, &about, reason, now)?;
        }
        Ok(None)
    }

    #[expect(clippy::too_many_arguments, reason = "what a reaction is, and what is to be done with it")]
    fn rate(
        &mut self,
        reaction: &Reaction,
        place: &EventPlace,
        about: &EventPlace,
        rating: Rating,
        day: Day,
        asks_why: bool,
        now: u64,
    ) -> Result<Option<EventPlace>, StoreError> {
        let Some(target) = self.target(about, &reaction.target)? else { return Ok(None) };
        let person = self.blinded_ids().person(&reaction.sender);
        let key = rating_key(about, person);
        let before = self.find::<Rated>(&key)?.unwrap_or_default();
        let mut after = before.clone();
        if let Some((oldest, _)) = keep(&mut after.ratings, (place.event, rating)) {
            self.remove(&EventPlace { room: place.room, event: oldest }.of(Tree::Reactions));
        }
        if before.ratings.is_empty() {
            after.at = now;
            after.counted = target.series.map(|series| (day, series));
        }
        self.put(&place.of(Tree::Reactions), &Reacted { question: about.event, person, at: now })?;
        self.change_rating(&key, &before, &after)?;
        let turned = before.rating() != Some(Rating::NotUseful) && rating == Rating::NotUseful;
        let asks = asks_why && turned && after.counted.is_some() && after.reasons.is_empty();
        if !asks {
            return Ok(None);
        }
        let week = self.current_week(day)?;
        if !self.mark_once(week, ASKED_WHY, &reaction.sender)? {
            return Ok(None);
        }
        let ask = Incoming {
            event_id: reaction.event_id.clone(),
            sender: reaction.sender.clone(),
            replies_to: Some(reaction.target.clone()),
            content: Content::Rated,
            sent_at: now,
            edited_at: 0,
            name: None,
            mentions_me: false,
            ..target.question
        };
        self.queue(place, ask, QueuedKind::AskWhy, None, now)?;
        Ok(Some(*place))
    }

    /// Takes why an answer is not useful, by a reaction on the notice that asked this person.
    fn explain(
        &mut self,
        reaction: &Reaction,
        place: &EventPlace,
        about: &EventPlace,
        reason: Reason,
        now: u64,
    ) -> Result<(), StoreError> {
        // The notice answers the reaction that made the bot ask.
        let Some(asked) = self.find::<Reacted>(&about.of(Tree::Reactions))? else { return Ok(()) };
        if asked.person != self.blinded_ids().person(&reaction.sender) {
            return Ok(());
        }
        let key = rating_key(&EventPlace { room: place.room, event: asked.question }, asked.person);
        let Some(before) = self.find::<Rated>(&key)? else { return Ok(()) };
        let mut after = before.clone();
        if let Some((oldest, _)) = keep(&mut after.reasons, (place.event, reason)) {
            self.remove(&EventPlace { room: place.room, event: oldest }.of(Tree::Reactions));
        }
        self.put(&place.of(Tree::Reactions), &Reacted { at: now, ..asked })?;
        self.change_rating(&key, &before, &after)
    }

    /// Takes a reaction back that was redacted, if it is one that was taken.
    pub(super) fn unreact(&mut self, place: &EventPlace) -> Result<(), StoreError> {
        let taken = place.of(Tree::Reactions);
        let Some(reacted) = self.find::<Reacted>(&taken)? else { return Ok(()) };
        self.remove(&taken);
        let key = rating_key(&EventPlace { room: place.room, event: reacted.question }, reacted.person);
        let Some(before) = self.find::<Rated>(&key)? else { return Ok(()) };
        let mut after = before.clone();
        after.ratings.retain(|(event, _)| *event != place.event);
        after.reasons.retain(|(event, _)| *event != place.event);
        self.change_rating(&key, &before, &after)
    }

    /// An answer is written to its end: what people found of it while it was written counts from this day on.
    pub(super) fn count_early_ratings(
        &mut self,
        question: &EventPlace,
        day: Day,
        series: &Series,
    ) -> Result<(), StoreError> {
        let early = self.scan::<Rated>(&question.of(Tree::Ratings))?;
        for (key, rated) in early.into_iter().filter(|(_, rated)| rated.counted.is_none()) {
            let after = Rated { counted: Some((day, series.clone())), ..rated };
            self.change_rating(&key, &Rated::default(), &after)?;
        }
        Ok(())
    }

    /// Counts what a person finds now in the place of what they found before. The ratings of a week stay as they were when it ended: a share that
    /// is published of it would otherwise change by what one person does, and whom it counts is forgotten.
    fn change_rating(&mut self, key: &Key, before: &Rated, after: &Rated) -> Result<(), StoreError> {
        if let Some(((day, series), room)) = after.counted.clone().zip(key.room()) {
            let (week, first) = (day.week(), before.counted.is_none());
            let open = if first { Some(self.current_week(day)?) } else { self.open_week()? };
            let over = !first && open != Some(week);
            self.tally(room, day, &series, |counters| recount(counters, before, after, over))?;
            let stands = |rated: &Rated| rated.counted.is_some() && rated.rating().is_some();
            if stands(before) != stands(after)
                && open == Some(week)
                && let Some(person) = person_of(key)
            {
                self.count_rater(person, week, &series, stands(after))?;
            }
            let unless_over = |rating: Option<Rating>| rating.filter(|_| !over);
            self.counted.push(CountedEvent::Rated {
                series,
                rating: (unless_over(before.rating()), unless_over(after.rating())),
                reason: (before.reason(), after.reason()),
            });
        }
        if after.ratings.is_empty() { self.forget_rating(key, after) } else { self.put(key, after) }
    }

    /// The answer of which a message is a part, or the draft; nothing where it is no answer that can be rated.
    fn target(&self, about: &EventPlace, message: &OwnedEventId) -> Result<Option<Target>, StoreError> {
        if let Some(delivery) = self.find::<Delivery>(&about.of(Tree::Outbox))? {
            let rateable = delivery.series.map(Some);
            return Ok(rateable.map(|series| Target { question: delivery.question, series }));
        }
        if let Some(answered) = self.find::<Answered>(&about.of(Tree::Answered))?
            && answered.parts.contains(message)
        {
            let rateable = answered.series.map(Some);
            return Ok(rateable.map(|series| Target { question: answered.question, series }));
        }
        let queued = self.find::<Queued>(&about.of(Tree::Inbox))?;
        let queued = queued.filter(|queued| queued.draft.as_ref() == Some(message) && queued.question.is_message());
        Ok(queued.map(|queued| Target { question: queued.question, series: None }))
    }

    /// Forgets what people found of the answer to a question. What is counted stays.
    pub(super) fn forget_ratings(&mut self, question: &EventPlace) -> Result<(), StoreError> {
        for (key, rated) in self.scan::<Rated>(&question.of(Tree::Ratings))? {
            self.forget_rating(&key, &rated)?;
        }
        // Set-aside ones too.
        for key in self.raw_keys(&question.of(Tree::Ratings))? {
            self.remove_raw(&key);
        }
        Ok(())
    }

    /// What a person finds of answers, in all rooms.
    pub(super) fn ratings_by(&self, user: &UserId) -> Result<Vec<GivenRating>, StoreError> {
        let person = self.blinded_ids().person(user);
        let theirs = self.scan::<Rated>(&Key::all(Tree::Ratings))?.into_iter();
        let theirs = theirs.filter(|(key, _)| key.bytes.ends_with(&person));
        let given = |rated: &Rated| Some(GivenRating { at: rated.at, rating: rated.rating()?, reason: rated.reason() });
        Ok(theirs.filter_map(|(_, rated)| given(&rated)).collect())
    }

    /// Forgets what a person found of answers, in all rooms. What is counted stays.
    pub(super) fn forget_ratings_of_person(&mut self, user: &UserId) -> Result<(), StoreError> {
        let person = self.blinded_ids().person(user);
        for (key, rated) in self.scan::<Rated>(&Key::all(Tree::Ratings))? {
            if key.bytes.ends_with(&person) {
                self.forget_rating(&key, &rated)?;
                if let Some(room) = key.room() {
                    self.rotate(room)?;
                }
            }
        }
        // What a rating that does not open has left.
        for (key, reacted) in self.scan::<Reacted>(&Key::all(Tree::Reactions))? {
            if reacted.person == person {
                self.remove(&key);
            }
        }
        let aside = self.raw_keys(&Key::all(Tree::Ratings))?.into_iter();
        aside.filter(|key| key.ends_with(&person)).for_each(|key| self.remove_raw(&key));
        Ok(())
    }

    #[allow(clippy::unnecessary_wraps)] // As `put`, in whose place it stands.
    fn forget_rating(&mut self, key: &Key, rated: &Rated) -> Result<(), StoreError> {
        if let Some(room) = key.room() {
            for event in rated.reactions().collect::<Vec<_>>() {
                self.remove(&EventPlace { room, event }.of(Tree::Reactions));
            }
        }
        self.remove(key);
        Ok(())
    }
}

/// Adds the newest of a few reactions; gives the oldest where there are too many.
fn keep<T>(reactions: &mut Vec<T>, newest: T) -> Option<T> {
    reactions.push(newest);
    (reactions.len() > MOST_REACTIONS).then(|| reactions.remove(0))
}

/// The person at the end of the key of a rating.
fn person_of(key: &Key) -> Option<BlindedId> {
    key.bytes.last_chunk().copied()
}

fn rating_key(question: &EventPlace, person: BlindedId) -> Key {
    Key::new(Tree::Ratings, &[&question.room, &question.event, &person])
}
