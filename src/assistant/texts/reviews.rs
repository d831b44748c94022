//! The sentences about drafts of replies to reviews, in both languages.

use std::fmt::Write as _;

use super::review_files::{bad_en, bad_fr, dropped_en, dropped_fr};
use crate::{
    assistant::{
        commands::inert,
        jobs::reviews::{BadFile, Check, Distress, FactKind},
    },
    compagnon::Language,
};

/// A sentence about reviews and drafts.
#[derive(Clone, Debug, PartialEq)]
pub enum Reviews<'a> {
    /// Stands above everything else of a review that cannot wait.
    Alert(&'a [Distress]),
    /// What a file holds.
    Loaded {
        /// How many reviews.
        total: usize,
        /// How many of them are answered already.
        answered: usize,
        /// How many have no text.
        empty: usize,
        /// The numbers of those that cannot wait.
        urgent: &'a [usize],
        /// Whether the columns were known by their headings.
        headed: bool,
    },
    /// The review of a file that is answered, with those that were passed over on the way.
    Place {
        /// Its number.
        number: usize,
        /// How many the file has.
        total: usize,
        /// The numbers of those that are answered already.
        answered: &'a [usize],
        /// The numbers of those without a text.
        empty: &'a [usize],
        /// The review without names, as lines of a quote.
        quote: &'a str,
    },
    /// Stands above a draft.
    Draft {
        /// How many earlier replies it rests on.
        pairs: usize,
    },
    /// Stands under a draft.
    Checked {
        /// What is to be looked at.
        checks: &'a [Check],
        /// Whether a file is walked through.
        walks: bool,
    },
    /// There is no draft that could be rewritten.
    NoDraft,
    /// No file is walked through.
    NoWalk,
    /// The file has no further review.
    Over {
        /// How many drafts were made.
        drafts: usize,
    },
    /// The file has no earlier review.
    Beginning,
    /// The review of this number is answered already.
    Answered(usize),
    /// The review of this number has no text.
    Empty(usize),
    /// The file has no such number.
    NoSuch {
        /// The number.
        number: usize,
        /// How many the file has.
        total: usize,
    },
    /// What was kept is forgotten.
    Ended,
    /// The file with the drafts is above.
    Exported {
        /// How many drafts are in it.
        drafts: usize,
        /// How many reviews have none.
        without: usize,
    },
    /// A file cannot be read.
    Bad(BadFile),
    /// The reviews of a file are too large to be kept.
    TooLarge {
        /// About how many would fit.
        fit: usize,
    },
    /// A file without a word looks like reviews, and is not kept.
    Dropped {
        /// Its name.
        name: String,
        /// How many reviews wait.
        count: usize,
    },
    /// A file is no table of text.
    NotText,
    /// The review does not fit into the model's context.
    TooLong,
    /// The model wrote nothing.
    NothingWritten,
}

/// The sentence.
pub(super) fn say(text: &Reviews<'_>, language: Language) -> String {
    match language {
        Language::Fr => fr(text),
        Language::En => en(text),
    }
}

fn fr(text: &Reviews<'_>) -> String {
    match text {
        Reviews::Alert(kinds) => {
            let lines = kinds.iter().map(|kind| format!("\n- {}", alert_fr(*kind)));
            format!(
                "⚠️ **À lire avant tout : cet avis laisse craindre une situation grave.** Lisez-le en entier et prévenez votre \
                 hiérarchie sans attendre ; une réponse publique ne suffit pas.{}",
                lines.collect::<String>()
            )
        }
        Reviews::Loaded { total, answered, empty, urgent, headed } => {
            let mut said = format!("{} dans ce fichier", count(*total, "avis", "avis"));
            if *answered > 0 {
                let plural = if *answered > 1 { "s" } else { "" };
                let _ = write!(said, ", {answered} déjà répondu{plural}");
            }
            if *empty > 0 {
                let _ = write!(said, ", {empty} sans texte");
            }
            said.push('.');
            if !urgent.is_empty() {
                let _ = write!(said, " ⚠️ **À lire en premier, ils ne peuvent pas attendre : avis {}** (`!avis {}`).", numbers(urgent), urgent[0]);
            }
            if !headed {
                said.push_str(" Le fichier n’a pas de titres de colonnes connus : j’ai pris la colonne des textes les plus longs.");
            }
            said.push_str(" Je masque ce qui identifie quelqu’un, je garde ces avis 48 heures. Pour avancer : `!avis suivant`, `!avis précédent`, `!avis 12` ; pour finir : `!avis exporter`, `!avis fin`.");
            said
        }
        Reviews::Place { number, total, answered, empty, quote } => {
            let mut passed = Vec::new();
            if !answered.is_empty() {
                passed.push(format!("{} : déjà répondu", numbers(answered)));
            }
            if !empty.is_empty() {
                passed.push(format!("{} : sans texte", numbers(empty)));
            }
            let passed = if passed.is_empty() { String::new() } else { format!(" (avis passés : {})", passed.join(" ; ")) };
            format!("**Avis {number}/{total}**{passed}\n\n{quote}")
        }
        Reviews::Draft { pairs } => {
            let rests = match pairs {
                0 => String::new(),
                1 => ", d’après une réponse passée".to_owned(),
                pairs => format!(", d’après {pairs} réponses passées"),
            };
            format!("Brouillon de réponse publique écrit par une IA{rests}, seul dans le message qui suit pour être copié :")
        }
        Reviews::Checked { checks, walks } => {
            let lines = checks.iter().flat_map(|check| ["\n- ".to_owned(), check_fr(check)]).collect::<String>();
            let found = if checks.is_empty() {
                "**À vérifier avant envoi :** mes contrôles ne relèvent rien ; ils ne remplacent pas votre lecture.".to_owned()
            } else {
                format!("**À vérifier avant envoi :**{lines}")
            };
            let next = if *walks { " ou `!avis suivant`" } else { "" };
            format!(
                "{found}\n\nRien n’est envoyé : copiez, modifiez et publiez vous-même. Répondez « plus court », « plus chaleureux », « plus \
                 formel », ou donnez un fait à ajouter (`!avis corriger …`){next}."
            )
        }
        Reviews::NoDraft => "Il n’y a pas de brouillon à reprendre ici, ou il a plus de 48 heures. Collez l’avis : `!avis <texte>`.".to_owned(),
        Reviews::NoWalk => "Aucun fichier d’avis n’est ouvert ici, ou il a plus de 48 heures. Envoyez le CSV avec `!avis` pour légende, ou répondez-lui par `!avis`.".to_owned(),
        Reviews::Over { drafts } => {
            format!("C’était le dernier avis à traiter : {}. `!avis exporter` rend le fichier avec les brouillons, `!avis fin` l’oublie.", count(*drafts, "brouillon", "brouillons"))
        }
        Reviews::Beginning => "C’est le premier avis à traiter de ce fichier.".to_owned(),
        Reviews::Answered(number) => format!("L’avis {number} a déjà une réponse dans ce fichier : je le passe."),
        Reviews::Empty(number) => format!("L’avis {number} n’a pas de texte : il n’y a rien à quoi répondre."),
        Reviews::NoSuch { number, total } => format!("Il n’y a pas d’avis {number} : ce fichier en compte {total}."),
        Reviews::Ended => "C’est fini : les avis et les brouillons gardés pour cette conversation sont oubliés.".to_owned(),
        Reviews::Exported { drafts, without } => {
            let without = match without {
                0 => String::new(),
                1 => " ; un avis n’en a pas".to_owned(),
                without => format!(" ; {without} avis n’en ont pas"),
            };
            let drafts = count(*drafts, "brouillon", "brouillons");
            format!("Le fichier ci-dessus contient {drafts}{without}. Ce qui identifiait quelqu’un y reste masqué.")
        }
        Reviews::Bad(bad) => bad_fr(*bad),
        Reviews::TooLarge { fit } => format!("Ce fichier est trop long pour être gardé en entier : coupez-le, à environ {fit} avis par fichier."),
        Reviews::Dropped { name, count } => dropped_fr(name, *count),
        Reviews::NotText => "Ce fichier n’est pas un CSV : enregistrez le tableau en CSV (UTF-8), puis envoyez-le avec `!avis` pour légende.".to_owned(),
        Reviews::TooLong => "Cet avis est trop long pour le modèle installé ici : collez-en la partie à laquelle répondre.".to_owned(),
        Reviews::NothingWritten => "Le modèle n’a rien écrit d’utilisable pour cet avis. Redemandez-le, ou écrivez `!avis corriger` avec une consigne.".to_owned(),
    }
}

fn en(text: &Reviews<'_>) -> String {
    match text {
        Reviews::Alert(kinds) => {
            let lines = kinds.iter().map(|kind| format!("\n- {}", alert_en(*kind)));
            format!(
                "⚠️ **Read this first: this review may describe something serious.** Read all of it and tell your manager at once; a \
                 public reply is not enough.{}",
                lines.collect::<String>()
            )
        }
        Reviews::Loaded { total, answered, empty, urgent, headed } => {
            let mut said = format!("{} in this file", count(*total, "review", "reviews"));
            if *answered > 0 {
                let _ = write!(said, ", {answered} answered already");
            }
            if *empty > 0 {
                let _ = write!(said, ", {empty} without a text");
            }
            said.push('.');
            if let Some(first) = urgent.first() {
                let _ = write!(said, " ⚠️ **Read these first, they cannot wait: {}** (`!review {first}`).", numbers(urgent));
            }
            if !headed {
                said.push_str(" The file has no headings that I know: I took the column with the longest texts.");
            }
            said.push_str(" I mask what identifies anybody, and keep these reviews for 48 hours. To move: `!review next`, `!review previous`, `!review 12`; to finish: `!review export`, `!review end`.");
            said
        }
        Reviews::Place { number, total, answered, empty, quote } => {
            let mut passed = Vec::new();
            if !answered.is_empty() {
                passed.push(format!("{}: already answered", numbers(answered)));
            }
            if !empty.is_empty() {
                passed.push(format!("{}: no text", numbers(empty)));
            }
            let passed = if passed.is_empty() { String::new() } else { format!(" (passed over: {})", passed.join("; ")) };
            format!("**Review {number}/{total}**{passed}\n\n{quote}")
        }
        Reviews::Draft { pairs } => {
            let rests = match pairs {
                0 => String::new(),
                1 => ", after one earlier reply".to_owned(),
                pairs => format!(", after {pairs} earlier replies"),
            };
            format!("Draft of a public reply written by an AI{rests}, alone in the next message so that it can be copied:")
        }
        Reviews::Checked { checks, walks } => {
            let lines = checks.iter().flat_map(|check| ["\n- ".to_owned(), check_en(check)]).collect::<String>();
            let found = if checks.is_empty() {
                "**Check before you send it:** I found nothing; that does not replace your reading.".to_owned()
            } else {
                format!("**Check before you send it:**{lines}")
            };
            let next = if *walks { ", or `!review next`" } else { "" };
            format!(
                "{found}\n\nNothing is sent: copy, change and publish it yourself. Reply \"shorter\", \"warmer\", \"more formal\", or give a \
                 fact to be added (`!review rewrite …`){next}."
            )
        }
        Reviews::NoDraft => "There is no draft to rewrite here, or it is older than 48 hours. Paste the review: `!review <text>`.".to_owned(),
        Reviews::NoWalk => "No file of reviews is open here, or it is older than 48 hours. Send the CSV with `!review` as its caption, or reply to it with `!review`.".to_owned(),
        Reviews::Over { drafts } => {
            format!("That was the last review to be answered: {}. `!review export` gives the file with the drafts, `!review end` forgets it.", count(*drafts, "draft", "drafts"))
        }
        Reviews::Beginning => "This is the first review to be answered in this file.".to_owned(),
        Reviews::Answered(number) => format!("Review {number} has an answer in this file already: I pass over it."),
        Reviews::Empty(number) => format!("Review {number} has no text: there is nothing to reply to."),
        Reviews::NoSuch { number, total } => format!("There is no review {number}: this file has {total}."),
        Reviews::Ended => "Done: the reviews and drafts kept for this conversation are forgotten.".to_owned(),
        Reviews::Exported { drafts, without } => {
            let without = match without {
                0 => String::new(),
                1 => "; one review has none".to_owned(),
                without => format!("; {without} reviews have none"),
            };
            let drafts = count(*drafts, "draft", "drafts");
            format!("The file above holds {drafts}{without}. What identified anybody stays masked in it.")
        }
        Reviews::Bad(bad) => bad_en(*bad),
        Reviews::TooLarge { fit } => format!("This file is too long to be kept as a whole: cut it, at about {fit} reviews a file."),
        Reviews::Dropped { name, count } => dropped_en(name, *count),
        Reviews::NotText => "This file is not a CSV: save the table as CSV (UTF-8), then send it with `!review` as its caption.".to_owned(),
        Reviews::TooLong => "This review is too long for the model installed here: paste the part that is to be answered.".to_owned(),
        Reviews::NothingWritten => "The model wrote nothing usable for this review. Ask again, or write `!review rewrite` with an instruction.".to_owned(),
    }
}

/// Numbers in a row: a few, then how many more.
fn numbers(numbers: &[usize]) -> String {
    const SHOWN: usize = 12;
    let shown = numbers.iter().take(SHOWN).map(usize::to_string).collect::<Vec<_>>().join(", ");
    match numbers.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}… (+{more})"),
    }
}

fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count > 1 { many } else { one })
}

fn alert_fr(kind: Distress) -> &'static str {
    match kind {
        Distress::Suicide => {
            "Risque de suicide : **3114** (gratuit, 24 h sur 24) ; danger immédiat : **15** ou **112**."
        }
        Distress::Violence => {
            "Violences : **17** ou **112** (par SMS : **114**) ; violences faites aux femmes : **3919** ; victimes : **116 006**."
        }
        Distress::Child => "Enfant en danger : **119** (gratuit, 24 h sur 24) ; danger immédiat : **17** ou **112**.",
        Distress::Threat => {
            "Menace contre quelqu’un : prévenez votre hiérarchie et la sécurité ; danger immédiat : **17** ou **112**."
        }
        Distress::Rights => {
            "Perte de logement, de ressources ou de soins : orientez vers un travailleur social ; hébergement d’urgence : **115** ; urgence médicale : **15**."
        }
    }
}

fn alert_en(kind: Distress) -> &'static str {
    match kind {
        Distress::Suicide => "Risk of suicide: **3114** (free, day and night); immediate danger: **15** or **112**.",
        Distress::Violence => {
            "Violence: **17** or **112** (by text message: **114**); violence against women: **3919**; victims: **116 006**."
        }
        Distress::Child => "A child in danger: **119** (free, day and night); immediate danger: **17** or **112**.",
        Distress::Threat => {
            "A threat to somebody: tell your superiors and security; immediate danger: **17** or **112**."
        }
        Distress::Rights => {
            "Loss of housing, income or care: point to a social worker; emergency housing: **115**; medical emergency: **15**."
        }
    }
}

fn check_fr(check: &Check) -> String {
    match check {
        Check::Names(count) => {
            format!("nom ou identifiant retiré ({count}) : cherchez [nom retiré] et réécrivez la phrase")
        }
        Check::Placeholders(count) => {
            format!("donnée masquée remplacée par des mots neutres ({count}) : relisez ces phrases")
        }
        Check::Promise(said) => format!("promesse ou délai qui ne vient pas de vous : « {} »", inert(said)),
        Check::NotGiven(kind, said) => {
            format!("{} qui ne vient ni de vous ni des réponses passées : « {} »", kind_fr(*kind), inert(said))
        }
        Check::Blame(said) => format!("reproche à l’usager : « {} »", inert(said)),
        Check::Fault(said) => format!("aveu de faute au nom du service : « {} »", inert(said)),
        Check::Familiar(said) => format!("tournure familière : « {} »", inert(said)),
        Check::Machine(said) => format!("l’IA parle d’elle-même ou de consignes : « {} »", inert(said)),
        Check::NoGreeting => "pas de formule d’appel (« Bonjour, »)".to_owned(),
        Check::NoClosing => "pas de formule de fin ni de signature".to_owned(),
        Check::TooLong(words) => format!("long : {words} mots"),
        Check::TooShort(words) => format!("court : {}", count(*words, "mot", "mots")),
        Check::ToFill(places) => format!("[à compléter] : {}", count(*places, "endroit", "endroits")),
    }
}

fn check_en(check: &Check) -> String {
    match check {
        Check::Names(count) => {
            format!("name or identifier taken out ({count}): look for [nom retiré] and rewrite the sentence")
        }
        Check::Placeholders(count) => {
            format!("masked data replaced by neutral words ({count}): read these sentences again")
        }
        Check::Promise(said) => format!("a promise or a delay that you did not give: \u{201c}{}\u{201d}", inert(said)),
        Check::NotGiven(kind, said) => {
            format!("{} that neither you nor earlier replies gave: \u{201c}{}\u{201d}", kind_en(*kind), inert(said))
        }
        Check::Blame(said) => format!("blames the user: \u{201c}{}\u{201d}", inert(said)),
        Check::Fault(said) => format!("admits a fault of the service: \u{201c}{}\u{201d}", inert(said)),
        Check::Familiar(said) => format!("too familiar: \u{201c}{}\u{201d}", inert(said)),
        Check::Machine(said) => format!("the AI speaks of itself or of instructions: \u{201c}{}\u{201d}", inert(said)),
        Check::NoGreeting => "no greeting (\u{201c}Bonjour,\u{201d})".to_owned(),
        Check::NoClosing => "no closing words or signature".to_owned(),
        Check::TooLong(words) => format!("long: {words} words"),
        Check::TooShort(words) => format!("short: {}", count(*words, "word", "words")),
        Check::ToFill(places) => format!("[à compléter]: {}", count(*places, "place", "places")),
    }
}

fn kind_fr(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Date => "date",
        FactKind::Amount => "montant",
        FactKind::Phone => "numéro de téléphone",
        FactKind::Email => "adresse électronique",
        FactKind::Url => "adresse web",
        FactKind::Law => "référence de droit",
        FactKind::Number => "nombre",
    }
}

fn kind_en(kind: FactKind) -> &'static str {
    match kind {
        FactKind::Date => "a date",
        FactKind::Amount => "an amount",
        FactKind::Phone => "a telephone number",
        FactKind::Email => "an e-mail address",
        FactKind::Url => "a web address",
        FactKind::Law => "a reference of law",
        FactKind::Number => "a number",
    }
}

/// One of each, for `docs/phrases.md`.
#[cfg(test)]
pub(super) fn samples() -> Vec<Reviews<'static>> {
    const KINDS: [Distress; 5] =
        [Distress::Suicide, Distress::Violence, Distress::Child, Distress::Threat, Distress::Rights];
    let said = |said: &str| said.to_owned();
    let checks = vec![
        Check::Names(1),
        Check::Placeholders(2),
        Check::Promise(said("nous allons vous rembourser")),
        Check::NotGiven(FactKind::Date, said("12 mars")),
        Check::NotGiven(FactKind::Amount, said("120 €")),
        Check::NotGiven(FactKind::Phone, said("01 23 45 67 89")),
        Check::NotGiven(FactKind::Email, said("a@b.fr")),
        Check::NotGiven(FactKind::Url, said("exemple.fr")),
        Check::NotGiven(FactKind::Law, said("article l. 114-5")),
        Check::NotGiven(FactKind::Number, said("42")),
        Check::Blame(said("vous auriez du")),
        Check::Fault(said("notre faute")),
        Check::Familiar(said("tu")),
        Check::Machine(said("mes consignes")),
        Check::NoGreeting,
        Check::NoClosing,
        Check::TooLong(240),
        Check::TooShort(1),
        Check::ToFill(2),
    ];
    // They live as long as the tests.
    let checks: &'static [Check] = checks.leak();
    let quote = "> Une heure d’attente malgré mon rendez-vous avec [PERSONNE\\_1].";
    vec![
        Reviews::Alert(&KINDS),
        Reviews::Loaded { total: 12, answered: 3, empty: 1, urgent: &[4, 9], headed: false },
        Reviews::Loaded { total: 1, answered: 1, empty: 0, urgent: &[], headed: true },
        Reviews::Place { number: 4, total: 12, answered: &[2], empty: &[3], quote },
        Reviews::Place { number: 1, total: 12, answered: &[], empty: &[], quote },
        Reviews::Draft { pairs: 0 },
        Reviews::Draft { pairs: 1 },
        Reviews::Draft { pairs: 4 },
        Reviews::Checked { checks: &[], walks: false },
        Reviews::Checked { checks, walks: true },
        Reviews::NoDraft,
        Reviews::NoWalk,
        Reviews::Over { drafts: 8 },
        Reviews::Beginning,
        Reviews::Answered(2),
        Reviews::Empty(3),
        Reviews::NoSuch { number: 99, total: 12 },
        Reviews::Ended,
        Reviews::Exported { drafts: 8, without: 1 },
        Reviews::Bad(BadFile::Empty),
        Reviews::Bad(BadFile::NoText),
        Reviews::Bad(BadFile::TooManyRows(10_000)),
        Reviews::Bad(BadFile::TooLarge(8 << 20)),
        Reviews::Bad(BadFile::Unclosed(14)),
        Reviews::Bad(BadFile::NoTable),
        Reviews::TooLarge { fit: 1_500 },
        Reviews::Dropped { name: "avis mars.csv".to_owned(), count: 1 },
        Reviews::Dropped { name: "avis mars.csv".to_owned(), count: 48 },
        Reviews::NotText,
        Reviews::TooLong,
        Reviews::NothingWritten,
    ]
}
