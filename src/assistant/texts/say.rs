//! A sentence in a language.

use std::borrow::Cow;

use super::{en, fr, mastered::Mastered, pseudonyms::Pseudonyms, sources::Sources, text::Text, whom};
use crate::{
    compagnon::Language,
    matrix::{Refusal, Sentence},
    privacy::Facts,
    typography,
};

impl Text<'_> {
    /// The sentence in a language, as markdown, with the typography of that language.
    pub fn say(&self, language: Language) -> Cow<'static, str> {
        match language {
            Language::Fr => match (fr::say(self), self.quoted()) {
                (Cow::Borrowed(sentence), _) => typography::french(sentence),
                (Cow::Owned(sentence), None) => typography::french(&sentence).into_owned().into(),
                // What people wrote is given back as it is.
                (Cow::Owned(sentence), Some(quoted)) => match sentence.split_once(quoted) {
                    Some((before, after)) => {
                        [typography::french(before), quoted.into(), typography::french(after)].concat().into()
                    }
                    None => sentence.into(),
                },
            },
            Language::En => en::say(self),
        }
    }

    /// The same, where it may name whom people can write to, or who is served.
    pub fn say_of(&self, language: Language, facts: &Facts) -> Cow<'static, str> {
        let Some(sentence) = whom::say(self, language, facts) else { return self.say(language) };
        typeset(&sentence, language).into_owned().into()
    }

    /// What the sentence gives back word for word.
    pub(super) fn quoted(&self) -> Option<&str> {
        match self {
            Text::Pseudonyms(Pseudonyms::Done { text, .. })
            | Text::Mastered(Mastered::Shown { text, .. })
            | Text::Sources(Sources::Passages { passages: text }) => Some(text),
            _ => None,
        }
    }
}

/// Other words that people read, such as a compagnon's description, with the typography of a language.
pub fn typeset(text: &str, language: Language) -> Cow<'_, str> {
    match language {
        Language::Fr => typography::french(text),
        Language::En => text.into(),
    }
}

/// What is said of a refused invitation, in a language.
#[must_use]
pub fn refusal(language: Language) -> Sentence {
    fn say(refusal: Refusal, language: Language) -> String {
        let text = match refusal {
            Refusal::Server => Text::RefusedServer,
            Refusal::External => Text::RefusedExternal,
            Refusal::OpenRoom => Text::RefusedOpenRoom,
            Refusal::Unencrypted => Text::RefusedUnencrypted,
        };
        text.say(language).into_owned()
    }
    match language {
        Language::Fr => |refusal| say(refusal, Language::Fr),
        Language::En => |refusal| say(refusal, Language::En),
    }
}
