//! The notice for everybody, and the entry of the record of processing (GDPR, art. 30): from the same values as what the assistant says.

use super::{
    claim::Claim::{self, Machine as Ma, Measures as Me, People as Pe, Place as Pl, Time as Ti},
    machine::Machine,
    measures::Measures,
    page::{Page, section},
    people::People,
    place::Place,
    time::Time,
    topic::Topic,
    view::View,
};
use crate::setting::spoken::SpokenText;

/// A line of the record of processing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is called, where programs read it.
    pub id: &'static str,
    /// What it is about.
    pub label: String,
    /// What it says, or which key is missing.
    pub text: String,
}

/// The notice.
#[must_use]
pub fn notice(view: &View<'_>) -> Page {
    let title = view.say("Vos données et l’assistant", "Your data and the assistant");
    Page { title, sections: Topic::ALL.into_iter().map(|topic| section(topic, view)).collect() }
}

/// What the entry of the record is called.
#[must_use]
pub fn record_title(view: &View<'_>) -> String {
    view.say(
        "Fiche du registre des traitements (RGPD, article 30)",
        "Record of processing activities (GDPR, article 30)",
    )
}

/// The entry of the record of processing. What ops have not said is marked, with the key that says it.
#[must_use]
pub fn record(view: &View<'_>) -> Vec<Entry> {
    let stated = &view.facts.stated;
    let given = |key: &str, text: &Option<SpokenText>| {
        view.stated(text.as_ref()).map_or_else(
            || view.say(format!("[à compléter : privacy.{key}]"), format!("[to be completed: privacy.{key}]")),
            ToOwned::to_owned,
        )
    };
    let claims = |claims: &[Claim]| claims.iter().filter_map(|claim| claim.say(view)).collect::<Vec<_>>().join(" ");
    let mut entries = Vec::new();
    let mut add = |id: &'static str, (fr, en): (&str, &str), text: String| {
        entries.push(Entry { id, label: view.say(fr, en), text });
    };
    let organisation = &view.facts.organisation;
    add(
        "activity",
        ("Traitement", "Processing"),
        view.say(
            format!("Assistant conversationnel dans Tchap, proposé par {organisation}"),
            format!("Conversational assistant in Tchap, offered by {organisation}"),
        ),
    );
    add("number", ("Numéro", "Number"), given("register", &stated.register));
    add("controller", ("Responsable du traitement", "Controller"), given("controller", &stated.controller));
    add("dpo", ("Délégué à la protection des données", "Data protection officer"), given("dpo", &stated.dpo));
    add("purposes", ("Finalités", "Purposes"), given("purposes", &stated.purposes));
    add("legal_basis", ("Base légale", "Legal basis"), given("legal_basis", &stated.legal_basis));
    add("people", ("Personnes concernées", "Data subjects"), people(view, &given("audience", &stated.audience)));
    add("data", ("Catégories de données", "Categories of data"), data(view));
    let read = [
        Pe(People::Members),
        Pe(People::ExternalsServed),
        Pe(People::Administrators),
        Pe(People::Operators),
        Pl(Place::RemoteModel),
        Pl(Place::Tchap),
        Pl(Place::Docs),
        Pl(Place::Scanner),
        Pl(Place::Search),
        Pe(People::Processors),
        Pe(People::Recipients),
    ];
    add("recipients", ("Destinataires", "Recipients"), claims(&read));
    add(
        "transfers",
        ("Transferts hors de l’Union européenne", "Transfers outside the European Union"),
        given("transfers", &stated.transfers),
    );
    // As people are told them; a question that waits is not kept.
    let durations = Topic::Durations.claims().iter().copied();
    let kept: Vec<Claim> = durations.filter(|claim| matches!(claim, Ti(time) if *time != Time::Waiting)).collect();
    add("durations", ("Délais d’effacement", "Time limits for erasure"), claims(&kept));
    let protects = [
        Me(Measures::Sealed),
        Me(Measures::KeyBackup),
        Pl(Place::NoAiService),
        Pl(Place::NothingLeaves),
        Pl(Place::EncryptedOnly),
        Pl(Place::ClearServed),
        Pe(People::ExternalsRefused),
        Ma(Machine::NoTraining),
        Me(Measures::Security),
    ];
    add("security", ("Mesures de sécurité", "Security measures"), claims(&protects));
    add("dpia", ("Analyse d’impact", "Impact assessment"), given("dpia", &stated.dpia));
    entries
}

fn people(view: &View<'_>, audience: &str) -> String {
    view.say(
        format!("{audience} ; les personnes citées dans leurs messages et leurs fichiers"),
        format!("{audience}; the people named in their messages and files"),
    )
}

fn data(view: &View<'_>) -> String {
    let mut data = view.say(
        "identifiants Tchap et noms affichés ; questions, réponses et leurs heures ; fichiers et documents donnés ; ce qu’on fait retenir ; consignes, compagnons et réglages ; trace des commandes (qui, quoi, quand, où) ; avis sur les réponses",
        "Tchap identifiers and display names; questions, answers and their times; files and documents given; what people have remembered; instructions, compagnons and settings; record of commands (who, what, when, where); ratings of answers",
    );
    if view.facts.sends.docs.is_some() {
        data.push_str(&view.say(" ; adresse électronique, pour les documents", "; e-mail address, for documents"));
    }
    data
}
