//! What is wrong with the text of a compagnon, in English.

use crate::compagnon::{CompagnonError, Field, FieldError, HOTTEST, Language, VARIABLES};

pub fn bad_prompt(error: &CompagnonError) -> String {
    match error {
        CompagnonError::NoFrontMatter | CompagnonError::FrontMatter(_) => {
            "The header between `---` cannot be read: it needs at least `name:` and `description:`. You can also leave it out."
                .to_owned()
        }
        CompagnonError::Empty => {
            "The compagnon’s text is missing. Write it on the line below the name, in the same message."
                .to_owned()
        }
        CompagnonError::Variable(name) => {
            let list = VARIABLES.map(|name| format!("`{{{{ {name} }}}}`")).join(", ");
            format!("`{name}` is not a variable. You can use {list}.")
        }
        CompagnonError::Unclosed => "A variable opened with `{{` is not closed with `}}`.".to_owned(),
    }
}

pub fn bad_field(error: &FieldError) -> String {
    match error {
        FieldError::TooLong { field, limit } => {
            let field = match field {
                Field::Name => "The name",
                Field::Title => "The title (`title:`)",
                Field::Description => "The description",
                Field::Welcome => "The welcome message (`welcome:`)",
                Field::Example => "An example (`examples:`)",
            };
            format!("{field} is longer than {} characters. Please shorten it.", Language::En.number(*limit))
        }
        FieldError::NotLatin => {
            "This name or title cannot be used. Use only Latin letters, digits and common punctuation, so that it cannot be mistaken for another."
                .to_owned()
        }
        FieldError::Invisible => {
            "This name or text contains invisible characters. Type it instead of pasting it.".to_owned()
        }
        FieldError::TooManyExamples { limit } => format!("There are too many examples: at most {limit}."),
        FieldError::Temperature => format!("The temperature (`temperature:`) is a number from 0 to {HOTTEST}."),
        FieldError::MaxTokens { limit } => {
            format!("The length of answers (`max_tokens:`) is a whole number from 1 to {limit}.")
        }
    }
}
