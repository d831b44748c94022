//! How long each thing is kept.

use std::time::Duration;

use jiff::SignedDuration;

use super::view::View;

/// A sentence about durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Time {
    /// The three that people ask about, in one sentence.
    Short,
    /// What is said.
    Exchanges,
    /// Questions that wait.
    Waiting,
    /// Messages that cannot be decrypted.
    Undecrypted,
    /// Files and documents.
    Files,
    /// What people have asked to be remembered.
    Facts,
    /// Drafts of notes.
    Notes,
    /// Addresses for documents.
    Addresses,
    /// What people make: compagnons, instructions, settings.
    Made,
    /// The trail of commands.
    Audit,
    /// Blinded marks.
    Marks,
    /// Numbers.
    Counted,
    /// Backups, where ops say how long.
    Backups,
    /// Backups, where they do not.
    BackupsUnsaid,
    /// Logs, where ops say how long.
    Logs,
    /// Logs, where they do not.
    LogsUnsaid,
}

impl Time {
    /// The sentence; nothing where it would not be true.
    pub(super) fn say(self, view: &View<'_>) -> Option<String> {
        let (facts, keeps) = (view.facts, &view.facts.keeps);
        let retention = view.lasting(view.here.map_or(keeps.retention, |here| here.retention));
        let [longest, memory, audit, marks] =
            [keeps.longest, keeps.memory, keeps.audit, keeps.marks].map(|time| view.lasting(time));
        let [withdrawable, unused] = [keeps.withdrawable, keeps.unused_compagnons].map(|time| view.lasting(time));
        Some(match self {
            Self::Short => view.say(
                format!("Nos échanges, chiffrés sur mon disque : {retention}. Ce que vous me faites retenir : {memory}. La trace de vos commandes (qui, quoi, quand, où, sans leur texte) : {audit}."),
                format!("Our exchanges, encrypted on my disk: {retention}. What you have me remember: {memory}. The record of your commands (who, what, when, where, without their text): {audit}."),
            ),
            Self::Exchanges if view.here.is_some() => view.say(
                format!("Nos échanges d’ici (questions, réponses, noms affichés, heures), chiffrés sur mon disque : {retention}, à une heure près."),
                format!("Our exchanges here (questions, answers, display names, times), encrypted on my disk: {retention}, give or take an hour."),
            ),
            Self::Exchanges => view.say(
                format!("Les échanges (questions, réponses, noms affichés, heures), chiffrés sur mon disque : {retention}, à une heure près ; un salon peut choisir une autre durée, {longest} au plus."),
                format!("Exchanges (questions, answers, display names, times), encrypted on my disk: {retention}, give or take an hour; a room can choose another duration, {longest} at most."),
            ),
            Self::Waiting => view.say(
                "Une question en attente : jusqu’à sa réponse.",
                "A question that waits: until it is answered.",
            ),
            Self::Undecrypted => {
                let usual = view.lasting(keeps.retention);
                view.say(
                    format!("Un message que je n’ai pas pu déchiffrer, illisible : {usual}."),
                    format!("A message that I could not decrypt, unreadable: {usual}."),
                )
            }
            Self::Files => view.say(
                format!("Un fichier donné dans une conversation : comme nos échanges. Un document ajouté pour vous seul : {memory}. Un document ajouté pour un salon ou un compagnon : jusqu’à son retrait."),
                format!("A file given in a conversation: like our exchanges. A document added for yourself: {memory}. A document added for a room or a compagnon: until it is removed."),
            ),
            Self::Facts => view.say(
                format!("Ce que vous me faites retenir (`!retenir`) : {memory}."),
                format!("What you have me remember (`!remember`): {memory}."),
            ),
            Self::Notes => view.say("Le brouillon d’une note : 48 heures.", "The draft of a note: 48 hours."),
            Self::Addresses => {
                facts.sends.docs.as_ref()?;
                view.say(
                    "Votre adresse pour les documents : un an après son dernier usage, ou `!note docs oublier`.",
                    "Your address for documents: one year after its last use, or `!note docs forget`.",
                )
            }
            Self::Made => view.say(
                format!("Vos compagnons : jusqu’à leur suppression, ou {unused} sans usage hors du catalogue. La consigne et les réglages d’un salon : jusqu’à ce qu’on les enlève ou que j’en sorte."),
                format!("Your compagnons: until they are deleted, or {unused} without use outside the catalogue. The instruction and settings of a room: until they are removed or I leave it."),
            ),
            Self::Audit => view.say(
                format!("La trace des commandes (qui, quoi, quand, où, sans leur texte) : {audit}."),
                format!("The record of commands (who, what, when, where, without their text): {audit}."),
            ),
            Self::Marks => view.say(
                format!("Des empreintes illisibles : des messages déjà traités et des personnes sans accès à qui je l’ai dit, {marks} ; des personnes déjà informées, {audit} ; de mes réponses oubliées, pour les retirer avec leur question, {withdrawable}."),
                format!("Unreadable fingerprints: of messages that are dealt with and of people without access who were told so, {marks}; of people who have been informed, {audit}; of my forgotten answers, to withdraw them with their question, {withdrawable}."),
            ),
            Self::Counted => {
                let months = keeps.months_counted;
                view.say(
                    format!("Des chiffres, sans nom ni texte : {months} mois."),
                    format!("Numbers, without names or text: {months} months."),
                )
            }
            Self::Backups => {
                let time = view.lasting(given(facts.stated.backups)?);
                view.say(
                    format!("Les sauvegardes, chiffrées : {time}. Un oubli ne les atteint pas avant leur fin."),
                    format!("Backups, encrypted: {time}. Forgetting does not reach them before they end."),
                )
            }
            Self::BackupsUnsaid => {
                if facts.stated.backups.is_some() {
                    return None;
                }
                view.say(
                    "S’il y a des sauvegardes, un oubli ne les atteint pas avant leur fin.",
                    "Where there are backups, forgetting does not reach them before they end.",
                )
            }
            Self::Logs => {
                let time = view.lasting(given(facts.stated.logs)?);
                view.say(
                    format!("Les journaux techniques (identifiants et durées, aucun texte de personne) : {time}."),
                    format!("Technical logs (identifiers and times, nothing that people write): {time}."),
                )
            }
            Self::LogsUnsaid => {
                if facts.stated.logs.is_some() {
                    return None;
                }
                view.say(
                    "Les journaux techniques ne contiennent rien de ce que vous écrivez.",
                    "Technical logs hold nothing of what you write.",
                )
            }
        })
    }
}

fn given(time: Option<SignedDuration>) -> Option<Duration> {
    time.map(SignedDuration::unsigned_abs)
}
