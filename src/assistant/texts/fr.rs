//! The French sentences. Plain words, vouvoiement, no jargon; what can be typed stands between backquotes.

mod prompts;
mod summary;
mod times;

use std::{borrow::Cow, time::Duration};

use self::{
    prompts::{bad_field, bad_prompt},
    summary::summary,
    times::{delay, of, span},
};
use super::{energy, shown::Destroys, text::Text, unread, unreadable};
use crate::{
    compagnon::{Answers, Language},
    privacy::Facts,
};

/// The sentence in French.
#[allow(clippy::too_many_lines)] // One arm per sentence: the table that people proofread.
pub(super) fn say(text: &Text<'_>) -> Cow<'static, str> {
    let sentence = match text {
        // Worded beside what makes them true.
        Text::NoRoom { .. }
        | Text::Failed
        | Text::GivenUp
        | Text::LoopStopped { .. }
        | Text::NotServed
        | Text::HelpContact => {
            return super::whom::say(text, Language::Fr, &Facts::default()).unwrap_or_default().into();
        }
        Text::RefusedServer | Text::RefusedExternal | Text::RefusedOpenRoom | Text::RefusedUnencrypted => {
            super::refused::say(text, Language::Fr).unwrap_or_default()
        }
        Text::Welcome(welcome) => return super::welcome::welcome(welcome, Language::Fr).into(),
        Text::Contact(contact) => return super::welcome::contact(contact, Language::Fr).into(),
        Text::Privacy(asked) => return asked.say(Language::Fr).into(),
        Text::Busy => "Je traite déjà beaucoup de questions : je n’ai pas gardé la vôtre. Reposez-la dans une minute.",
        Text::DiskFull => {
            "Le disque du service est presque plein : je ne prends plus de questions, et je le dis à qui m’en pose. Faites de la place sur le disque du dossier de données ; je reprends alors de moi-même."
        }
        Text::CannotRead(unread) => unread::cannot_read_fr(*unread),
        Text::TooOld => {
            "Quand vous avez écrit ce message, j’étais arrêté ; il est maintenant trop ancien pour que j’y réponde. Renvoyez-le si vous en avez encore besoin."
        }
        Text::TooLong { most: Some(most) } if *most > 0 => {
            return format!(
                "Votre message est trop long pour moi : je peux lire environ {} caractères ici. Raccourcissez-le, ou traitez une partie à la fois : je réponds à chaque message séparément.",
                Language::Fr.number(*most)
            )
            .into();
        }
        Text::TooLong { .. } => {
            "Votre message est trop long pour moi. Raccourcissez-le, ou traitez une partie à la fois : je réponds à chaque message séparément."
        }
        Text::QuestionTooLong { limit } => {
            return format!(
                "Votre message dépasse {} caractères. Raccourcissez-le, ou traitez une partie à la fois : je réponds à chaque message séparément.",
                Language::Fr.number(*limit)
            )
            .into();
        }
        Text::NoQuestion => {
            "Vous m’avez mentionné sans poser de question. Écrivez-la dans le même message, ou tapez `!aide`."
        }
        Text::CannotAnswerTo(why) => unreadable::cannot_answer_to(*why, Language::Fr),
        Text::CannotReadThread => unreadable::cannot_read_thread(Language::Fr),
        Text::AnsweredWithout(why) => unreadable::answered_without(*why, Language::Fr),
        Text::ThreadNotWhole => unreadable::thread_not_whole(Language::Fr),
        Text::Unread => {
            "Je n’arrive pas à déchiffrer votre message : sa clé ne m’est pas parvenue. Si elle arrive, j’y répondrai ; sans réponse dans quelques minutes, renvoyez-le. Je ne vous le dis qu’une fois par jour."
        }
        Text::Missed => {
            "Pendant une interruption, je n’ai pas pu lire tout ce qui a été écrit ici. Si vous attendez une réponse de moi, reposez votre question."
        }
        Text::NotChecked => {
            "Je n’ai pas pu vérifier ce que vous pouvez faire dans ce salon : la messagerie n’a pas répondu. Réessayez dans quelques minutes."
        }
        Text::Empty => "Je n’ai rien trouvé à répondre. Reformulez votre question.",
        Text::SlowDown { wait } => {
            return format!(
                "Trop de demandes en peu de temps, de vous ou de ce salon. Reposez votre question dans {} ; d’ici là, je reste silencieux.",
                delay(*wait)
            )
            .into();
        }
        Text::Cut => "*(Réponse interrompue : limite atteinte. Écrivez « Continuez ».)*",
        Text::Stopped => "*(Réponse arrêtée sur demande.)*",
        Text::NotRead(unread) => unread::not_read_fr(*unread),
        Text::Mark { title } => return format!("*{title} · réponse d’une IA, à vérifier · utile ? 👍 👎*").into(),
        Text::AskWhy => {
            "Merci de votre avis. Pourquoi cette réponse ne vous a-t-elle pas été utile ? Réagissez à ce message, si vous le voulez bien :\n\n1️⃣ elle est fausse · 2️⃣ elle est incomplète · 3️⃣ elle est hors sujet · 4️⃣ elle est trop longue · 5️⃣ ses sources sont inutiles"
        }
        Text::Opened => {
            "*Nous ne sommes plus seuls ici : je commence une nouvelle conversation, sans reprendre ce que nous nous sommes dit à deux.*"
        }
        Text::Verification { device, key } => {
            return format!(
                "Je suis un programme : personne ne peut comparer les émojis de mon côté, j’ai donc annulé la vérification. Pour savoir \
                 que c’est bien moi, comparez la clé que votre application affiche pour ma session avec celle-ci et, en cas de doute, avec \
                 celle que donne l’équipe qui m’exploite :\n\n- session : `{device}`\n- clé : `{key}`"
            )
            .into();
        }
        Text::BeginningLeftOut => {
            "*Cette conversation est trop longue pour moi : je n’en vois plus le début. Rappelez-moi ce qui compte, ou écrivez `!oublier` pour repartir de zéro.*"
        }
        Text::LastExchangeShortened => {
            "*Notre échange précédent est trop long pour moi : je n’en ai relu que le début et la fin.*"
        }
        Text::UnknownCommand { nearest: Some(nearest) } => {
            return format!(
                "Je ne connais pas cette commande. Vouliez-vous dire `!{nearest}` ? Toutes les commandes : `!aide`."
            )
            .into();
        }
        Text::UnknownCommand { nearest: None } => "Je ne connais pas cette commande. Toutes les commandes : `!aide`.",
        Text::Usage { usage } => return format!("Cette commande s’écrit ainsi :\n\n{usage}").into(),
        Text::NeedsAdministrator => {
            "Cette commande est réservée aux personnes qui administrent ou modèrent ce salon. En conversation privée avec moi, c’est vous qui décidez."
        }
        Text::NoRightHere => {
            "Dans cette conversation, vous n’avez pas le droit de faire cela. Écrivez-moi dans une nouvelle conversation privée."
        }
        Text::OnlyInPrivate => {
            "Ici, d’autres personnes liraient ma réponse : envoyez-moi cette commande en conversation privée."
        }
        Text::NeedsInstanceAdministrator => "Cette commande est réservée aux administrateurs de l’assistant.",
        Text::UnverifiedDevice => {
            "Cette commande demande un appareil vérifié : vérifiez celui-ci dans vos paramètres de sécurité, puis renvoyez la commande."
        }
        Text::NeedsEncryption => "Envoyez cette commande dans une conversation chiffrée, s’il vous plaît.",
        Text::Help => "**Ce que vous pouvez m’écrire**",
        Text::HelpMore { guide, direct } => return help_more(*guide, *direct).into(),
        Text::Summary(command) => summary(*command),
        Text::Current { title, description, addition, settings } => {
            return current(title, description, *addition, settings).into();
        }
        Text::List => "**Compagnons**",
        Text::ListPrivate => "**Créés ici ou par vous**",
        Text::ListCurrent => "*(choisi ici)*",
        Text::ListMore { example } => return format!("Pour en changer : `!compagnon choisir {example}`.").into(),
        Text::Chosen { title, welcome, example } => return chosen(title, welcome, *example).into(),
        Text::NoSuchCompagnon { nearest: Some(nearest) } => {
            return format!("Je ne trouve pas ce compagnon. Vouliez-vous dire `{nearest}` ? Pour les voir tous : `!compagnon liste`.").into();
        }
        Text::NoSuchCompagnon { nearest: None } => {
            "Je ne trouve pas ce compagnon. Pour les voir tous : `!compagnon liste`."
        }
        Text::Ambiguous { candidates, example } => {
            return format!("Plusieurs compagnons correspondent : {candidates}. Précisez, par exemple : `!compagnon choisir {example}`.").into();
        }
        Text::Gone { title } => {
            return format!("Le compagnon choisi ici n’est plus disponible : **{title}** le remplace. Pour en choisir un autre : `!compagnon liste`.").into();
        }
        Text::NameTaken { id } => {
            return format!("Le nom `{id}` est déjà pris : choisissez-en un autre pour votre compagnon.").into();
        }
        Text::Created { title, id } => {
            return format!("**{title}** est créé et répond désormais ici. Le voient : les membres de ce salon ici, et vous partout. Pour le proposer à tous : `!compagnon publier {id}`.").into();
        }
        Text::Changed { title, id, version, back, diff, published } => {
            return changed(title, id, (*version, *back), diff, *published).into();
        }
        Text::Unchanged => "C’est le même texte : rien n’a changé.",
        Text::Deleted { title, published } => {
            let rooms =
                if *published { " Les salons qui l’utilisaient reprennent le compagnon habituel." } else { "" };
            return format!("**{title}** est supprimé, avec toutes ses versions.{rooms}").into();
        }
        Text::FromLibrary { title } => {
            return format!("**{title}** fait partie du catalogue : vous ne pouvez pas le modifier. Créez le vôtre (`!compagnon créer`) ou ajoutez une consigne (`!compagnon consigne`).").into();
        }
        Text::NotYours => {
            "Ce compagnon ne peut être modifié que par les personnes qui administrent ou modèrent le salon où il a été créé."
        }
        Text::Proposed { title, id } => {
            return format!("**{title}** est proposé au catalogue. Un administrateur de l’assistant doit l’accepter ; d’ici là, rien ne change. Une fois accepté, il est dans `!compagnon liste`. Pour y renoncer : `!compagnon retirer {id}`.").into();
        }
        Text::AlreadyPublished => "Cette version est déjà au catalogue.",
        Text::Accepted { title, version } => {
            return format!("**{title}** (version {version}) est au catalogue, proposé à tous les salons.").into();
        }
        Text::Declined { title } => {
            return format!("La proposition de **{title}** est refusée. Le compagnon reste disponible dans son salon.")
                .into();
        }
        Text::Decided { title, accepted: true } => {
            return format!(
                "Votre compagnon **{title}** est accepté au catalogue : tous les salons peuvent le choisir."
            )
            .into();
        }
        Text::Decided { title, accepted: false } => {
            return format!(
                "Votre compagnon **{title}** n’est pas retenu au catalogue. Il reste disponible dans son salon."
            )
            .into();
        }
        Text::Withdrawn { title } => {
            return format!(
                "**{title}** n’est plus au catalogue. Il reste disponible dans son salon et pour son auteur."
            )
            .into();
        }
        Text::NotPublished => "Ce compagnon n’est ni au catalogue, ni proposé.",
        Text::Proposals => {
            "**Compagnons proposés au catalogue**\n\nPour lire : `!compagnon voir` et le nom. Pour décider : `!compagnon accepter` avec le nom et la référence qui le suit, ou `!compagnon refuser` avec le nom."
        }
        Text::NoProposals => "Aucun compagnon n’est proposé.",
        Text::NewProposal { title, id, author, reference, cases } => {
            return format!("{author} propose le compagnon **{title}** au catalogue. {}\n\nPour le lire : `!compagnon voir {id}`. Pour décider : `!compagnon accepter {id} {reference}` ou `!compagnon refuser {id}`.", super::standing::standing_fr(cases)).into();
        }
        Text::ReadFirst { id, reference } => {
            return format!("Pour que soit publié le texte que vous avez lu, nommez-le : lisez-le avec `!compagnon voir {id}`, puis écrivez `!compagnon accepter {id} {reference}`.").into();
        }
        Text::Versions => "**Versions**",
        Text::VersionsMore { id, version } => {
            return format!("Pour revenir à l’une d’elles : `!compagnon revenir {id} {version}`.").into();
        }
        Text::NoSuchVersion { id } => {
            return format!("Cette version n’existe pas. Pour voir les versions : `!compagnon voir {id}`.").into();
        }
        Text::PromptTooLong { limit } => {
            return format!("Ce texte dépasse {} caractères : raccourcissez-le.", Language::Fr.number(*limit)).into();
        }
        Text::DoesNotFit => {
            "Le texte de ce compagnon ne laisse pas de place à une question : raccourcissez-le, ou choisissez un autre compagnon."
        }
        Text::BadPrompt(error) => return bad_prompt(error).into(),
        Text::BadField(error) => return bad_field(error).into(),
        Text::Imitates { title } => {
            return format!(
                "Ce nom ou ce titre se confondrait avec **{title}**, du catalogue : choisissez-en un autre."
            )
            .into();
        }
        Text::Effective { prompt, temperature, longest, answers } => {
            let temperature = Language::Fr.decimal(temperature);
            return format!("**Ce que le modèle lit ici avant votre question**, avec la date, ce que le salon ajoute et ce que je retiens :\n\n{prompt}\n\nTempérature : {temperature}. Longueur des réponses : {} jetons au plus. {answers}", Language::Fr.number(longest)).into();
        }
        Text::SummaryNotShown => "(résumé non montré : il porte aussi sur ce que d’autres ont dit)",
        Text::AdditionSet => {
            "C’est noté : cette consigne complète le texte du compagnon, ici seulement. Pour l’enlever : `!compagnon consigne aucune`."
        }
        Text::AdditionRemoved => "La consigne est enlevée.",
        Text::NoAddition => {
            "Il n’y a pas de consigne ici. Pour en donner une : `!compagnon consigne`, puis votre texte."
        }
        Text::SettingSet { setting } => {
            return format!(
                "Réglage enregistré : {setting}. Pour revenir aux réglages habituels : `!compagnon réglage aucun`."
            )
            .into();
        }
        Text::SettingsReset => "Les réglages habituels sont de nouveau en place.",
        Text::BadValue { allowed } => {
            return format!("Cette valeur ne convient pas. Valeurs possibles : {allowed}.").into();
        }
        Text::Memory(memory) => return super::memory::fr(memory, of).into(),
        Text::Documents(text) => return super::documents::fr(text).into(),
        Text::Mastered(text) => return super::mastered::say(text, crate::compagnon::Language::Fr).into(),
        Text::Synthesis(synthesis) => return super::synthesis::fr(*synthesis).into(),
        Text::Notes(text) => return super::notes::fr(text).into(),
        Text::Documented(text) => return super::documented::fr(text).into(),
        Text::Sources(text) => return super::sources::fr(text).into(),
        Text::Statistics(told) => return super::statistics::fr(told).into(),
        Text::Digest(told) => return super::statistics::digest_fr(told).into(),
        Text::Cases(text) => return super::cases::fr(text).into(),
        Text::Pseudonyms(text) => return super::pseudonyms::fr(text).into(),
        Text::Reviews(text) => return super::reviews::say(text, crate::compagnon::Language::Fr).into(),
        Text::Translation(text) => return super::translation::fr(text).into(),
        Text::Glossary(text) => return super::glossary::fr(text).into(),
        Text::AnswersAre(Answers::Mention) => {
            "Ici, je réponds quand on me mentionne, quand on répond à l’un de mes messages, et dans les fils où je parle déjà. Pour que je réponde à tout : `!réponses tout` ; dans un fil par question : `!réponses fil`."
        }
        Text::AnswersAre(Answers::Thread) => {
            "Ici, je réponds quand on me mentionne, chaque fois dans un fil ouvert sur la question ; dans ce fil, inutile de me mentionner. Pour revenir au salon lui-même : `!réponses mention`."
        }
        Text::AnswersAre(Answers::All) => {
            "Ici, je réponds à tous les messages écrits des personnes qui ont accès à l’assistant. Pour que je réponde aux seules mentions : `!réponses mention`."
        }
        Text::AnswersDirect { threads: false } => {
            "En conversation privée, je réponds à tous vos messages. Pour que chaque question ait son fil : `!réponses fil`."
        }
        Text::AnswersDirect { threads: true } => {
            "En conversation privée, je réponds à tous vos messages, chacun dans un fil ouvert sur votre question. Pour revenir à une seule conversation : `!réponses tout`."
        }
        Text::RetentionIs { retention, limit, chosen } => return retention_is(*retention, *limit, *chosen).into(),
        Text::RetentionTooLong { limit } => return format!("C’est trop long : {} au plus.", span(*limit)).into(),
        Text::Confirm(destroys) => return confirm(*destroys).into(),
        Text::Rights(text) => return super::rights::fr(text, span).into(),
        Text::ForgetInThread => {
            "Ici, chaque question a son fil : écrivez `!oublier` dans celui qu’il faut oublier. Pour tout ce que vous avez écrit : `!oublier moi`."
        }
        Text::FileTooLarge { most } => {
            return format!("Le fichier est trop grand pour cette messagerie : {} Mo au plus.", (most >> 20).max(1))
                .into();
        }
        Text::FileFailed => "Je n’ai pas pu envoyer le fichier.",
        Text::ServiceRefused { service } => {
            return format!("Le service « {service} » n’a pas accepté la demande. Elle n’est pas faite.").into();
        }
        Text::ExportFailed => "Je n’ai pas pu vous envoyer le fichier. Écrivez-moi `!exporter` en message privé.",
        Text::Status { ready, model, compagnon, waiting, retention, spent, version } => {
            let state = if *ready {
                "Tout va bien"
            } else {
                "Le modèle ne répond pas : les commandes fonctionnent, mais je ne peux pas répondre aux questions"
            };
            let energy = energy::said(spent, Language::Fr);
            let energy = energy.map_or_else(String::new, |said| format!("\n- Énergie ici, cette semaine : {said}"));
            return format!(
                "{state}.\n\n- Compagnon : {compagnon}\n- Modèle : {model}\n- Questions en attente, tous salons : {waiting}\n- Conservation ici : {}{energy}\n- Version : {version}",
                span(*retention)
            )
            .into();
        }
        Text::Redoing => "Je réécris ma dernière réponse, à sa place.",
        Text::NothingToRedo => "Je n’ai ici aucune réponse à réécrire pour vous.",
        Text::Stopping { dropped: 0 } => "Je m’arrête.",
        Text::Stopping { dropped: 1 } => "Je m’arrête et j’abandonne votre question en attente.",
        Text::Stopping { dropped } => {
            return format!("Je m’arrête et j’abandonne vos {dropped} questions en attente.").into();
        }
        Text::JobStopped => {
            "C’est arrêté : vous ne recevrez rien de ce travail. Pour le relancer, renvoyez la même commande."
        }
        Text::NothingToStop => "Je n’écris rien en ce moment.",
        Text::StopNotYours => {
            "Cette réponse est destinée à une autre personne : elle seule peut l’arrêter, ou quelqu’un qui administre ou modère ce salon."
        }
        Text::Journal => "**Journal** (de la plus récente à la plus ancienne entrée)",
        Text::JournalEmpty => "Le journal est vide.",
    };
    sentence.into()
}

fn help_more(guide: Option<&str>, direct: bool) -> String {
    let guide = guide.map_or_else(String::new, |guide| format!(" Le guide : {guide}"));
    let how = if direct {
        "En conversation privée, vous pouvez omettre le « ! » des commandes de cette liste. `!aide compagnon` détaille une commande."
    } else {
        "`!aide compagnon` détaille une commande."
    };
    format!("{how}{guide}")
}

fn current(title: &str, description: &str, addition: Option<&str>, settings: &[String]) -> String {
    let mut text = format!("Compagnon choisi ici : **{title}** — {description}");
    if !settings.is_empty() {
        text = format!("{text}\n\nRéglages : {}.", settings.join(", "));
    }
    if let Some(addition) = addition {
        text = format!("{text}\n\nConsigne :\n\n{addition}");
    }
    format!("{text}\n\nPour en changer : `!compagnon liste`.")
}

fn chosen(title: &str, welcome: &str, example: Option<&str>) -> String {
    let example = example.map_or_else(String::new, |example| format!("\n\nPar exemple : « {example} »"));
    format!("**{title}** répond désormais ici. {welcome}{example}")
}

fn changed(title: &str, id: &str, (version, back): (u32, u32), diff: &str, published: bool) -> String {
    let published = if published {
        format!(" Le catalogue garde la version publiée ; pour proposer celle-ci : `!compagnon publier {id}`.")
    } else {
        String::new()
    };
    format!(
        "**{title}** passe en version {version}.{published}\n\n{diff}\n\nPour revenir en arrière : `!compagnon revenir {id} {back}`."
    )
}

fn retention_is(retention: Duration, limit: Duration, chosen: bool) -> String {
    const DAYS: Duration = Duration::from_hours(48);
    // Never what is so already, nor more than is allowed.
    let other = if retention != DAYS && limit >= DAYS { "2j" } else { "12h" };
    let usual = if chosen { " Pour revenir à la durée habituelle : `!conservation habituelle`." } else { "" };
    format!(
        "Ici, j’oublie chaque échange après {} (à une heure près). Pour changer, par exemple : `!conservation {other}` ({} au plus).{usual}",
        span(retention),
        span(limit)
    )
}

fn confirm(destroys: Destroys<'_>) -> String {
    let what = match destroys {
        Destroys::Conversation => {
            "D’autres personnes ont participé à cette conversation : je l’oublierai pour tout le monde.".to_owned()
        }
        Destroys::Room { direct: false } => {
            "J’oublierai, pour tout le monde, tous mes échanges dans ce salon, fils compris, et ce que je retiens."
                .to_owned()
        }
        Destroys::Room { direct: true } => {
            "J’oublierai tous nos échanges d’ici, fils compris, et ce que je retiens.".to_owned()
        }
        Destroys::Retention { retention } => format!(
            "Pour tout le monde dans ce salon, j’oublierai ce qui est plus ancien : chaque échange après {}.",
            span(retention)
        ),
        Destroys::Facts { of_room: true } => {
            "J’oublierai, pour tout le monde, tout ce que je retiens pour ce salon.".to_owned()
        }
        Destroys::Facts { of_room: false } => "J’oublierai tout ce que je retiens pour vous ici.".to_owned(),
        Destroys::Compagnon { title } => {
            format!("**{title}** sera supprimé avec toutes ses versions, pour tous ceux qui s’en servent.")
        }
    };
    format!("{what} C’est définitif. Pour confirmer, renvoyez la même commande dans la minute.")
}
