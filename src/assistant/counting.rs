//! What is counted of a question at its end, by what is known there. Pure: the time is given.
//!
//! Questions and jobs count, each time that they are answered; commands, welcomes and notices do not, and neither does what people without
//! access write, which is left out before anybody looks at it.

use super::{
    clock::date_in,
    config::Config,
    texts::{Text, documents::Documents, pseudonyms::Pseudonyms, sources::Sources},
};
use crate::{
    command::{Call, Command},
    compagnon::{Choice, Settings},
    statistics::{Activity, Compagnon, Counted, Day, Outcome, Refusal, Series},
    store::{Queued, QueuedKind},
};

/// What is known of the end of a question.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// The kind of work, where the message alone does not tell it.
    pub activity: Option<Activity>,
    /// The model's name, where one was asked.
    pub model: Option<&'a str>,
    /// When the first text came, in milliseconds since the epoch.
    pub first_text_at: Option<u64>,
}

impl End<'_> {
    /// That it was not answered.
    pub fn refused(refusal: Refusal) -> Self {
        Self { outcome: Outcome::Refused(refusal), activity: None, model: None, first_text_at: None }
    }
}

/// What is counted of a question that ends `now`, in milliseconds since the epoch. `None`: it is not counted.
pub fn counted(queued: &Queued, end: End<'_>, settings: &Settings, config: &Config, now: u64) -> Option<Counted> {
    let asked_for = activity(&queued.kind).filter(|_| queued.question.is_message())?;
    let series = Series {
        compagnon: compagnon(settings, config),
        model: end.model.unwrap_or_default().to_owned(),
        activity: end.activity.unwrap_or(asked_for),
    };
    let asked = !matches!(&queued.kind, QueuedKind::Command(call) if call.unasked);
    Some(Counted { day: day(config, now), series, outcome: end.outcome, first_text_at: end.first_text_at, asked })
}

/// The day of a time in milliseconds since the epoch, as it is counted.
pub fn day(config: &Config, at: u64) -> Day {
    date_in(&config.time_zone, at).into()
}

/// The compagnon of a room, by what the room has chosen.
fn compagnon(settings: &Settings, config: &Config) -> Compagnon {
    match &settings.compagnon {
        None => Compagnon::Library(config.compagnon.clone()),
        Some(Choice::Library(id)) => Compagnon::Library(id.clone()),
        Some(Choice::Made(number) | Choice::Own(number)) => Compagnon::Made(*number),
    }
}

/// What a message asks for. `None`: it is not counted.
fn activity(kind: &QueuedKind) -> Option<Activity> {
    match kind {
        QueuedKind::Question | QueuedKind::Unparsed => Some(Activity::Answer),
        QueuedKind::Attachment => Some(Activity::Document),
        QueuedKind::Command(call) if call.is_job() => job(call),
        QueuedKind::Command(_)
        | QueuedKind::Welcome
        | QueuedKind::Missed
        | QueuedKind::AskWhy
        | QueuedKind::NotServed
        | QueuedKind::EditOf(_) => None,
    }
}

fn job(call: &Call) -> Option<Activity> {
    match call.command? {
        Command::Translate => Some(Activity::Translation),
        Command::Note | Command::CatchUp => Some(Activity::Note),
        Command::Reviews => Some(Activity::Review),
        Command::Pseudonymise => Some(Activity::Pseudonyms),
        Command::Compagnon => Some(Activity::Cases),
        _ => None,
    }
}

/// How a question ended to which this is the whole answer. `None`: it was no question, and is not counted.
pub fn outcome(text: &Text<'_>) -> Option<Outcome> {
    Some(match text {
        Text::Documents(Documents::Read(_))
        | Text::Pseudonyms(Pseudonyms::Done { .. } | Pseudonyms::Nothing | Pseudonyms::NothingInFile) => {
            Outcome::Answered
        }
        text => Outcome::Refused(refusal(text)?),
    })
}

fn refusal(text: &Text<'_>) -> Option<Refusal> {
    Some(match text {
        Text::Busy | Text::NoRoom { .. } => Refusal::Busy,
        Text::SlowDown { .. } | Text::LoopStopped { .. } => Refusal::Rate,
        Text::TooOld => Refusal::Stale,
        Text::TooLong { .. } | Text::QuestionTooLong { .. } => Refusal::TooLong,
        Text::CannotRead(_)
        | Text::CannotAnswerTo(_)
        | Text::CannotReadThread
        | Text::Documents(Documents::NotRead { .. }) => Refusal::Unreadable,
        Text::Sources(Sources::Required | Sources::RequiredNotSearched) => Refusal::Unsourced,
        Text::Stopped | Text::JobStopped => Refusal::Stopped,
        Text::Empty => Refusal::Model,
        Text::Failed | Text::GivenUp | Text::NotChecked => Refusal::Failure,
        Text::RefusedOpenRoom
        | Text::RefusedUnencrypted
        | Text::NotServed
        | Text::NeedsAdministrator
        | Text::NoRightHere
        | Text::UnverifiedDevice => Refusal::Access,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Activity, Compagnon, Day, End, Outcome, Refusal, Text, activity, counted, day, outcome};
    use crate::{
        assistant::{config::Config, fakes::queued},
        command::Call,
        compagnon::{Choice, Settings},
        store::{Queued, QueuedKind},
    };

    fn asking(text: &str) -> QueuedKind {
        let mut asked = queued("$q:h", "!a:h");
        asked.question.content = crate::message::Content::Text(text.to_owned());
        Call::read(&asked.question).map_or(QueuedKind::Question, QueuedKind::Command)
    }

    #[test]
    fn questions_and_jobs_are_counted_and_commands_are_not() {
        for (text, kind) in [
            ("Bonjour", Some(Activity::Answer)),
            ("!traduire en anglais : bonjour", Some(Activity::Translation)),
            ("!note", Some(Activity::Note)),
            ("!manqué", Some(Activity::Note)),
            ("!avis", Some(Activity::Review)),
            ("!pseudonymiser Awa", Some(Activity::Pseudonyms)),
            ("!compagnon essais", Some(Activity::Cases)),
            ("!compagnon essai ajouter a => b", None),
            ("!compagnon essai liste", None),
            ("!traduire salon en anglais", None),
            ("!aide", None),
            ("!refaire", None),
            ("!inconnu", None),
        ] {
            assert_eq!(activity(&asking(text)), kind, "{text}");
        }
        let uncounted =
            [QueuedKind::Welcome, QueuedKind::Missed, QueuedKind::EditOf("$e:h".try_into().expect("an id"))];
        assert!(uncounted.iter().all(|kind| activity(kind).is_none()));
    }

    #[test]
    fn a_question_counts_on_its_day_for_what_its_room_has_chosen() {
        let config = Config::default();
        let asked = Queued { kind: QueuedKind::Question, ..queued("$q:h", "!a:h") };
        let end = End::refused(Refusal::Rate);
        // Half past eleven at night in Paris in winter, and an hour later.
        let (late, next) = (1_764_455_400_000, 1_764_459_000_000);
        let count = |settings: &Settings, now| counted(&asked, end, settings, &config, now).expect("counted");
        let usual = count(&Settings::default(), late);
        assert_eq!(usual.series.compagnon, Compagnon::Library(config.compagnon.clone()));
        assert_eq!((usual.outcome, usual.asked), (Outcome::Refused(Refusal::Rate), true));
        assert_eq!(count(&Settings::default(), next).day, Day(usual.day.0 + 1));
        assert_eq!(usual.day, day(&config, late));
        let made = Settings { compagnon: Some(Choice::Own(7)), ..Settings::default() };
        assert_eq!(count(&made, late).series.compagnon, Compagnon::Made(7));
    }

    #[test]
    fn a_sentence_instead_of_an_answer_tells_why() {
        assert_eq!(outcome(&Text::Busy), Some(Outcome::Refused(Refusal::Busy)));
        assert_eq!(outcome(&Text::TooOld), Some(Outcome::Refused(Refusal::Stale)));
        assert_eq!(outcome(&Text::NoQuestion), None);
        assert_eq!(outcome(&Text::Help), None);
    }
}
