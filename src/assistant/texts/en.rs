//! The English sentences. The same ones as in `fr`, in the same order.

use std::{borrow::Cow, time::Duration};

use super::{Command, Destroys, Text, Welcome};
use crate::compagnon::{Answers, CompagnonError, Field, FieldError, HOTTEST, VARIABLES};

/// The sentence in English.
#[allow(clippy::too_many_lines)] // One arm per sentence: the table that people proofread.
pub(super) fn say(text: &Text<'_>) -> Cow<'static, str> {
    let sentence = match text {
        Text::Busy => "I am answering many questions already. Please ask yours again in a minute.",
        Text::NoRoom { told: true } => {
            "I cannot record your question: the disk of the service is full. Ask it again later; the administrator of the service is told."
        }
        Text::NoRoom { told: false } => {
            "I cannot record your question: the disk of the service is full. Ask it again later."
        }
        Text::DiskFull => {
            "The disk of the service is almost full: I take no more questions, and tell those who ask. Make room on the disk of the data folder; I then carry on by myself."
        }
        Text::CannotRead => {
            "I cannot read files, images or voice messages yet. Please copy the text you need into a message."
        }
        Text::TooOld => {
            "I was stopped when you wrote this message, and it is old by now: I am not answering it. Write it again if you still need to."
        }
        Text::TooLong => "Your message is too long for me to read at once. Shorten it, or send it as several messages.",
        Text::QuestionTooLong { limit } => {
            return format!(
                "Your message is longer than {limit} characters: shorten it, or send it as several messages."
            )
            .into();
        }
        Text::NoQuestion => {
            "You called me without asking anything. Write your question in the same message, or `!help`."
        }
        Text::Unread => {
            "I cannot read your message: its encryption key has not reached me. I will answer if it comes; otherwise, please send it again."
        }
        Text::Missed => {
            "During an interruption I could not read everything that was written here. If you are waiting for an answer from me, please ask again."
        }
        Text::NotChecked => {
            "I could not check what you may do in this room: the chat server did not answer. Please try again in a few minutes."
        }
        Text::Failed => {
            "I could not answer: the model met an error. Ask again; if it happens once more, tell the administrator of the service."
        }
        Text::GivenUp => {
            "I had to give this question up: it interrupted me several times. Ask it differently, or make it shorter; if it happens again, tell the administrator of the service."
        }
        Text::Empty => "I found nothing to answer. Please ask in another way.",
        Text::SlowDown { wait } => {
            return format!("You have asked me a lot. Come back in {}: until then I do not answer.", delay(*wait))
                .into();
        }
        Text::LoopStopped => {
            "Our messages follow each other too fast to be written by a person: I do not answer here for an hour."
        }
        Text::Cut => "*(Answer stopped at the greatest length allowed. Ask me to go on.)*",
        Text::Stopped => "*(Answer stopped at your request.)*",
        Text::Mark { title } => return format!("*{title} · written by an AI, to be checked*").into(),
        Text::Opened => {
            "*We are not alone here any more: I am starting a new conversation, without what was said between the two of us.*"
        }
        Text::RefusedServer => "I only serve the staff of my own organisation: I cannot join this room.",
        Text::RefusedExternal => "I am not open to external guests: I cannot join this room.",
        Text::RefusedOpenRoom => "I do not answer in rooms that are open to external guests.",
        Text::RefusedUnencrypted => "I only work in encrypted rooms: please write to me in one of those.",
        Text::Welcome(welcome) => return self::welcome(welcome).into(),
        Text::Contact { retention } => return contact(*retention).into(),
        Text::UnknownCommand { nearest: Some(nearest) } => {
            return format!("I do not know this command. Did you mean `!{nearest}`? All commands: `!help`.").into();
        }
        Text::UnknownCommand { nearest: None } => "I do not know this command. All commands: `!help`.",
        Text::Usage { usage } => return format!("This command is written so:\n\n{usage}").into(),
        Text::NeedsAdministrator => {
            "Only the administrators of this room can do that. Ask one of them, or write to me in private: there, you decide."
        }
        Text::OnlyInPrivate => "Here others would read my answer: write this command to me in private.",
        Text::NeedsInstanceAdministrator => "Only the administrators of the service can do that.",
        Text::UnverifiedDevice => {
            "This command needs a verified device: verify this one in your security settings, then send the command again."
        }
        Text::NeedsEncryption => "Please send this command in an encrypted conversation.",
        Text::Help => "**What you can write to me**",
        Text::HelpMore { guide, direct } => return help_more(*guide, *direct).into(),
        Text::Summary(command) => summary(*command),
        Text::Current { title, description, addition, settings } => {
            return current(title, description, *addition, settings).into();
        }
        Text::List => "**The compagnons**",
        Text::ListPrivate => "**Made here or by you**",
        Text::ListCurrent => "*(the one here)*",
        Text::ListMore { example } => return format!("To change: `!compagnon choose {example}`.").into(),
        Text::Chosen { title, welcome, example } => return chosen(title, welcome, *example).into(),
        Text::NoSuchCompagnon { nearest: Some(nearest) } => {
            return format!(
                "I cannot find this compagnon. Did you mean `{nearest}`? To see them all: `!compagnon list`."
            )
            .into();
        }
        Text::NoSuchCompagnon { nearest: None } => "I cannot find this compagnon. To see them all: `!compagnon list`.",
        Text::Ambiguous { candidates } => return format!("Several compagnons fit: {candidates}. Which one?").into(),
        Text::Gone { title } => {
            return format!("The compagnon chosen here is no more: **{title}** answers from now on. To choose another: `!compagnon list`.").into();
        }
        Text::NameTaken { id } => {
            return format!("There is a compagnon `{id}` already: give yours another name.").into();
        }
        Text::Created { title, id } => {
            return format!("**{title}** is made and answers here from now on. Only this room and you see it; to propose it to everybody: `!compagnon publish {id}`.").into();
        }
        Text::Changed { title, id, version, back, diff, published } => {
            return changed(title, id, (*version, *back), diff, *published).into();
        }
        Text::Unchanged => "It is the same text: nothing has changed.",
        Text::Deleted { title } => return format!("**{title}** is deleted, with all its versions.").into(),
        Text::FromLibrary { title } => {
            return format!("**{title}** belongs to the service’s catalogue: it cannot be changed from here. Make your own with `!compagnon create`, or add an instruction for this room with `!compagnon instruction`.").into();
        }
        Text::NotYours => "Only the administrators of the room in which this compagnon was made can change it.",
        Text::Proposed { title, id } => {
            return format!("**{title}** is proposed to the catalogue. An administrator of the service will read it; until then nothing changes. To give it up: `!compagnon withdraw {id}`.").into();
        }
        Text::AlreadyPublished => "This version is in the catalogue already.",
        Text::Accepted { title, version } => {
            return format!("**{title}** (version {version}) is in the catalogue: everybody can choose it.").into();
        }
        Text::Declined { title } => {
            return format!("The proposal of **{title}** is turned down; it stays in its room.").into();
        }
        Text::Withdrawn { title } => {
            return format!("**{title}** is not in the catalogue any more. It stays with its room and its author.")
                .into();
        }
        Text::NotPublished => "This compagnon is neither in the catalogue nor proposed.",
        Text::Proposals => {
            "**Compagnons proposed to the catalogue**\n\nTo read: `!compagnon show` and the name. To decide: `!compagnon accept` with the name and the reference after it, or `!compagnon decline` with the name."
        }
        Text::NoProposals => "No compagnon is proposed.",
        Text::NewProposal { title, id, author, reference } => {
            return format!("{author} proposes the compagnon **{title}** to the catalogue. To read it: `!compagnon show {id}`. To decide: `!compagnon accept {id} {reference}` or `!compagnon decline {id}`.").into();
        }
        Text::ReadFirst { id, reference } => {
            return format!("Name the text that you have read, so that it is the one published: read it with `!compagnon show {id}`, then write `!compagnon accept {id} {reference}`.").into();
        }
        Text::Versions => "**Its versions**",
        Text::VersionsMore { id, version } => {
            return format!("To go back to one of them: `!compagnon revert {id} {version}`.").into();
        }
        Text::NoSuchVersion { id } => {
            return format!("There is no such version. To see them: `!compagnon show {id}`.").into();
        }
        Text::PromptTooLong { limit } => {
            return format!("This text is longer than {limit} characters: shorten it.").into();
        }
        Text::DoesNotFit => "This compagnon’s text is too long for the model that runs here.",
        Text::BadPrompt(error) => return bad_prompt(error).into(),
        Text::BadField(error) => return bad_field(error).into(),
        Text::Imitates { title } => {
            return format!("This name or title would be taken for **{title}**, of the catalogue: choose another.")
                .into();
        }
        Text::AdditionSet => {
            "Noted: this instruction is added to the compagnon’s own, for this room only. To remove it: `!compagnon instruction none`."
        }
        Text::AdditionRemoved => "This room’s instruction is removed.",
        Text::NoAddition => "This room has no instruction. To give one: `!compagnon instruction`, then your text.",
        Text::SettingSet { setting } => {
            return format!("Set: {setting}. To go back to the usual settings: `!compagnon set none`.").into();
        }
        Text::SettingsReset => "The usual settings are back in place.",
        Text::BadValue { allowed } => return format!("This value does not fit. Possible values: {allowed}.").into(),
        Text::AnswersAre(Answers::Mention) => {
            "Here I answer when I am mentioned, when one of my messages is replied to, and in threads where I speak already. To have me answer everything: `!answers all`."
        }
        Text::AnswersAre(Answers::All) => "Here I answer every message. To go back to mentions: `!answers mention`.",
        Text::AnswersDirect => "In private, I answer all your messages.",
        Text::RetentionIs { retention, limit, chosen } => return retention_is(*retention, *limit, *chosen).into(),
        Text::RetentionTooLong { limit } => return format!("That is too long: {} at most.", span(*limit)).into(),
        Text::Confirm(destroys) => return confirm(*destroys).into(),
        Text::ForgottenConversation => {
            "I have forgotten this conversation. The messages are still shown in Tchap: delete them if need be."
        }
        Text::ForgottenPerson => {
            "I have forgotten all you wrote to me, in all rooms. The messages are still shown in Tchap, and the audit trail keeps your commands, without their content. Your compagnons stay: `!compagnon delete`."
        }
        Text::ForgottenRoom => {
            "I have forgotten all that was said here, threads included. The compagnon and the settings stay; the messages are still shown in Tchap."
        }
        Text::ForgetOthers => {
            "Other people have spoken in this conversation: only an administrator of the room can have it forgotten. For what you wrote yourself: `!forget me`."
        }
        Text::ExportSent => "Your data is waiting for you in our private conversation, as a file.",
        Text::ExportHere => "This is all I keep about you. To erase your conversations: `!forget me`.",
        Text::ExportFailed => "I could not send you the file. Write `!export` to me in private.",
        Text::Privacy { retention, open } => return privacy(*retention, *open).into(),
        Text::Status { ready, model, compagnon, waiting, retention, version } => {
            let state =
                if *ready { "All is well" } else { "The model does not answer: commands work, questions have to wait" };
            return format!(
                "{state}.\n\n- Compagnon: {compagnon}\n- Model: {model}\n- Questions waiting: {waiting}\n- Kept here for: {}\n- Version: {version}",
                span(*retention)
            )
            .into();
        }
        Text::Redoing => "I am writing my last answer again, above.",
        Text::NothingToRedo => "I have no answer to write again for you here.",
        Text::Stopping { dropped: 0 } => "I stop.",
        Text::Stopping { dropped } => {
            return format!("I am stopping, and dropping your waiting questions ({dropped}).").into();
        }
        Text::NothingToStop => "I am not writing anything at the moment.",
        Text::StopNotYours => "This answer is for somebody else: they, or an administrator of the room, can stop it.",
        Text::Journal => "**Audit trail** (the newest first)",
        Text::JournalEmpty => "The audit trail is empty.",
    };
    sentence.into()
}

fn summary(command: Command) -> &'static str {
    match command {
        Command::Help => "this list",
        Command::Compagnon => "see, choose or make the assistant of this conversation",
        Command::Answers => "when I answer: if I am mentioned, or to everything",
        Command::Retention => "after how long I forget",
        Command::Forget => "forget this conversation, all you wrote, or the whole room",
        Command::Export => "receive what I keep about you",
        Command::Privacy => "what becomes of your messages",
        Command::Status => "know how I am",
        Command::Redo => "write my last answer again",
        Command::Stop => "stop my answer (or react with 🛑)",
        Command::Journal => "who changed what (administrators of the service)",
    }
}

const NEVER: &str = "Do not write passwords, classified information or health data to me.";

fn welcome(welcome: &Welcome<'_>) -> String {
    let Welcome { organisation, title, description, retention, direct, open } = welcome;
    let call = if *direct { "Write to me here." } else { "To speak to me, mention me (@)." };
    let warning = if *open {
        "\n- **Take care: this room is open to people outside the State, who read my answers.**"
    } else {
        ""
    };
    format!(
        "Hello, I am an assistant offered by {organisation}: **an artificial intelligence**, not a person. {call}\n\n\
         - **{title}** answers you: {description}\n\
         - I can be wrong: check before you use an answer.\n\
         - {NEVER}\n\
         - Everything stays on our servers, encrypted; I forget after {}.{warning}\n\n\
         `!help` for the commands, `!compagnon list` to choose another assistant.",
        span(*retention)
    )
}

fn contact(retention: Duration) -> String {
    format!(
        "Hello. You are writing to me for the first time: I am **an artificial intelligence**, I can be wrong. {NEVER} I forget after {}. `!help` for the commands.",
        span(retention)
    )
}

fn help_more(guide: Option<&str>, direct: bool) -> String {
    let guide = guide.map_or_else(String::new, |guide| format!(" The guide: {guide}"));
    let how = if direct {
        "Here, the commands in this list also work without the “!”."
    } else {
        "`!help compagnon` tells more of a command."
    };
    format!("{how}{guide}")
}

fn current(title: &str, description: &str, addition: Option<&str>, settings: &[String]) -> String {
    let mut text = format!("**{title}** answers here: {description}");
    if !settings.is_empty() {
        text = format!("{text}\n\nSettings: {}.", settings.join(", "));
    }
    if let Some(addition) = addition {
        text = format!("{text}\n\nThis room’s instruction:\n\n{addition}");
    }
    format!("{text}\n\nTo change: `!compagnon list`.")
}

fn chosen(title: &str, welcome: &str, example: Option<&str>) -> String {
    let example = example.map_or_else(String::new, |example| format!("\n\nFor instance: “{example}”"));
    format!("**{title}** answers from now on. {welcome}{example}")
}

fn changed(title: &str, id: &str, (version, back): (u32, u32), diff: &str, published: bool) -> String {
    let published = if published {
        format!(" The catalogue keeps the published version; to propose this one: `!compagnon publish {id}`.")
    } else {
        String::new()
    };
    format!("**{title}** is at version {version}.{published}\n\n{diff}\n\nTo go back: `!compagnon revert {id} {back}`.")
}

fn bad_prompt(error: &CompagnonError) -> String {
    match error {
        CompagnonError::NoFrontMatter | CompagnonError::FrontMatter(_) => {
            "The header between `---` cannot be read: it needs `name:` and `description:` at least. Or leave it out."
                .to_owned()
        }
        CompagnonError::Empty => {
            "The compagnon’s text is missing: write it on the next line, under the name, in the same message."
                .to_owned()
        }
        CompagnonError::Variable(name) => {
            let list = VARIABLES.map(|name| format!("`{{{{ {name} }}}}`")).join(", ");
            format!("`{name}` is not a variable. You can write {list}.")
        }
        CompagnonError::Unclosed => "A variable opened by `{{` is not closed by `}}`.".to_owned(),
    }
}

fn bad_field(error: &FieldError) -> String {
    match error {
        FieldError::TooLong { field, limit } => {
            let field = match field {
                Field::Name => "The name",
                Field::Title => "The title (`title:`)",
                Field::Description => "The description",
                Field::Welcome => "The welcome (`welcome:`)",
                Field::Example => "An example (`examples:`)",
            };
            format!("{field} is longer than {limit} characters: write less.")
        }
        FieldError::NotLatin => {
            "This name or title cannot be used: write it in Latin letters, with digits and common punctuation, so that it is not taken for another."
                .to_owned()
        }
        FieldError::Invisible => {
            "This name or text has characters that cannot be seen: type it rather than paste it.".to_owned()
        }
        FieldError::TooManyExamples { limit } => format!("Those are too many examples: {limit} at most."),
        FieldError::Temperature => format!("The temperature (`temperature:`) is a number from 0 to {HOTTEST}."),
        FieldError::MaxTokens { limit } => {
            format!("The length of answers (`max_tokens:`) is a whole number from 1 to {limit}.")
        }
    }
}

fn retention_is(retention: Duration, limit: Duration, chosen: bool) -> String {
    const DAYS: Duration = Duration::from_hours(48);
    // Never what is so already, nor more than is allowed.
    let other = if retention != DAYS && limit >= DAYS { "2d" } else { "12h" };
    let usual = if chosen { " To go back to the usual time: `!retention usual`." } else { "" };
    format!(
        "Here I forget each exchange after {}. To change that, for instance: `!retention {other}` ({} at most).{usual}",
        span(retention),
        span(limit)
    )
}

fn confirm(destroys: Destroys<'_>) -> String {
    let what = match destroys {
        Destroys::Conversation => {
            "Other people have spoken in this conversation: I will forget it for everybody.".to_owned()
        }
        Destroys::Room { direct: false } => {
            "I will forget, for everybody, all that was said in this room, threads included.".to_owned()
        }
        Destroys::Room { direct: true } => "I will forget all that was said here, threads included.".to_owned(),
        Destroys::Retention { retention } => {
            format!(
                "I will forget, for everybody in this room, what is older: each exchange after {}.",
                span(retention)
            )
        }
        Destroys::Compagnon { title } => {
            format!("**{title}** will be deleted with all its versions, for all who use it.")
        }
    };
    format!("{what} This cannot be undone. To confirm, send the same command again within a minute.")
}

fn privacy(retention: Duration, open: bool) -> String {
    let warning =
        if open { "\n- **This room is open to people outside the State: they read my answers.**" } else { "" };
    format!(
        "**Your messages**\n\n\
         - They are read by a model that runs on our servers. Nothing leaves them.\n\
         - I keep our exchanges in this conversation, encrypted, to follow it, for {} at most. What I know here never serves elsewhere.{warning}\n\
         - Delete a message: I forget it at once, with my answer. Edit it: I answer anew.\n\
         - A trace of commands is kept (who, what, when), without content.\n\
         - {NEVER}\n\n\
         Your rights: `!export` to receive everything, `!forget me` to erase what you have written to me.",
        span(retention)
    )
}

/// A wait, rounded up.
fn delay(wait: Duration) -> String {
    match wait.as_secs() + u64::from(wait.subsec_nanos() > 0) {
        0 | 1 => "a second".to_owned(),
        seconds @ 2..60 => format!("{seconds} seconds"),
        seconds if seconds <= 60 => "a minute".to_owned(),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// A time that things are kept.
fn span(time: Duration) -> String {
    let hours = time.as_secs() / 3600;
    match (hours / 24, hours % 24) {
        (0, 0) => format!("{} minutes", time.as_secs() / 60),
        (0, 1) => "an hour".to_owned(),
        (0, hours) => format!("{hours} hours"),
        (1, 0) => "24 hours".to_owned(),
        (days, 0) => format!("{days} days"),
        (_, _) => format!("{hours} hours"),
    }
}
