//! A line of the audit trail, in words.

use jiff::Zoned;

use crate::compagnon::Language;

/// When something was done.
pub fn time(at: &Zoned, language: Language) -> String {
    let form = match language {
        Language::Fr => "%d/%m/%Y à %H h %M",
        Language::En => "%Y-%m-%d %H:%M",
    };
    at.strftime(form).to_string()
}

/// What was done. An action of a later version is named as it is kept.
pub fn action(action: &str, language: Language) -> &str {
    let (fr, en) = match action {
        "answer.accept" => ("réponse validée", "answer approved"),
        "answer.propose" => ("réponse proposée", "answer proposed"),
        "answer.remove" => ("réponse retirée", "answer removed"),
        "answers" => ("moment des réponses", "when to answer"),
        "compagnon.accept" => ("compagnon accepté au catalogue", "compagnon accepted into the catalogue"),
        "compagnon.case" => ("essais d’un compagnon", "test cases of a compagnon"),
        "compagnon.edit" => ("compagnon modifié", "compagnon changed"),
        "compagnon.choose" => ("compagnon choisi", "compagnon chosen"),
        "compagnon.create" => ("compagnon créé", "compagnon created"),
        "compagnon.decline" => ("compagnon refusé au catalogue", "compagnon not accepted into the catalogue"),
        "compagnon.delete" => ("compagnon supprimé", "compagnon deleted"),
        "compagnon.instruction" => ("consigne", "instruction"),
        "compagnon.propose" => ("compagnon proposé au catalogue", "compagnon submitted to the catalogue"),
        "compagnon.revert" => ("compagnon remis à une version", "compagnon reverted"),
        "compagnon.set" => ("réglage", "setting"),
        "compagnon.withdraw" => ("compagnon retiré du catalogue", "compagnon withdrawn from the catalogue"),
        "export" => ("export", "data export"),
        "forget.conversation" => ("oubli (conversation)", "forgotten (conversation)"),
        "forget.person" => ("oubli (personne)", "forgotten (person)"),
        "forget.room" => ("oubli (salon)", "forgotten (room)"),
        "glossary.room" => ("glossaire", "glossary"),
        "memory.room" => ("mémoire du salon", "memory of the room"),
        "retention" => ("durée de conservation", "retention"),
        "translation.room" => ("traduction continue", "continuous translation"),
        other => (other, other),
    };
    match language {
        Language::Fr => fr,
        Language::En => en,
    }
}
