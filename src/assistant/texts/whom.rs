//! The sentences that name whom people can write to, or who is served: what ops say, and nothing untrue where they say nothing.

use std::time::Duration;

use super::{privacy::View, text::Text};
use crate::{
    compagnon::Language,
    privacy::{Facts, Whom},
};

/// The sentence, if it is one of these.
pub(super) fn say(text: &Text<'_>, language: Language, facts: &Facts) -> Option<String> {
    let view = View { facts, here: None, language };
    Some(match text {
        Text::NoRoom { told } => no_room(&view, *told),
        Text::Failed => {
            let again = again(&view);
            view.say(
                format!("Je n’ai pas pu répondre : le modèle a rencontré une erreur. Reposez votre question{again}."),
                format!("I couldn’t answer: the model ran into an error. Please ask again{again}."),
            )
        }
        Text::GivenUp => {
            let again = again(&view);
            view.say(
                format!("J’ai dû renoncer à cette question : elle m’a interrompu plusieurs fois. Posez-la autrement, ou plus courte{again}."),
                format!("I had to give up on this question: it made me restart several times. Rephrase or shorten it{again}."),
            )
        }
        Text::LoopStopped { wait } => loop_stopped(&view, *wait),
        Text::NotServed => {
            let refused = view.say(
                "Je ne peux pas vous répondre : votre compte n’a pas accès à cet assistant.",
                "I cannot answer you: your account does not have access to this assistant.",
            );
            match view.stated(facts.stated.audience.as_ref()) {
                Some(audience) => view.say(
                    format!("{refused} Il s’adresse à un public précis : {audience}."),
                    format!("{refused} It is for: {audience}."),
                ),
                None => refused,
            }
        }
        Text::HelpContact => match facts.whom(language) {
            Whom::Contact(contact) => view.say(
                format!("Une question, une erreur : {contact}."),
                format!("For a question, or to report an error: {contact}."),
            ),
            // Whom nobody can name is not named.
            Whom::Administrators | Whom::Nobody => String::new(),
        },
        _ => return None,
    })
}

/// What follows the advice to try once more.
fn again(view: &View<'_>) -> String {
    match view.facts.whom(view.language) {
        Whom::Contact(contact) => view.say(
            format!(" ; si cela se reproduit, prévenez {contact}"),
            format!("; if it happens again, contact {contact}"),
        ),
        Whom::Administrators => view.say(
            " ; si cela se reproduit, prévenez les administrateurs de l’assistant",
            "; if it happens again, contact the assistant administrators",
        ),
        Whom::Nobody => String::new(),
    }
}

fn no_room(view: &View<'_>, told: bool) -> String {
    let mut text = view.say(
        "Je ne peux plus enregistrer de question : l’espace disque est plein. Réessayez plus tard.",
        "I can’t accept questions right now: my storage is full. Please try later.",
    );
    if told {
        text.push_str(&view.say(
            " Les administrateurs de l’assistant sont prévenus.",
            " The assistant administrators have been notified.",
        ));
    }
    if let Whom::Contact(contact) = view.facts.whom(view.language) {
        text.push_str(&view.say(format!(" Si cela dure : {contact}."), format!(" If this goes on: {contact}.")));
    }
    text
}

fn loop_stopped(view: &View<'_>, wait: Duration) -> String {
    let wait = view.lasting(wait);
    let mut text = view.say(
        format!("Vos messages suivent mes réponses trop vite pour venir d’une personne. Je ne vous réponds plus ici pendant {wait}."),
        format!("Your messages follow my answers too quickly to come from a person. I won’t answer you here for {wait}."),
    );
    match view.facts.whom(view.language) {
        Whom::Contact(contact) => text.push_str(&view.say(
            format!(" Si c’est une erreur, prévenez {contact}."),
            format!(" If this is a mistake, contact {contact}."),
        )),
        Whom::Administrators => text.push_str(&view.say(
            " Si c’est une erreur, prévenez les administrateurs de l’assistant.",
            " If this is a mistake, contact the assistant administrators.",
        )),
        Whom::Nobody => {}
    }
    text
}
