//! The English sentences. The same ones as in `fr`, in the same order.

mod prompts;
mod summary;
mod times;

use std::{borrow::Cow, time::Duration};

use self::{
    prompts::{bad_field, bad_prompt},
    summary::summary,
    times::{delay, span},
};
use super::{energy, shown::Destroys, text::Text, unread, unreadable};
use crate::{
    compagnon::{Answers, Language},
    privacy::Facts,
};

/// The sentence in English.
#[allow(clippy::too_many_lines)] // One arm per sentence: the table that people proofread.
pub(super) fn say(text: &Text<'_>) -> Cow<'static, str> {
    let sentence = match text {
        // Worded beside what makes them true.
        Text::NoRoom { .. }
        | Text::Failed
        | Text::GivenUp
        | Text::LoopStopped { .. }
        | Text::NotServed
        | Text::HelpContact => {
            return super::whom::say(text, Language::En, &Facts::default()).unwrap_or_default().into();
        }
        Text::RefusedServer | Text::RefusedExternal | Text::RefusedOpenRoom | Text::RefusedUnencrypted => {
            super::refused::say(text, Language::En).unwrap_or_default()
        }
        Text::Welcome(welcome) => return super::welcome::welcome(welcome, Language::En).into(),
        Text::Contact(contact) => return super::welcome::contact(contact, Language::En).into(),
        Text::Privacy(asked) => return asked.say(Language::En).into(),
        Text::Busy => "I’m handling a lot of questions right now and did not keep yours. Please ask again in a minute.",
        Text::DiskFull => {
            "The service’s disk is almost full. I am not taking new questions, and I tell people so. Free some space on the disk that holds the data folder; I will then resume on my own."
        }
        Text::CannotRead(unread) => unread::cannot_read_en(*unread),
        Text::TooOld => {
            "I was offline when you sent this message, and it is now too old for me to answer. Send it again if you still need an answer."
        }
        Text::TooLong { most: Some(most) } if *most > 0 => {
            return format!(
                "Your message is too long for me: I can read about {} characters here. Shorten it, or work on one part at a time: I answer each message separately.",
                Language::En.number(*most)
            )
            .into();
        }
        Text::TooLong { .. } => {
            "Your message is too long for me. Shorten it, or work on one part at a time: I answer each message separately."
        }
        Text::QuestionTooLong { limit } => {
            return format!(
                "Your message is longer than {} characters. Shorten it, or work on one part at a time: I answer each message separately.",
                Language::En.number(*limit)
            )
            .into();
        }
        Text::NoQuestion => {
            "You mentioned me without asking anything. Put your question in the same message, or type `!help`."
        }
        Text::CannotAnswerTo(why) => unreadable::cannot_answer_to(*why, Language::En),
        Text::CannotReadThread => unreadable::cannot_read_thread(Language::En),
        Text::AnsweredWithout(why) => unreadable::answered_without(*why, Language::En),
        Text::ThreadNotWhole => unreadable::thread_not_whole(Language::En),
        Text::Unread => {
            "I can’t decrypt your message: its key has not reached me. If it arrives, I will answer; if you have no answer in a few minutes, send the message again. I say so only once a day."
        }
        Text::Missed => {
            "I was interrupted and could not read everything that was written here. If you are waiting for an answer from me, please ask again."
        }
        Text::NotChecked => {
            "I could not check what you are allowed to do in this room because the chat server did not respond. Please try again in a few minutes."
        }
        Text::Empty => "I have no answer to that. Please rephrase your question.",
        Text::SlowDown { wait } => {
            return format!("Too many requests in a short time, from you or from this room. Ask again in {}; until then, I’ll stay silent.", delay(*wait)).into();
        }
        Text::Cut => "*(Answer cut off: limit reached. Say “Continue”.)*",
        Text::Stopped => "*(Answer stopped on request.)*",
        Text::NotRead(unread) => unread::not_read_en(*unread),
        Text::Mark { title } => return format!("*{title} · AI-generated, please check · useful? 👍 👎*").into(),
        Text::AskWhy => {
            "Thank you for telling us. Why was this answer not useful? If you like, react to this message:\n\n1️⃣ it is wrong · 2️⃣ something is missing · 3️⃣ it is off topic · 4️⃣ it is too long · 5️⃣ its sources do not help"
        }
        Text::Opened => {
            "*Other people have joined: I am starting a new conversation, without what the two of us said before.*"
        }
        Text::Verification { device, key } => {
            return format!(
                "I am a program: nobody can compare emojis on my side, so I cancelled the verification. To make sure that it is me, compare \
                 the key that your app shows for my session with this one and, in doubt, with the one that the team that runs me gives \
                 you:\n\n- session: `{device}`\n- key: `{key}`"
            )
            .into();
        }
        Text::BeginningLeftOut => {
            "*This conversation is too long for me: I no longer see its beginning. Remind me of what matters, or write `!forget` to start afresh.*"
        }
        Text::LastExchangeShortened => {
            "*Our previous exchange is too long for me: I have reread only its beginning and its end.*"
        }
        Text::UnknownCommand { nearest: Some(nearest) } => {
            return format!("I don’t know that command. Did you mean `!{nearest}`? For the list of commands: `!help`.")
                .into();
        }
        Text::UnknownCommand { nearest: None } => "I don’t know that command. For the list of commands: `!help`.",
        Text::Usage { usage } => return format!("How to use this command:\n\n{usage}").into(),
        Text::NeedsAdministrator => {
            "Only this room’s administrators and moderators can do that. In a direct message with me, it’s up to you."
        }
        Text::NoRightHere => {
            "You do not have the right to do that in this conversation. Please send me a new direct message."
        }
        Text::OnlyInPrivate => {
            "Other people would read my answer here. Please send me this command in a direct message."
        }
        Text::NeedsInstanceAdministrator => "Only the assistant administrators can do that.",
        Text::UnverifiedDevice => {
            "This command requires a verified device. Verify this one in your security settings, then send the command again."
        }
        Text::NeedsEncryption => "Please send this command in an encrypted conversation.",
        Text::Help => "**What you can ask me to do**",
        Text::HelpMore { guide, direct } => return help_more(*guide, *direct).into(),
        Text::Summary(command) => summary(*command),
        Text::Current { title, description, addition, settings } => {
            return current(title, description, *addition, settings).into();
        }
        Text::List => "**Available compagnons**",
        Text::ListPrivate => "**Created here or by you**",
        Text::ListCurrent => "*(current)*",
        Text::ListMore { example } => return format!("To switch: `!compagnon choose {example}`.").into(),
        Text::Chosen { title, welcome, example } => return chosen(title, welcome, *example).into(),
        Text::NoSuchCompagnon { nearest: Some(nearest) } => {
            return format!(
                "I cannot find that compagnon. Did you mean `{nearest}`? To see them all: `!compagnon list`."
            )
            .into();
        }
        Text::NoSuchCompagnon { nearest: None } => "I cannot find that compagnon. To see them all: `!compagnon list`.",
        Text::Ambiguous { candidates, example } => {
            return format!(
                "Several compagnons match: {candidates}. Choose one, for example: `!compagnon choose {example}`."
            )
            .into();
        }
        Text::Gone { title } => {
            return format!("The compagnon chosen here is no longer available: **{title}** replaces it. To choose another: `!compagnon list`.").into();
        }
        Text::NameTaken { id } => {
            return format!("The name `{id}` is already taken: choose another one for your compagnon.").into();
        }
        Text::Created { title, id } => {
            return format!("**{title}** has been created and now answers here. Members of this room can see it here, and you can see it anywhere. To propose it to everyone: `!compagnon publish {id}`.").into();
        }
        Text::Changed { title, id, version, back, diff, published } => {
            return changed(title, id, (*version, *back), diff, *published).into();
        }
        Text::Unchanged => "The text is identical: nothing has changed.",
        Text::Deleted { title, published } => {
            let rooms = if *published { " The rooms that used it go back to the default compagnon." } else { "" };
            return format!("**{title}** and all its versions have been deleted.{rooms}").into();
        }
        Text::FromLibrary { title } => {
            return format!("**{title}** belongs to the catalogue, so you cannot change it. Create your own (`!compagnon create`) or add an instruction (`!compagnon instruction`).").into();
        }
        Text::NotYours => {
            "Only the administrators and moderators of the room where this compagnon was created can change it."
        }
        Text::Proposed { title, id } => {
            return format!("**{title}** has been submitted to the catalogue. An assistant administrator has to accept it; until then, nothing changes. Once accepted, it is in `!compagnon list`. To withdraw it: `!compagnon withdraw {id}`.").into();
        }
        Text::AlreadyPublished => "This version is already in the catalogue.",
        Text::Accepted { title, version } => {
            return format!("**{title}** (version {version}) is now in the catalogue, available to all rooms.").into();
        }
        Text::Declined { title } => {
            return format!("**{title}** was not accepted into the catalogue; it stays available in its room.").into();
        }
        Text::Decided { title, accepted: true } => {
            return format!(
                "Your compagnon **{title}** has been accepted into the catalogue: all rooms can choose it."
            )
            .into();
        }
        Text::Decided { title, accepted: false } => {
            return format!(
                "Your compagnon **{title}** was not accepted into the catalogue. It stays available in its room."
            )
            .into();
        }
        Text::Withdrawn { title } => {
            return format!(
                "**{title}** is no longer in the catalogue. It stays available in its room and to its author."
            )
            .into();
        }
        Text::NotPublished => "This compagnon is neither in the catalogue nor proposed.",
        Text::Proposals => {
            "**Compagnons proposed for the catalogue**\n\nTo read one: `!compagnon show` and its name. To decide: `!compagnon accept` with its name and reference, or `!compagnon decline` with its name."
        }
        Text::NoProposals => "There are no proposals.",
        Text::NewProposal { title, id, author, reference, cases } => {
            return format!("{author} proposes the compagnon **{title}** for the catalogue. {}\n\nTo read it: `!compagnon show {id}`. To decide: `!compagnon accept {id} {reference}` or `!compagnon decline {id}`.", super::standing::standing_en(cases)).into();
        }
        Text::ReadFirst { id, reference } => {
            return format!("Please name the text you have read, so that exactly that text is published: read it with `!compagnon show {id}`, then send `!compagnon accept {id} {reference}`.").into();
        }
        Text::Versions => "**All versions**",
        Text::VersionsMore { id, version } => {
            return format!("To go back to one of them: `!compagnon revert {id} {version}`.").into();
        }
        Text::NoSuchVersion { id } => {
            return format!("That version does not exist. To see all versions: `!compagnon show {id}`.").into();
        }
        Text::PromptTooLong { limit } => {
            return format!("This text is longer than {} characters. Please shorten it.", Language::En.number(*limit))
                .into();
        }
        Text::DoesNotFit => {
            "This compagnon’s text leaves no room for a question: shorten it, or choose another compagnon."
        }
        Text::BadPrompt(error) => return bad_prompt(error).into(),
        Text::BadField(error) => return bad_field(error).into(),
        Text::Imitates { title } => {
            return format!("This name or title could be mistaken for **{title}**, which is in the catalogue. Please choose another.")
                .into();
        }
        Text::Effective { prompt, temperature, longest, answers } => {
            return format!("**What the model reads here before your question**, with the date, what the room adds and what I remember:\n\n{prompt}\n\nTemperature: {temperature}. Length of answers: {} tokens at most. {answers}", Language::En.number(longest)).into();
        }
        Text::SummaryNotShown => "(summary not shown: it is also about what others have said)",
        Text::AdditionSet => {
            "Done: this instruction is added to the compagnon’s text, here only. To remove it: `!compagnon instruction none`."
        }
        Text::AdditionRemoved => "The instruction has been removed.",
        Text::NoAddition => {
            "There is no instruction here. To add one: `!compagnon instruction`, followed by your text."
        }
        Text::SettingSet { setting } => {
            return format!("Saved: {setting}. To restore the defaults: `!compagnon set none`.").into();
        }
        Text::SettingsReset => "The default settings are back.",
        Text::BadValue { allowed } => return format!("That value is not allowed. Choose from: {allowed}.").into(),
        Text::Memory(memory) => return super::memory::en(memory, span).into(),
        Text::Documents(text) => return super::documents::en(text).into(),
        Text::Mastered(text) => return super::mastered::say(text, crate::compagnon::Language::En).into(),
        Text::Synthesis(synthesis) => return super::synthesis::en(*synthesis).into(),
        Text::Notes(text) => return super::notes::en(text).into(),
        Text::Documented(text) => return super::documented::en(text).into(),
        Text::Sources(text) => return super::sources::en(text).into(),
        Text::Statistics(told) => return super::statistics::en(told).into(),
        Text::Digest(told) => return super::statistics::digest_en(told).into(),
        Text::Cases(text) => return super::cases::en(text).into(),
        Text::Pseudonyms(text) => return super::pseudonyms::en(text).into(),
        Text::Reviews(text) => return super::reviews::say(text, crate::compagnon::Language::En).into(),
        Text::Translation(text) => return super::translation::en(text).into(),
        Text::Glossary(text) => return super::glossary::en(text).into(),
        Text::AnswersAre(Answers::Mention) => {
            "I answer here when I am mentioned, when someone replies to one of my messages, and in threads where I have already spoken. To have me answer every message: `!answers all`."
        }
        Text::AnswersAre(Answers::All) => {
            "I answer every written message here from people who have access to the assistant. To go back to mentions only: `!answers mention`."
        }
        Text::AnswersAre(Answers::Thread) => {
            "Here, I answer when I am mentioned, each time in a thread opened on the question; in that thread, no mention is needed. To have me answer in the room itself: `!answers mention`."
        }
        Text::AnswersDirect { threads: false } => {
            "In a direct message, I answer everything you write. To give each question a thread of its own: `!answers thread`."
        }
        Text::AnswersDirect { threads: true } => {
            "In a direct message, I answer everything you write, each time in a thread opened on your question. To go back to a single conversation: `!answers all`."
        }
        Text::RetentionIs { retention, limit, chosen } => return retention_is(*retention, *limit, *chosen).into(),
        Text::RetentionTooLong { limit } => return format!("That is too long: at most {}.", span(*limit)).into(),
        Text::Confirm(destroys) => return confirm(*destroys).into(),
        Text::Rights(text) => return super::rights::en(text, span).into(),
        Text::ForgetInThread => {
            "Here, each question has a thread of its own: write `!forget` in the one that I am to forget. For everything you wrote: `!forget me`."
        }
        Text::FileTooLarge { most } => {
            return format!(
                "The file is too large for this messenger, which takes {} MB at most.",
                (most >> 20).max(1)
            )
            .into();
        }
        Text::FileFailed => "I could not send the file.",
        Text::ServiceRefused { service } => {
            return format!("The service “{service}” did not accept the request. It has not been done.").into();
        }
        Text::ExportFailed => "I could not send you the file. Please send me `!export` in a private conversation.",
        Text::Status { ready, model, compagnon, waiting, retention, spent, version } => {
            let state = if *ready {
                "Everything is working"
            } else {
                "The model is not responding: commands work, but I can’t answer questions"
            };
            let energy = energy::said(spent, Language::En);
            let energy = energy.map_or_else(String::new, |said| format!("\n- Energy here, this week: {said}"));
            return format!(
                "{state}.\n\n- Compagnon: {compagnon}\n- Model: {model}\n- Questions waiting, all rooms: {waiting}\n- Retention here: {}{energy}\n- Version: {version}",
                span(*retention)
            )
            .into();
        }
        Text::Redoing => "I’m rewriting my last answer in place.",
        Text::NothingToRedo => "I have no answer of yours to rewrite here.",
        Text::Stopping { dropped: 0 } => "I have stopped.",
        Text::Stopping { dropped: 1 } => "I have stopped, and dropped your waiting question.",
        Text::Stopping { dropped } => {
            return format!("I have stopped, and dropped your {dropped} waiting questions.").into();
        }
        Text::JobStopped => "Stopped: you will receive nothing of this work. To start it again, send the same command.",
        Text::NothingToStop => "I am not writing an answer at the moment.",
        Text::StopNotYours => {
            "This answer is for someone else: only they, or a room administrator or moderator, can stop it."
        }
        Text::Journal => "**Audit trail** (newest first)",
        Text::JournalEmpty => "The audit trail is empty.",
    };
    sentence.into()
}

fn help_more(guide: Option<&str>, direct: bool) -> String {
    let guide = guide.map_or_else(String::new, |guide| format!(" Guide: {guide}"));
    let how = if direct {
        "In a direct message you can leave out the “!” of the commands in this list. `!help compagnon` explains a command."
    } else {
        "`!help compagnon` explains a command."
    };
    format!("{how}{guide}")
}

fn current(title: &str, description: &str, addition: Option<&str>, settings: &[String]) -> String {
    let mut text = format!("Current compagnon: **{title}** — {description}");
    if !settings.is_empty() {
        text = format!("{text}\n\nSettings: {}.", settings.join(", "));
    }
    if let Some(addition) = addition {
        text = format!("{text}\n\nInstruction:\n\n{addition}");
    }
    format!("{text}\n\nTo switch: `!compagnon list`.")
}

fn chosen(title: &str, welcome: &str, example: Option<&str>) -> String {
    let example = example.map_or_else(String::new, |example| format!("\n\nFor example: “{example}”"));
    format!("**{title}** now answers here. {welcome}{example}")
}

fn changed(title: &str, id: &str, (version, back): (u32, u32), diff: &str, published: bool) -> String {
    let published = if published {
        format!(" The catalogue keeps the published version; to propose this one: `!compagnon publish {id}`.")
    } else {
        String::new()
    };
    format!(
        "**{title}** is now at version {version}.{published}\n\n{diff}\n\nTo go back: `!compagnon revert {id} {back}`."
    )
}

fn retention_is(retention: Duration, limit: Duration, chosen: bool) -> String {
    const DAYS: Duration = Duration::from_hours(48);
    // Never what is so already, nor more than is allowed.
    let other = if retention != DAYS && limit >= DAYS { "2d" } else { "12h" };
    let usual = if chosen { " To go back to the default: `!retention usual`." } else { "" };
    format!(
        "I forget each exchange here after {} (within an hour). To change this, for example: `!retention {other}` (at most {}).{usual}",
        span(retention),
        span(limit)
    )
}

fn confirm(destroys: Destroys<'_>) -> String {
    let what = match destroys {
        Destroys::Conversation => {
            "Other people took part in this conversation: I will forget it for everyone.".to_owned()
        }
        Destroys::Room { direct: false } => {
            "For everyone, I will forget all my exchanges in this room, including in threads, and what I remember."
                .to_owned()
        }
        Destroys::Room { direct: true } => {
            "I will forget all our exchanges here, including in threads, and what I remember.".to_owned()
        }
        Destroys::Retention { retention } => {
            format!("I will forget older exchanges for everyone in this room: each one after {}.", span(retention))
        }
        Destroys::Facts { of_room: true } => {
            "For everyone, I will forget everything that I remember for this room.".to_owned()
        }
        Destroys::Facts { of_room: false } => "I will forget everything that I remember for you here.".to_owned(),
        Destroys::Compagnon { title } => {
            format!("**{title}** will be deleted with all its versions, for everyone who uses it.")
        }
    };
    format!("{what} This cannot be undone. To confirm, send the same command again within a minute.")
}
