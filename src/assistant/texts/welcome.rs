//! What the bot says of itself: to a room that it comes into, and to a person who writes for the first time. Each line is true where it is said.

use super::{
    privacy::{View, forbidden, never},
    shown::{Contact, Welcome},
};
use crate::{
    compagnon::{Answers, Language},
    privacy::Here,
};

/// To a room.
pub(super) fn welcome(welcome: &Welcome<'_>, language: Language) -> String {
    let Welcome { organisation, title, description, facts, here } = welcome;
    let view = View { facts, here: Some(here), language };
    let call = match (here.direct, here.answers) {
        (true, _) => view.say("Écrivez-moi ici.", "Just write to me here."),
        (false, Answers::All) => view.say("Ici, je réponds à tous les messages.", "Here, I answer every message."),
        (false, _) => view.say(
            "Pour me parler, mentionnez-moi (@) ou répondez à l’un de mes messages.",
            "To talk to me, mention me (@) or reply to one of my messages.",
        ),
    };
    let hello = view.say(
        format!("Bonjour, je suis un assistant proposé par {organisation} : **une intelligence artificielle**, pas une personne. {call}"),
        format!("Hello, I am an assistant offered by {organisation}: **an artificial intelligence**, not a person. {call}"),
    );
    let mut lines = vec![
        view.say(format!("Compagnon : **{title}** — {description}"), format!("Compagnon: **{title}** — {description}")),
        view.say(
            "Je peux me tromper : vérifiez avant d’utiliser une réponse.",
            "I make mistakes: check an answer before you use it.",
        ),
        never_at_all(&view),
    ];
    if !here.direct {
        lines.push(if here.answers == Answers::All || here.translated {
            view.say("Je lis tous les messages d’ici.", "I read all messages here.")
        } else {
            view.say(
                "Je ne lis que ce qui m’est adressé, et ce que vous me demandez de lire.",
                "I only read what is addressed to me, and what you ask me to read.",
            )
        });
    }
    let kept = view.lasting(here.retention);
    lines.push(view.say(
        format!("Je garde nos échanges {kept}, chiffrés sur mon disque ; les messages restent dans Tchap. Vos données et vos droits : `!confidentialité`."),
        format!("I keep our exchanges for {kept}, encrypted on my disk; the messages stay in Tchap. Your data and your rights: `!privacy`."),
    ));
    lines.extend(warnings(&view, here));
    let lines = lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n");
    let more = view.say(
        "`!aide` : les commandes. `!compagnon liste` : les autres compagnons.",
        "`!help`: the commands. `!compagnon list`: the other compagnons.",
    );
    format!("{hello}\n\n{lines}\n\n{more}")
}

/// To a person.
pub(super) fn contact(contact: &Contact<'_>, language: Language) -> String {
    let Contact { facts, here } = contact;
    let view = View { facts, here: Some(here), language };
    let never = never_at_all(&view);
    let kept = view.lasting(here.retention);
    let text = view.say(
        format!("Bonjour. Je suis **une intelligence artificielle** : vérifiez mes réponses. {never} Je garde nos échanges {kept}. Vos données : `!confidentialité`. Les commandes : `!aide`."),
        format!("Hello. I am **an artificial intelligence**: check my answers. {never} I keep our exchanges for {kept}. Your data: `!privacy`. The commands: `!help`."),
    );
    std::iter::once(text).chain(warnings(&view, here)).collect::<Vec<_>>().join(" ")
}

fn never_at_all(view: &View<'_>) -> String {
    std::iter::once(never(view)).chain(forbidden(view)).collect::<Vec<_>>().join(" ")
}

/// Who else reads along.
fn warnings(view: &View<'_>, here: &Here) -> Vec<String> {
    let mut warnings = Vec::new();
    if !here.encrypted {
        warnings.push(view.say(
            "**Attention : cette conversation n’est pas chiffrée. Les serveurs de messagerie peuvent lire vos questions et mes réponses.**",
            "**Caution: this conversation is not encrypted. The chat servers can read your questions and my answers.**",
        ));
    }
    if here.open {
        warnings.push(view.say(
            "**Attention : des externes sont dans ce salon ou peuvent y entrer. Ils lisent vos questions et mes réponses.**",
            "**Caution: external accounts are in this room or can join it. They read your questions and my answers.**",
        ));
    }
    warnings
}
