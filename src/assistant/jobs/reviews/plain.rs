//! Messages without a command that are meant for this job all the same: what is said under a draft, and reviews that are pasted where the compagnon
//! for them answers.

use super::{
    asked::{brings_review, known_wish, wish},
    kept::Kept,
};
use crate::{
    assistant::{exchange::Parts, failure::Failure},
    command::{Call, Command},
    message::{Content, Incoming},
};

/// The compagnon for reviews, by its identifier in the library.
pub const COMPAGNON: &str = "reponse-usagers";

/// The fewest words of something said of a draft that does not reply to it.
const FEWEST_WORDS: usize = 3;

/// The command that a question stands for, where it is meant for this job. `compagnon` is who would answer it.
pub async fn meant(parts: &Parts, question: &Incoming, compagnon: &str) -> Result<Option<Call>, Failure> {
    let Content::Text(text) = &question.content else { return Ok(None) };
    let for_reviews = compagnon == COMPAGNON;
    let kept = Kept::of(&parts.store, question).await?;
    let rewrites = || call(&format!("corriger {}", text.trim()));
    if kept.state.current.is_some() {
        if known_wish(text).is_some() {
            return Ok(Some(call(text.trim())));
        }
        let few = text.split_whitespace().count() >= FEWEST_WORDS && !text.trim_end().ends_with('?');
        let of_draft =
            kept.under_draft || (for_reviews && few && question.replies_to.is_none() && !brings_review(text));
        if of_draft && wish(text).is_some() {
            return Ok(Some(rewrites()));
        }
    }
    // A reply to a message of somebody asks about that.
    let pasted = for_reviews && question.replies_to.is_none() && brings_review(text);
    Ok(pasted.then(|| Call { arguments: String::new(), text: text.trim().to_owned(), ..call("") }))
}

fn call(said: &str) -> Call {
    let (arguments, text) = said.split_once('\n').unwrap_or((said, ""));
    Call {
        command: Some(Command::Reviews),
        name: "avis".to_owned(),
        english: false,
        arguments: arguments.to_owned(),
        text: text.to_owned(),
        unasked: false,
    }
}
