//! What is wrong with the text of a compagnon, in French.

use crate::compagnon::{CompagnonError, Field, FieldError, HOTTEST, Language, VARIABLES};

pub fn bad_prompt(error: &CompagnonError) -> String {
    match error {
        CompagnonError::NoFrontMatter | CompagnonError::FrontMatter(_) => {
            "L’en-tête entre `---` n’est pas lisible : il faut au moins `name:` et `description:`. Corrigez-le ou supprimez-le."
                .to_owned()
        }
        CompagnonError::Empty => {
            "Il manque le texte du compagnon : écrivez-le à la ligne, sous le nom, dans le même message.".to_owned()
        }
        CompagnonError::Variable(name) => {
            let list = VARIABLES.map(|name| format!("`{{{{ {name} }}}}`")).join(", ");
            format!("`{name}` n’est pas une variable. Vous pouvez écrire {list}.")
        }
        CompagnonError::Unclosed => "Une variable ouverte par `{{` n’est pas fermée par `}}`.".to_owned(),
    }
}

pub fn bad_field(error: &FieldError) -> String {
    match error {
        FieldError::TooLong { field, limit } => {
            let field = match field {
                Field::Name => "Le nom",
                Field::Title => "Le titre (`title:`)",
                Field::Description => "La description",
                Field::Welcome => "Le message d’accueil (`welcome:`)",
                Field::Example => "Un exemple (`examples:`)",
            };
            format!("{field} dépasse {} caractères : écrivez plus court.", Language::Fr.number(*limit))
        }
        FieldError::NotLatin => {
            "Ce nom ou ce titre ne convient pas : écrivez-le en lettres latines, avec des chiffres et la ponctuation habituelle, pour qu’on ne le prenne pas pour un autre."
                .to_owned()
        }
        FieldError::Invisible => {
            "Ce nom ou ce texte contient des caractères invisibles : retapez-le au clavier plutôt que de le coller."
                .to_owned()
        }
        FieldError::TooManyExamples { limit } => format!("C’est trop d’exemples : {limit} au plus."),
        FieldError::Temperature => {
            format!("La température (`temperature:`) est un nombre de 0 à {}.", Language::Fr.decimal(HOTTEST))
        }
        FieldError::MaxTokens { limit } => {
            format!("La longueur des réponses (`max_tokens:`) est un nombre entier de 1 à {limit}.")
        }
    }
}
