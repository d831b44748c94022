//! What the rules of public replies forbid, looked for in a draft and listed under it for the agent. Pure.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    draft::Draft,
    facts::{Fact, FactKind, not_given},
};
use crate::index::french::fold;

/// The words that a reply has at least and at most.
const WORDS: std::ops::RangeInclusive<usize> = 25..=200;

/// The most findings of one kind that are listed.
const LISTED: usize = 4;

/// National numbers that a reply to somebody in distress may give.
const HELP: &str = "3114 112 15 17 18 115 119 3919 3977 116006 116 006 24";

/// What an agent has to look at before a draft is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Names or identifiers were removed.
    Names(usize),
    /// Placeholders were replaced by neutral words.
    Placeholders(usize),
    /// It promises something.
    Promise(String),
    /// It says something that neither the agent nor the earlier replies gave.
    NotGiven(FactKind, String),
    /// It blames the user.
    Blame(String),
    /// It admits a fault.
    Fault(String),
    /// It speaks as to a friend.
    Familiar(String),
    /// It speaks of instructions, or as a program.
    Machine(String),
    /// It does not greet.
    NoGreeting,
    /// It does not close.
    NoClosing,
    /// It has more words than a reply should.
    TooLong(usize),
    /// It has hardly any words.
    TooShort(usize),
    /// So many places are to be filled in.
    ToFill(usize),
}

/// Compiles alternatives that are matched on small letters without accents.
fn any(patterns: &[&str]) -> Option<Regex> {
    Regex::new(&patterns.join("|")).ok()
}

static PROMISES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    any(&[
        r"\bnous (?:allons|pouvons) vous (?:rembourser|indemniser|dedommager|rappeler|recontacter|contacter|repondre|envoyer|verser)\b[^.!?\n]{0,30}",
        r"\bnous (?:vous )?(?:rembourserons|indemniserons|dedommagerons|rappellerons|recontacterons|contacterons|verserons|traiterons|reglerons|enverrons|garantissons|promettons|assurons que)\b[^.!?\n]{0,30}",
        r"\b(?:un agent|un conseiller|le service|notre service|une personne) (?:va|vous) (?:vous )?(?:rappel|recontact|contact)\w*[^.!?\n]{0,30}",
        r"\b(?:vous|il vous|elle vous) (?:sera|serez|seront|aurez|recevrez|obtiendrez)\b[^.!?\n]{0,40}",
        r"\b(?:dossier|demande|situation|remboursement|paiement|probleme|versement)s? (?:sera|seront|va etre|vont etre)\b[^.!?\n]{0,40}",
        r"\bnous nous engageons\b[^.!?\n]{0,40}",
        r"\bsous (?:\d+|un|une|deux|trois|quatre|cinq|huit|dix|quinze|quarante|48|24)\s?(?:h\b|heures?|jours?|semaines?|mois)\w*",
        r"\b(?:dans|sous) (?:les|un delai de|les meilleurs|les plus brefs)\s+(?:\d+|plus brefs|meilleurs|prochaines?|prochains?|quelques|un|deux|trois|quinze)\s?\w*\s?\w*",
        r"\bd'ici (?:a |la |le |demain|une|deux|quelques|peu|fin)\w*",
        r"\b(?:tres|au plus) (?:rapidement|vite|prochainement)\b",
        r"\b(?:ne se reproduira|n'arrivera) (?:plus|pas)\b",
        r"\bferons le necessaire\b",
        r"\bgeste commercial\b",
        r"\ba titre (?:exceptionnel|de dedommagement|gracieux)\b",
        r"\bwe will (?:refund|call|contact|pay|make sure)\b[^.!?\n]{0,30}",
        r"\b(?:demain|la semaine prochaine|le mois prochain)\b",
    ])
});
static BLAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    any(&[
        r"\bvous (?:auriez|avez) du\b[^.!?\n]{0,30}",
        r"\bvous n'(?:avez|aviez|auriez) pas\b[^.!?\n]{0,40}",
        r"\bvous avez (?:oublie|omis|neglige|mal|tort)\b[^.!?\n]{0,30}",
        r"\bvotre (?:faute|erreur|negligence|retard|oubli|comportement|mauvaise)\b[^.!?\n]{0,30}",
        r"\bil (?:vous appartenait|vous incombait|fallait|aurait fallu|suffisait)\b[^.!?\n]{0,30}",
        r"\bcomme (?:vous le savez|cela vous a ete|indique)\b[^.!?\n]{0,30}",
        r"\bde votre (?:fait|cote, vous)\b",
        r"\bcontrairement a ce que vous\b[^.!?\n]{0,30}",
        r"\byou should have\b[^.!?\n]{0,30}",
    ])
});
static FAULTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    any(&[
        r"\b(?:notre|nos) (?:faute|fautes|erreurs?|responsabilite|negligence|manquements?|defaillances?|dysfonctionnements?)\b",
        r"\b(?:erreur|faute) de notre (?:part|service)\b",
        r"\bnous (?:avons commis|sommes responsables|aurions du|reconnaissons|avons failli|avons manque|avons tarde)\b[^.!?\n]{0,30}",
        r"\bl'agent (?:a commis|s'est trompe|a eu tort|aurait du)\b[^.!?\n]{0,30}",
        r"\b(?:our fault|our mistake|we were wrong)\b",
    ])
});
static FAMILIAR: LazyLock<Option<Regex>> =
    LazyLock::new(|| any(&[r"\btu\b", r"\btoi\b", r"\bt'(?:as|es|avais|etais)\b", r"\bsalut\b", r"\bcoucou\b"]));
static MACHINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    any(&[
        r"\ben tant qu'(?:ia|assistant|intelligence|modele)\b[^.!?\n]{0,30}",
        r"\bmodele de langage\b",
        r"\bintelligence artificielle\b",
        r"\b(?:mes|ces|vos|les) (?:instructions|consignes|regles)\b",
        r"\b(?:system prompt|prompt systeme|prompt)\b",
        r"\bas an ai\b",
        r"\bl'agent (?:m'a|a) (?:dit|indique|demande)\b",
    ])
});

/// What finds something that a reply should not say, and what that is.
type Pattern = (&'static LazyLock<Option<Regex>>, fn(String) -> Check);

/// What is to be looked at. `given` is what the agent, the room and the earlier replies said: what stands there may stand in the draft.
#[must_use]
pub fn checks(draft: &Draft, given: &[&str], in_distress: bool) -> Vec<Check> {
    let text = &draft.text;
    let folded = fold(text);
    let said = fold(&given.join("\n"));
    let mut checks = Vec::new();
    if draft.names > 0 {
        checks.push(Check::Names(draft.names));
    }
    if draft.placeholders > 0 {
        checks.push(Check::Placeholders(draft.placeholders));
    }
    let kinds: [Pattern; 5] = [
        (&PROMISES, Check::Promise),
        (&BLAMES, Check::Blame),
        (&FAULTS, Check::Fault),
        (&FAMILIAR, Check::Familiar),
        (&MACHINE, Check::Machine),
    ];
    for (pattern, check) in kinds {
        let Some(pattern) = pattern.as_ref() else { continue };
        let found = pattern.find_iter(&folded).map(|found| found.as_str().trim()).filter(|found| !said.contains(found));
        checks.extend(once(found).map(check));
    }
    let given = given.iter().copied().chain(in_distress.then_some(HELP));
    let facts = not_given(text, given);
    // "sous 48 h" is told of as a promise.
    let promised: Vec<String> = checks
        .iter()
        .filter_map(|check| match check {
            Check::Promise(said) => Some(said.clone()),
            _ => None,
        })
        .collect();
    for kind in [
        FactKind::Date,
        FactKind::Amount,
        FactKind::Phone,
        FactKind::Email,
        FactKind::Url,
        FactKind::Law,
        FactKind::Number,
    ] {
        let told = |fact: &Fact| kind == FactKind::Number && promised.iter().any(|said| said.contains(&fact.written));
        let found = facts.iter().filter(|fact| fact.kind == kind && !told(fact)).map(|fact| fact.written.as_str());
        checks.extend(once(found).map(|written| Check::NotGiven(kind, written)));
    }
    checks.extend(form(text, &folded));
    checks
}

/// Each once, of a few.
fn once<'a>(found: impl Iterator<Item = &'a str>) -> impl Iterator<Item = String> {
    let mut each: Vec<String> = Vec::new();
    for one in found {
        if each.len() < LISTED && !each.iter().any(|known| known == one) {
            each.push(one.to_owned());
        }
    }
    each.into_iter()
}

/// How it begins and ends, and how long it is.
fn form(text: &str, folded: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    let lines: Vec<&str> = folded.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let greets = ["bonjour", "bonsoir", "madame", "monsieur", "mesdames", "chere", "cher ", "hello", "dear", "good "];
    if !lines.first().is_some_and(|line| greets.iter().any(|word| line.starts_with(word))) {
        checks.push(Check::NoGreeting);
    }
    let closes = [
        "cordialement",
        "respectueu",
        "salutations",
        "bien a vous",
        "sincere",
        "l'equipe",
        "le service",
        "la direction",
        "votre service",
        "bonne journee",
        "consideration",
        "regards",
        "[a completer",
    ];
    let end = lines.len().saturating_sub(3);
    if !lines.get(end..).is_some_and(|last| last.iter().any(|line| closes.iter().any(|word| line.contains(word)))) {
        checks.push(Check::NoClosing);
    }
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    if words > *WORDS.end() {
        checks.push(Check::TooLong(words));
    }
    if words < *WORDS.start() {
        checks.push(Check::TooShort(words));
    }
    let to_fill = folded.matches("[a completer").count();
    if to_fill > 0 {
        checks.push(Check::ToFill(to_fill));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::{Check, Draft, FactKind, checks};

    const GOOD: &str = "Bonjour,\n\nNous vous remercions d’avoir pris le temps de nous écrire. Nous comprenons que cette attente au guichet a été \
                        pénible. Votre remarque a été transmise au responsable de l’accueil.\n\nPour votre dossier, vous pouvez joindre le \
                        service par la messagerie de votre espace personnel.\n\nCordialement,\nL’équipe de l’accueil";

    fn found(text: &str, given: &[&str]) -> Vec<Check> {
        checks(&Draft { text: text.to_owned(), ..Draft::default() }, given, false)
    }

    fn in_good(sentence: &str) -> Vec<Check> {
        found(&GOOD.replace("Pour votre dossier,", &format!("{sentence} Pour votre dossier,")), &[])
    }

    #[test]
    fn a_good_reply_has_nothing_to_be_looked_at() {
        assert_eq!(found(GOOD, &[]), []);
    }

    #[test]
    fn promises_are_found() {
        for sentence in [
            "Nous allons vous rembourser.",
            "Nous vous rembourserons.",
            "Vous serez recontacté.",
            "Un agent va vous rappeler.",
            "Votre dossier sera traité.",
            "Il vous sera répondu.",
            "Nous vous répondrons sous 48 h.",
            "Vous aurez une réponse dans les plus brefs délais.",
            "Nous nous engageons à progresser.",
            "Cela ne se reproduira plus.",
            "Nous ferons le nécessaire.",
            "Une solution sera trouvée sous deux semaines.",
        ] {
            assert!(
                in_good(sentence).iter().any(|check| matches!(check, Check::Promise(_))),
                "{sentence}: {:?}",
                in_good(sentence)
            );
        }
    }

    #[test]
    fn blame_and_fault_are_found() {
        for sentence in [
            "Vous auriez dû prendre rendez-vous.",
            "Vous n’avez pas fourni les pièces.",
            "Votre erreur explique ce délai.",
            "Il fallait lire la notice.",
            "Comme vous le savez, le délai est long.",
        ] {
            assert!(in_good(sentence).iter().any(|check| matches!(check, Check::Blame(_))), "{sentence}");
        }
        for sentence in [
            "C’est notre faute.",
            "Une erreur de notre part.",
            "Nous aurions dû vous prévenir.",
            "Nous reconnaissons ce retard.",
        ] {
            assert!(in_good(sentence).iter().any(|check| matches!(check, Check::Fault(_))), "{sentence}");
        }
    }

    #[test]
    fn what_was_not_given_is_found_and_what_was_given_is_not() {
        let sentence = "La réponse a été envoyée le 12 mars.";
        assert_eq!(in_good(sentence), [Check::NotGiven(FactKind::Date, "12 mars".to_owned())]);
        let text = GOOD.replace("Pour votre dossier,", &format!("{sentence} Pour votre dossier,"));
        assert_eq!(found(&text, &["le dossier est traité, réponse envoyée le 12/03"]), []);
        let promise = GOOD.replace("Pour votre dossier,", "Un agent va vous rappeler. Pour votre dossier,");
        assert_eq!(found(&promise, &["Un agent va vous rappeler."]), []);
    }

    #[test]
    fn the_numbers_of_help_may_be_given_to_who_needs_them() {
        let text = GOOD.replace("Pour votre dossier,", "Le 3114 écoute à toute heure. Pour votre dossier,");
        let draft = Draft { text, ..Draft::default() };
        assert_eq!(checks(&draft, &[], true), []);
        assert_eq!(checks(&draft, &[], false), [Check::NotGiven(FactKind::Phone, "3114".to_owned())]);
    }

    #[test]
    fn the_form_is_looked_at() {
        assert_eq!(found("Merci.", &[]), [Check::NoGreeting, Check::NoClosing, Check::TooShort(1)]);
        let long = format!("Bonjour,\n{}\nCordialement", "merci ".repeat(300));
        assert_eq!(found(&long, &[]), [Check::TooLong(302)]);
        let to_fill = GOOD.replace("l’accueil\n", "l’accueil [à compléter]\n").replace("L’équipe de", "[à compléter]");
        assert!(found(&to_fill, &[]).contains(&Check::ToFill(1)), "{:?}", found(&to_fill, &[]));
        assert!(matches!(in_good("Tu as raison.").as_slice(), [Check::Familiar(_)]));
        assert!(matches!(in_good("En tant qu’assistant, je suis mes consignes.").first(), Some(Check::Machine(_))));
        let draft = Draft { text: GOOD.to_owned(), placeholders: 2, names: 1 };
        assert_eq!(checks(&draft, &[], false), [Check::Names(1), Check::Placeholders(2)]);
    }
}
