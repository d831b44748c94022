//! Where the bot does not work, and what to do instead. They depend on nothing: invitations are refused with them.

use super::text::Text;
use crate::compagnon::Language;

/// The sentence, if it is one of these.
pub(super) fn say(text: &Text<'_>, language: Language) -> Option<&'static str> {
    let [fr, en] = match text {
        Text::RefusedServer => [
            "Votre administration n’a pas accès à cet assistant : je ne peux pas rejoindre ce salon.",
            "Your organisation does not have access to this assistant, so I can’t join this room.",
        ],
        Text::RefusedExternal => [
            "Cet assistant n’est pas ouvert aux comptes externes : je ne peux pas rejoindre ce salon.",
            "This assistant is not available to external accounts, so I can’t join this room.",
        ],
        Text::RefusedOpenRoom => [
            "Ce salon est ouvert aux externes : je n’y réponds pas. Écrivez-moi en conversation privée.",
            "This room is open to external accounts, so I don’t answer here. Send me a direct message instead.",
        ],
        Text::RefusedUnencrypted => [
            "Ce salon n’est pas chiffré : je n’y réponds pas. Écrivez-moi en conversation privée.",
            "This room is not encrypted, so I don’t answer here. Send me a direct message instead.",
        ],
        _ => return None,
    };
    Some(match language {
        Language::Fr => fr,
        Language::En => en,
    })
}
