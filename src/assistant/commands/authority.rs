//! The authority that each command rests on. Its proof is in `proof`.

use super::{
    Parts, answers, compagnon, documents, forget, glossary, proof::unproven, remember, retention, statistics, translate,
};
use crate::{
    assistant::{access::Authority, failure::Failure, texts::Text},
    command::{Call, Command},
    message::Incoming,
};

impl Authority {
    /// What this command rests on, in a direct conversation or in a room.
    pub(super) fn of(call: &Call, direct: bool) -> Self {
        let by_level = match call.command {
            Some(Command::Journal) => return Self::Instance,
            Some(Command::Statistics) if statistics::of_service(&call.arguments) => return Self::Instance,
            Some(Command::Statistics) => true,
            Some(Command::Compagnon) => return compagnon::authority(&call.arguments, direct),
            Some(Command::Documents) => return documents::authority(&call.arguments, direct),
            Some(Command::Answers) => answers::read(&call.arguments).is_some(),
            Some(Command::Retention) => retention::read(&call.arguments).is_some(),
            Some(Command::Glossary) => glossary::changes(&call.arguments),
            Some(Command::Translate) => translate::is_setting(&call.arguments),
            Some(Command::Remember) => remember::of_room(&call.arguments, direct).0,
            Some(Command::Forget) => forget::Scope::read(&call.arguments).is_some_and(forget::Scope::is_of_all),
            _ => false,
        };
        Self::here(by_level, direct)
    }

    /// What a change of this very room rests on. Of what is only between two, there is nobody else to be protected from.
    pub(super) fn here(by_level: bool, direct: bool) -> Self {
        if by_level && !direct { Self::Room } else { Self::Nobody }
    }
}

/// Why a command is not even tried, if its author's device does not prove enough.
pub async fn refusal(parts: &Parts, message: &Incoming, call: &Call) -> Result<Option<Text<'static>>, Failure> {
    unproven(parts, message, Authority::of(call, message.direct)).await
}

#[cfg(test)]
mod tests {
    use super::{Authority, Call};
    use crate::assistant::fakes::incoming;

    #[test]
    fn what_changes_a_room_or_the_service_rests_on_who_asks() {
        use Authority::{Instance, Nobody, Room};
        for (body, in_a_room, alone) in [
            ("!aide", Nobody, Nobody),
            ("!stop", Nobody, Nobody),
            ("!exporter", Nobody, Nobody),
            ("!oublier", Nobody, Nobody),
            ("!oublier moi", Nobody, Nobody),
            ("!oublier mémoire", Nobody, Nobody),
            ("!oublier mémoire 2", Nobody, Nobody),
            ("!oublier mémoire salon", Room, Nobody),
            ("!forget memory room 2", Room, Nobody),
            ("!mémoire", Nobody, Nobody),
            ("!retenir Je suis au SG.", Nobody, Nobody),
            ("!retenir salon : Le COPIL est le mardi.", Room, Nobody),
            ("!remember room: The board meets on Tuesdays.", Room, Nobody),
            ("!retenir Salon des maires : je m’en occupe.", Nobody, Nobody),
            ("!oublier tout", Room, Nobody),
            ("!traduire en anglais", Nobody, Nobody),
            ("!traduire salon en anglais", Room, Nobody),
            ("!translate room off", Room, Nobody),
            ("!glossaire", Nobody, Nobody),
            ("!glossaire ajouter \"a\" = \"b\"", Room, Nobody),
            ("!glossary remove a", Room, Nobody),
            ("!glossaire importer", Room, Nobody),
            ("!réponses", Nobody, Nobody),
            ("!réponses tout", Room, Nobody),
            ("!conservation", Nobody, Nobody),
            ("!conservation 2j", Room, Nobody),
            ("!compagnon", Nobody, Nobody),
            ("!compagnon liste", Nobody, Nobody),
            ("!compagnon voir rh", Nobody, Nobody),
            ("!compagnon rh", Room, Nobody),
            ("!compagnon choisir rh", Room, Nobody),
            ("!compagnon créer X\nTu es X.", Room, Nobody),
            ("!compagnon consigne Sois bref.", Room, Nobody),
            ("!compagnon essai liste", Nobody, Nobody),
            // These may reach into other rooms.
            ("!compagnon essais", Room, Room),
            ("!compagnon cases budget", Room, Room),
            ("!compagnon essai ajouter a => b", Room, Room),
            ("!compagnon case remove 1", Room, Room),
            ("!compagnon modifier x\nTu es Y.", Room, Room),
            ("!compagnon supprimer x", Room, Room),
            ("!compagnon publier x", Room, Room),
            ("!compagnon retirer x", Instance, Instance),
            ("!compagnon propositions", Instance, Instance),
            ("!compagnon accepter x", Instance, Instance),
            ("!compagnon refuser x", Instance, Instance),
            ("!journal", Instance, Instance),
            ("!statistiques", Room, Nobody),
            ("!statistics service", Instance, Instance),
            ("!documents", Nobody, Nobody),
            ("!documents ajouter", Nobody, Nobody),
            ("!documents ajouter moi", Nobody, Nobody),
            ("!documents ajouter salon", Room, Nobody),
            ("!documents ajouter compagnon", Room, Room),
            ("!documents ajouter catalogue", Instance, Instance),
            ("!documents portée 1 salon", Room, Nobody),
            ("!documents portée 1 catalogue", Instance, Instance),
            // Of whose document it is, once that is known.
            ("!documents retirer 1", Nobody, Nobody),
        ] {
            let call = Call::read(&incoming("$q:h", "!a:h", body)).expect("a command");
            assert_eq!((Authority::of(&call, false), Authority::of(&call, true)), (in_a_room, alone), "{body}");
        }
    }
}
