//! What each command does, in French, for the list of commands.

use crate::command::Command;

pub fn summary(command: Command) -> &'static str {
    match command {
        Command::Help => "cette liste",
        Command::Compagnon => "voir, choisir ou créer le compagnon d’ici",
        Command::Answers => "choisir quand je réponds : aux mentions ou à tous les messages, dans un fil ou non",
        Command::Retention => "voir ou changer la durée de conservation",
        Command::Forget => "oublier cette conversation, un fait retenu, vos échanges partout, ou tout le salon",
        Command::Remember => "me faire retenir un fait, pour vous ou pour tout le salon",
        Command::Memory => "voir ce que je retiens ici",
        Command::Sources => "les passages que cite ma dernière réponse",
        Command::Translate => "traduire un message, un texte ou un fichier",
        Command::Glossary => "les termes que les traductions respectent",
        Command::Note => "écrire la note d’une conversation",
        Command::CatchUp => "ce que vous avez manqué dans un salon",
        Command::Reviews => "préparer une réponse à l’avis d’un usager",
        Command::Pseudonymise => "remplacer dans un texte ce qui désigne des personnes",
        Command::Documents => "voir, ajouter ou retirer les documents d’après lesquels je réponds",
        Command::Export => "recevoir ce que je garde sur vous",
        Command::Privacy => "ce que deviennent vos messages",
        Command::Status => "vérifier que je fonctionne",
        Command::Redo => "réécrire ma dernière réponse",
        Command::Stop => "arrêter ma réponse (ou réagissez avec 🛑)",
        Command::Statistics => "voir combien de demandes me sont faites ici, et si mes réponses sont utiles",
        Command::Journal => "voir qui a changé quoi (administrateurs de l’assistant)",
    }
}
