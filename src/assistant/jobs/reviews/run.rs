//! The job.

use super::{
    asked::{Asked, Wish, read as read_asked},
    export::exported,
    kept::Kept,
    masked::Masks,
    rows::{self, Row},
    state::{Current, Review, State, Step, Walk},
    write::{Written, write},
};
use crate::{
    assistant::{
        clock::now,
        commands::inert,
        courier::Ending,
        failure::Failure,
        jobs::{job::Job, target::Target},
        texts::{Language, Text, reviews::Reviews},
    },
    documents::decoded,
    inference::Haste,
    matrix,
    message::Item,
    pseudonym::Kind,
};

/// The most characters of a review of a file that are shown above its draft.
const SHOWN: usize = 1_500;

/// Carries out what is asked for.
pub async fn run(job: &Job<'_>) -> Result<Ending, Failure> {
    let kept = Kept::of(&job.parts.store, job.message).await?;
    let work = Work { job, kept };
    match read_asked(&job.call.arguments, &job.call.text) {
        Asked::Review(text) => work.review(&text).await,
        Asked::Pointed => work.pointed().await,
        Asked::Rewrite(wish) => work.rewrite(wish).await,
        Asked::Next => work.step(super::state::Walk::after, Reviews::Over { drafts: work.drafts() }).await,
        Asked::Previous => work.step(super::state::Walk::before, Reviews::Beginning).await,
        Asked::At(number) => work.step(|walk, _| walk.at(number), Reviews::NoWalk).await,
        Asked::Export => work.export().await,
        Asked::End => {
            let changes = vec![work.kept.drop(job.message)];
            Ok(Ending { changes, ..work.say(Reviews::Ended) })
        }
    }
}

/// The job with what was kept for it.
struct Work<'a> {
    job: &'a Job<'a>,
    kept: Kept,
}

impl Work<'_> {
    fn say(&self, text: Reviews<'_>) -> Ending {
        Ending { items: self.job.say(&Text::Reviews(text)), ..Ending::default() }
    }

    /// The message that is carried out: what it brings goes with it.
    fn origin(&self) -> String {
        self.job.message.event_id.to_string()
    }

    fn drafts(&self) -> usize {
        self.kept.state.walk.as_ref().map_or(0, |walk| walk.drafts.len())
    }

    /// What the command points at: a file, or a message.
    async fn pointed(&self) -> Result<Ending, Failure> {
        match Target::of(self.job, "").await? {
            Target::Text(text) => self.review(&text).await,
            Target::File(file) => self.file(file.bytes).await,
            Target::NotRead(text) => Ok(self.job.ends(&text)),
            Target::Nothing => {
                // Without a word, where a draft stands already: what may be done with it.
                let text = if self.kept.state.current.is_some() { Reviews::NoWalk } else { Reviews::NoDraft };
                Ok(self.say(text))
            }
        }
    }

    /// A review that was pasted.
    async fn review(&self, text: &str) -> Result<Ending, Failure> {
        let mut row = Row {
            number: 0,
            text: text.to_owned(),
            title: String::new(),
            rating: String::new(),
            date: String::new(),
            answer: String::new(),
            answered: false,
            names: Vec::new(),
        };
        self.named(std::slice::from_mut(&mut row), Haste::Answer).await?;
        let mut masks = Masks::default();
        let review = Review::masked(&row, &mut masks);
        let current = Current { review, origin: self.origin(), ..Current::default() };
        self.draft(self.kept.state.walk.clone(), current, masks, None, Vec::new()).await
    }

    /// A file of reviews: the first that waits is answered at once.
    async fn file(&self, bytes: Vec<u8>) -> Result<Ending, Failure> {
        if bytes.len() > rows::MOST_BYTES {
            return Ok(self.say(Reviews::Bad(rows::BadFile::TooLarge(rows::MOST_BYTES))));
        }
        // Thousands of reviews are masked: seconds of one processor.
        let read = tokio::task::spawn_blocking(move || {
            let Some(text) = decoded(&bytes) else { return Err(Reviews::NotText) };
            rows::read(&text).map_err(Reviews::Bad)
        });
        let mut rows = match read.await.map_err(|_| Failure::Panicked)? {
            Ok(rows) => rows,
            Err(text) => return Ok(self.say(text)),
        };
        self.named(&mut rows.rows, Haste::Later).await?;
        let headed = rows.headed;
        let walk = tokio::task::spawn_blocking(move || Walk::of(&rows)).await.map_err(|_| Failure::Panicked)?;
        let mut walk = match walk {
            Ok(walk) => walk,
            Err(fit) => return Ok(self.say(Reviews::TooLarge { fit })),
        };
        walk.origin = self.origin();
        let urgent = walk.urgent();
        let (answered, empty) = (walk.answered.len(), walk.empty.len());
        let loaded = Reviews::Loaded { total: walk.total, answered, empty, urgent: &urgent, headed };
        let items = self.job.say(&Text::Reviews(loaded));
        let Step::To { review, answered, empty } = walk.after(0) else {
            return Ok(Ending { items, ..Ending::default() });
        };
        let (review, place) = (review.clone(), self.place(&walk, review, &answered, &empty));
        let current = Current { review, origin: self.origin(), ..Current::default() };
        let above = items.into_iter().chain(place).collect();
        self.draft(Some(walk), current, Masks::default(), None, above).await
    }

    /// Adds to what authors are called the persons whom a model finds in their reviews, where the configuration has one.
    async fn named(&self, rows: &mut [Row], haste: Haste) -> Result<(), Failure> {
        let texts: Vec<&str> = rows.iter().flat_map(|row| [row.title.as_str(), row.text.as_str()]).collect();
        let found = self.job.names(&texts, haste).await?;
        for row in rows {
            let persons = [&row.title, &row.text].map(|text| {
                let persons = found.of(text).into_iter().filter(|name| name.kind == Kind::Person);
                persons.filter_map(|name| text.get(name.range).map(str::to_owned)).collect::<Vec<_>>()
            });
            row.names.extend(persons.concat());
        }
        Ok(())
    }

    /// A step through the file. `none` is said where it leads nowhere.
    async fn step(
        &self,
        to: impl for<'w> Fn(&'w Walk, usize) -> Step<'w>,
        none: Reviews<'static>,
    ) -> Result<Ending, Failure> {
        let Some(walk) = &self.kept.state.walk else { return Ok(self.say(Reviews::NoWalk)) };
        let at = self.kept.state.at;
        let text = match to(walk, at) {
            Step::To { review, answered, empty } => {
                let above = self.place(walk, review, &answered, &empty);
                let origin = walk.origin.clone();
                let current = Current { review: review.clone(), origin, ..Current::default() };
                return self.draft(Some(walk.clone()), current, Masks::default(), None, above).await;
            }
            Step::Over => none,
            Step::Answered => Reviews::Answered(self.asked_number()),
            Step::Empty => Reviews::Empty(self.asked_number()),
            Step::None => Reviews::NoSuch { number: self.asked_number(), total: walk.total },
        };
        Ok(self.say(text))
    }

    fn asked_number(&self) -> usize {
        match read_asked(&self.job.call.arguments, &self.job.call.text) {
            Asked::At(number) => number,
            _ => 0,
        }
    }

    /// The last draft, rewritten. What the agent says for it is given from then on.
    async fn rewrite(&self, wish: Wish) -> Result<Ending, Failure> {
        let Some(mut current) = self.kept.state.current.clone() else { return Ok(self.say(Reviews::NoDraft)) };
        let mut masks = Masks::default();
        let wish = match wish {
            Wish::Free(said) => {
                let said = masks.said(&said);
                current.facts.push(said.clone());
                Wish::Free(said)
            }
            wish => wish,
        };
        self.draft(self.kept.state.walk.clone(), current, masks, Some(wish), Vec::new()).await
    }

    /// The file with its drafts.
    async fn export(&self) -> Result<Ending, Failure> {
        let Some(walk) = &self.kept.state.walk else { return Ok(self.say(Reviews::NoWalk)) };
        let english = self.job.language == Language::En;
        let bytes = exported(walk, english);
        let name = if english { "drafts.csv" } else { "brouillons.csv" };
        let room = &self.job.message.room_id;
        let file = self.job.parts.store.put_file(room, name, "text/csv", bytes, now()).await?;
        let drafts = walk.drafts.len();
        let said = Reviews::Exported { drafts, without: walk.reviews.len().saturating_sub(drafts) };
        let items = std::iter::once(Item::File(file)).chain(self.job.say(&Text::Reviews(said))).collect();
        Ok(Ending { items, ..Ending::default() })
    }

    /// Which review of the file comes.
    fn place(&self, walk: &Walk, review: &Review, answered: &[usize], empty: &[usize]) -> Vec<Item> {
        let whole = [&review.title, &review.text].map(String::as_str).join("\n");
        let shown: String = whole.trim().chars().take(SHOWN).collect();
        let quote: Vec<String> = shown.lines().map(|line| format!("> {}", inert(line))).collect();
        let quote = quote.join("\n");
        let place = Reviews::Place { number: review.number, total: walk.total, answered, empty, quote: &quote };
        self.job.say(&Text::Reviews(place))
    }

    /// Has a draft written for a review, shows it with what is to be looked at, and keeps it.
    async fn draft(
        &self,
        walk: Option<Walk>,
        mut current: Current,
        mut masks: Masks,
        wish: Option<Wish>,
        above: Vec<Item>,
    ) -> Result<Ending, Failure> {
        // It stands above everything: also where no draft comes of it.
        let distress = &current.review.distress;
        let alert =
            (!distress.is_empty() && wish.is_none()).then(|| self.job.say(&Text::Reviews(Reviews::Alert(distress))));
        let mut items: Vec<Item> = alert.into_iter().flatten().chain(above).collect();
        let state = |current: &Current, walk: Option<Walk>| State {
            at: if current.review.number > 0 { current.review.number } else { self.kept.state.at },
            current: Some(current.clone()),
            walk,
        };
        let written = write(self.job, &current, &mut masks, wish.as_ref()).await?;
        let Written { text, checks, pairs, usage } = match written {
            Ok(written) => written,
            Err(text) => {
                items.extend(self.job.say(&text));
                let changes = self.kept.keep(self.job.message, &state(&current, walk));
                return Ok(Ending { items, changes, ..Ending::default() });
            }
        };
        current.drafted(&text, self.job.message.event_id.as_str());
        let walk = walk.map(|mut walk| {
            if current.review.number > 0 {
                walk.drafted(current.review.number, &text);
            }
            walk
        });
        items.extend(self.job.say(&Text::Reviews(Reviews::Draft { pairs })));
        // Alone in its message: a telephone copies a message as a whole, and shows a block of code in one long line.
        let drafted = matrix::parts(&text).into_iter();
        items.extend(drafted.map(|text| Item::Markdown { text, links: Vec::new(), sources: Vec::new() }));
        let checked = Reviews::Checked { checks: &checks, walks: walk.is_some() };
        items.extend(self.job.say(&Text::Reviews(checked)));
        let changes = self.kept.keep(self.job.message, &state(&current, walk));
        Ok(Ending { items, changes, usage: Some(self.job.usage(usage)), ..Ending::default() })
    }
}
