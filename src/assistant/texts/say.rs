//! A sentence in a language.

use std::borrow::Cow;

use super::{en, fr, text::Text};
use crate::{
    compagnon::Language,
    matrix::{Refusal, Sentence},
};

impl Text<'_> {
    /// The sentence in a language, as markdown.
    pub fn say(&self, language: Language) -> Cow<'static, str> {
        match language {
            Language::Fr => fr::say(self),
            Language::En => en::say(self),
        }
    }
}

/// What is said of a refused invitation, in a language.
#[must_use]
pub fn refusal(language: Language) -> Sentence {
    fn say(refusal: Refusal, language: Language) -> &'static str {
        let text = match refusal {
            Refusal::Server => Text::RefusedServer,
            Refusal::External => Text::RefusedExternal,
            Refusal::OpenRoom => Text::RefusedOpenRoom,
            Refusal::Unencrypted => Text::RefusedUnencrypted,
        };
        match text.say(language) {
            Cow::Borrowed(sentence) => sentence,
            // These depend on nothing.
            Cow::Owned(_) => "",
        }
    }
    match language {
        Language::Fr => |refusal| say(refusal, Language::Fr),
        Language::En => |refusal| say(refusal, Language::En),
    }
}
