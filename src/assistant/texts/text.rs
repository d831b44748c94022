//! The names of the sentences, with the values that each one shows. What they say in each language is in `fr` and `en`.

use std::{borrow::Cow, time::Duration};

use super::{
    documents::Documents,
    energy::Spent,
    mastered::Mastered,
    memory::Memory,
    shown::{AboutPrivacy, Contact, Destroys, Welcome},
    sources::Sources,
    statistics::Told,
    synthesis::Synthesis,
};
use crate::{
    command::Command,
    compagnon::{Answers, CompagnonError, FieldError},
    evaluation::Standing,
    material::Unreadable,
    message::Unread,
};

/// A sentence, or a short message of a few.
#[derive(Clone, Debug, PartialEq)]
pub enum Text<'a> {
    // What is said instead of an answer, or under one.
    /// Too many questions wait.
    Busy,
    /// The disk is almost full.
    NoRoom {
        /// Whether there are administrators, who are told.
        told: bool,
    },
    /// To the administrators: the disk is almost full.
    DiskFull,
    /// The question is older than the bot answers.
    TooOld,
    /// Something was sent that is no text.
    CannotRead(Unread),
    /// The question does not fit in what the model can read.
    TooLong {
        /// About how many characters it can read, where that is known.
        most: Option<usize>,
    },
    /// The question has more characters than ops allow.
    QuestionTooLong {
        /// The most characters.
        limit: usize,
    },
    /// The bot was called and nothing was asked.
    NoQuestion,
    /// The bot was called in reply to a message that it cannot read, and nothing else was asked.
    CannotAnswerTo(Unreadable),
    /// The bot was called in a thread that it cannot read, and nothing else was asked.
    CannotReadThread,
    /// Put under an answer that was written without the message that the question replies to.
    AnsweredWithout(Unreadable),
    /// Put under an answer in a thread of which a message could not be read.
    ThreadNotWhole,
    /// The message's key has not come.
    Unread,
    /// Messages of the room were missed and are not read any more.
    Missed,
    /// The homeserver did not say what the person may do in the room.
    NotChecked,
    /// The model failed.
    Failed,
    /// The process died of the question, again and again.
    GivenUp,
    /// The model wrote nothing.
    Empty,
    /// This person, or this room, asks faster than ops allow.
    SlowDown {
        /// When to come back.
        wait: Duration,
    },
    /// Two programs seem to answer each other.
    LoopStopped {
        /// How long the bot is silent.
        wait: Duration,
    },
    /// Put after an answer that reached the greatest length allowed.
    Cut,
    /// Put after an answer that somebody stopped.
    Stopped,
    /// Put after an answer to what was written with a file or an image: only that was read.
    NotRead(Unread),
    /// Put under every answer: that a machine wrote it, and which compagnon.
    Mark {
        /// The compagnon's title.
        title: &'a str,
    },
    /// Asks somebody why an answer is not useful, to be told by a reaction.
    AskWhy,
    /// Put under the first answer to several persons in what was a conversation of two.
    Opened,
    /// A person wants to verify the bot's device.
    Verification {
        /// The device's id.
        device: &'a str,
        /// Its key, as clients show it.
        key: &'a str,
    },
    /// Put under the first answer that was written without the beginning of its conversation.
    BeginningLeftOut,
    /// Put under an answer for which the exchange before it was shortened.
    LastExchangeShortened,
    /// An invitation from another homeserver than those served.
    RefusedServer,
    /// An invitation from outside of the State.
    RefusedExternal,
    /// A room open to people outside of the State.
    RefusedOpenRoom,
    /// A room without encryption.
    RefusedUnencrypted,
    /// To a person without access, once.
    NotServed,

    // First contact.
    /// Said when the bot comes into a room.
    Welcome(Welcome<'a>),
    /// Said to a person who writes for the first time in a room that was welcomed long ago.
    Contact(Contact<'a>),

    // Commands in general.
    /// There is no such command.
    UnknownCommand {
        /// The command meant, perhaps.
        nearest: Option<&'a str>,
    },
    /// How a command is written.
    Usage {
        /// Its form.
        usage: &'a str,
    },
    /// Only who administers the room may do this.
    NeedsAdministrator,
    /// As [`Text::NeedsAdministrator`], in a conversation of two: who was only left over in one has no power there.
    NoRightHere,
    /// Not to be read by a whole room.
    OnlyInPrivate,
    /// Only who administers the service may do this.
    NeedsInstanceAdministrator,
    /// An administration command came from a device that its owner has not verified.
    UnverifiedDevice,
    /// A command on the whole service came from a room without encryption.
    NeedsEncryption,
    /// Above the list of commands.
    Help,
    /// Under the list of commands.
    HelpMore {
        /// The guide's address.
        guide: Option<&'a str>,
        /// Whether this is a direct conversation.
        direct: bool,
    },
    /// Whom to write to, under the list of commands; empty where ops do not say.
    HelpContact,
    /// What a command does, in the list of commands.
    Summary(Command),

    // Compagnons.
    /// Which compagnon the room has.
    Current {
        /// Its title.
        title: &'a str,
        /// Its description.
        description: &'a str,
        /// The room's addition.
        addition: Option<&'a str>,
        /// What else the room has set, as `temperature 0.2`.
        settings: &'a [String],
    },
    /// Above the list of compagnons.
    List,
    /// Above those of the list that only this room and their authors see.
    ListPrivate,
    /// Beside the room's own in the list.
    ListCurrent,
    /// Under the list: how to choose.
    ListMore {
        /// An identifier of the list.
        example: &'a str,
    },
    /// A compagnon was chosen.
    Chosen {
        /// Its title.
        title: &'a str,
        /// What it says.
        welcome: &'a str,
        /// A question to start with.
        example: Option<&'a str>,
    },
    /// There is no such compagnon here.
    NoSuchCompagnon {
        /// The one meant, perhaps.
        nearest: Option<&'a str>,
    },
    /// Several would fit.
    Ambiguous {
        /// Their identifiers.
        candidates: &'a str,
        /// One of them.
        example: &'a str,
    },
    /// The room's compagnon is there no more; the usual one answers.
    Gone {
        /// The title of the usual one.
        title: &'a str,
    },
    /// Another compagnon has this name.
    NameTaken {
        /// Its identifier.
        id: &'a str,
    },
    /// A compagnon was made, and the room has it now.
    Created {
        /// Its title.
        title: &'a str,
        /// Its identifier.
        id: &'a str,
    },
    /// A compagnon was changed.
    Changed {
        /// Its title.
        title: &'a str,
        /// Its identifier.
        id: &'a str,
        /// The new version's number.
        version: u32,
        /// The number of the version before.
        back: u32,
        /// The lines taken out and put in.
        diff: &'a str,
        /// Whether everybody sees an earlier version until the new one is published.
        published: bool,
    },
    /// The new text is the old one.
    Unchanged,
    /// A compagnon was deleted.
    Deleted {
        /// Its title.
        title: &'a str,
        /// Whether it was in the catalogue.
        published: bool,
    },
    /// A compagnon of the library cannot be changed by command.
    FromLibrary {
        /// Its title.
        title: &'a str,
    },
    /// Only the administrators of the room where it was made may change it.
    NotYours,
    /// It was proposed to the catalogue.
    Proposed {
        /// Its title.
        title: &'a str,
        /// Its identifier.
        id: &'a str,
    },
    /// It is in the catalogue in this version already.
    AlreadyPublished,
    /// It was taken into the catalogue.
    Accepted {
        /// Its title.
        title: &'a str,
        /// The version.
        version: u32,
    },
    /// Its proposal was turned down.
    Declined {
        /// Its title.
        title: &'a str,
    },
    /// Told to the author of a compagnon: what became of its proposal.
    Decided {
        /// Its title.
        title: &'a str,
        /// Whether it is in the catalogue now.
        accepted: bool,
    },
    /// It is not in the catalogue any more, nor proposed.
    Withdrawn {
        /// Its title.
        title: &'a str,
    },
    /// It is neither in the catalogue nor proposed.
    NotPublished,
    /// Above the list of proposals.
    Proposals,
    /// There are no proposals.
    NoProposals,
    /// Told to the administrators of the service.
    NewProposal {
        /// The compagnon's title.
        title: &'a str,
        /// Its identifier.
        id: &'a str,
        /// Who proposes it.
        author: &'a str,
        /// What names the very text that is proposed.
        reference: &'a str,
        /// How it stands by its cases.
        cases: &'a Standing,
    },
    /// A proposal is accepted by naming the text that was read.
    ReadFirst {
        /// Its identifier.
        id: &'a str,
        /// What names the text that is proposed now.
        reference: &'a str,
    },
    /// Above a compagnon's versions.
    Versions,
    /// Under a compagnon's versions.
    VersionsMore {
        /// Its identifier.
        id: &'a str,
        /// One of the versions.
        version: u32,
    },
    /// There is no such version.
    NoSuchVersion {
        /// The compagnon's identifier.
        id: &'a str,
    },
    /// A prompt has more characters than ops allow.
    PromptTooLong {
        /// The most characters.
        limit: usize,
    },
    /// A compagnon's prompt leaves no room for a question in the model.
    DoesNotFit,
    /// The text of a compagnon cannot be used.
    BadPrompt(&'a CompagnonError),
    /// A part of the header of a compagnon cannot be used.
    BadField(&'a FieldError),
    /// A compagnon's name or title could be taken for one of the catalogue.
    Imitates {
        /// The title of that one.
        title: &'a str,
    },
    /// What the model is told in this room before a question.
    Effective {
        /// All of it, as a block.
        prompt: &'a str,
        /// The temperature of the answers.
        temperature: f32,
        /// The most tokens of an answer.
        longest: usize,
        /// Which messages are answered, as a sentence.
        answers: &'a str,
    },
    /// Stands for a summary of what others have said too.
    SummaryNotShown,
    /// The room's addition was set.
    AdditionSet,
    /// The room's addition was removed.
    AdditionRemoved,
    /// The room has no addition.
    NoAddition,
    /// A room's setting was changed, as `temperature 0.2`.
    SettingSet {
        /// The setting.
        setting: &'a str,
    },
    /// A room has the usual settings again.
    SettingsReset,
    /// A value cannot be used.
    BadValue {
        /// The values that can.
        allowed: &'a str,
    },

    // The other commands.
    /// About what people have asked to be remembered.
    Memory(Memory<'a>),
    /// About files and documents.
    Documents(Documents<'a>),
    /// About mastered answers.
    Mastered(Mastered<'a>),
    /// About documents that are read part by part.
    Synthesis(Synthesis),
    /// About notes of conversations.
    Notes(super::Notes<'a>),
    /// About notes that become documents of Docs.
    Documented(super::Documented<'a>),
    /// About pseudonymised texts.
    Pseudonyms(super::pseudonyms::Pseudonyms<'a>),
    /// About the cases by which a compagnon is judged.
    Cases(super::cases::Cases<'a>),
    /// Of drafts of replies to reviews.
    Reviews(super::reviews::Reviews<'a>),
    /// About translations.
    Translation(super::translation::Translation<'a>),
    /// About glossaries.
    Glossary(super::glossary::Glossary<'a>),
    /// About the sources of answers.
    Sources(Sources<'a>),
    /// Which messages are answered.
    AnswersAre(Answers),
    /// In a direct conversation, every message is answered.
    AnswersDirect {
        /// Whether each question is answered in a thread of its own.
        threads: bool,
    },
    /// How long things are kept in this room.
    RetentionIs {
        /// How long.
        retention: Duration,
        /// The longest that ops allow.
        limit: Duration,
        /// Whether the room has chosen it.
        chosen: bool,
    },
    /// Longer than ops allow.
    RetentionTooLong {
        /// The longest.
        limit: Duration,
    },
    /// What destroys something for others is to be confirmed.
    Confirm(Destroys<'a>),
    /// What is forgotten of people, and handed over to them.
    Rights(super::Rights),
    /// There is nothing to forget in the main line: each question has a thread of its own.
    ForgetInThread,
    /// A file is larger than can be sent.
    FileTooLarge {
        /// The most bytes.
        most: u64,
    },
    /// A file could not be sent.
    FileFailed,
    /// A service refused a call for good.
    ServiceRefused {
        /// Its name in the configuration.
        service: Cow<'a, str>,
    },
    /// The export could not be sent.
    ExportFailed,
    /// What is kept, where, for how long, and one's rights.
    Privacy(AboutPrivacy<'a>),
    /// How the bot is.
    Status {
        /// Whether the model can answer.
        ready: bool,
        /// The model's name.
        model: &'a str,
        /// The compagnon's title.
        compagnon: &'a str,
        /// Questions waiting, in all rooms.
        waiting: usize,
        /// How long things are kept here.
        retention: Duration,
        /// What answers took here this week.
        spent: Spent,
        /// The program's version.
        version: &'a str,
    },
    /// The last answer is written again.
    Redoing,
    /// There is no answer to write again.
    NothingToRedo,
    /// The answer being written is stopped.
    Stopping {
        /// Questions of this person that are dropped as well.
        dropped: usize,
    },
    /// A job was stopped: nothing comes of it.
    JobStopped,
    /// Nothing is being written.
    NothingToStop,
    /// The answer is another person's.
    StopNotYours,
    /// Above the audit trail.
    Journal,
    /// The audit trail is empty.
    JournalEmpty,
    /// The counters of a room, or of all.
    Statistics(Box<Told>),
    /// The same, to the administrators on Monday.
    Digest(Box<Told>),
}
