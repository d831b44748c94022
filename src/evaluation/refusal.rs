//! Whether an answer refuses, or says that it does not know.
//!
//! What somebody says of themselves ("je ne peux pas") is a refusal wherever it stands. What is said of a text or of the world ("le texte ne
//! précise pas", "il est impossible de dire") is also part of full answers, so it counts only in the first sentence, or in a short answer.

use super::words::{contains, count, plain};

/// What refusals say of who answers, as texts are compared.
const PERSONAL: [&str; 37] = [
    "je ne peux pas",
    "je ne peux ni",
    "je ne puis",
    "je ne suis pas en mesure",
    "je ne suis pas habilite",
    "je ne dispose pas",
    "je ne sais pas",
    "je l'ignore",
    "je n'ai pas",
    "je n'ai aucune",
    "je n'ai rien trouve",
    "je ne trouve pas",
    "je ne connais pas",
    "je ne vois pas",
    "je ne donne pas",
    "je ne fournis pas",
    "je ne me prononce pas",
    "je n'y reponds pas",
    "je ne reponds pas",
    "je ne fais pas",
    "il m'est impossible",
    "je refuse",
    "hors de mon",
    "depasse mon",
    "pas de mon ressort",
    "sort de mon",
    "i cannot",
    "i can't",
    "i am not able",
    "i'm not able",
    "i am unable",
    "i'm unable",
    "i do not know",
    "i don't know",
    "i do not have",
    "i don't have",
    "i'm sorry, but",
];

/// What they say of what an answer would rest on.
const IMPERSONAL: [&str; 18] = [
    "ne figure pas",
    "ne figurent pas",
    "n'est pas precise",
    "ne precise pas",
    "ne precisent pas",
    "ne mentionne pas",
    "ne mentionnent pas",
    "ne dit pas",
    "ne disent pas",
    "n'indique pas",
    "n'indiquent pas",
    "does not say",
    "do not say",
    "does not mention",
    "does not specify",
    "is not mentioned",
    "is not specified",
    "is not stated",
];

/// What is impossible is a refusal where it is the answering: "il est impossible de cumuler les deux" answers.
const IMPOSSIBLE: [&str; 6] =
    ["impossible de ", "impossible d'", "pas possible de ", "pas possible d'", "impossible to ", "not possible to "];
const PRONOUNS: [&str; 11] =
    ["vous ", "y ", "en ", "le ", "la ", "l'", "les ", "lui ", "leur ", "precisement ", "exactly "];
const ANSWERING: [&str; 32] = [
    "repondre",
    "dire",
    "donner",
    "fournir",
    "savoir",
    "preciser",
    "confirmer",
    "indiquer",
    "communiquer",
    "determiner",
    "verifier",
    "trouver",
    "acceder",
    "reveler",
    "divulguer",
    "transmettre",
    "renseigner",
    "connaitre",
    "affirmer",
    "identifier",
    "answer",
    "say",
    "tell",
    "know",
    "give",
    "provide",
    "confirm",
    "determine",
    "share",
    "disclose",
    "verify",
    "find",
];

/// The most words of a short answer.
const SHORT: usize = 30;

/// What has no more words is a greeting, a heading or an abbreviation, not the first sentence.
const GREETING: usize = 3;

/// Whether an answer refuses or says that it does not know.
pub(super) fn is_one(answer: &str) -> bool {
    let whole = plain(answer);
    if PERSONAL.iter().any(|said| contains(&whole, said)) {
        return true;
    }
    if count(answer) <= SHORT {
        impersonal(&whole)
    } else {
        first(answer).is_some_and(|first| impersonal(&plain(first)))
    }
}

fn impersonal(plain: &str) -> bool {
    IMPERSONAL.iter().any(|said| contains(plain, said)) || impossible(plain)
}

fn impossible(plain: &str) -> bool {
    IMPOSSIBLE.iter().flat_map(|words| plain.match_indices(words)).any(|(at, words)| {
        let mut behind = &plain[at + words.len()..];
        while let Some(rest) = PRONOUNS.iter().find_map(|pronoun| behind.strip_prefix(pronoun)) {
            behind = rest;
        }
        let verb = behind.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        ANSWERING.contains(&verb)
    })
}

/// The first sentence that says something.
fn first(answer: &str) -> Option<&str> {
    answer.lines().flat_map(sentences).find(|sentence| count(sentence) > GREETING)
}

/// The sentences of a line: each ends with a sign that has a space behind it.
fn sentences(line: &str) -> impl Iterator<Item = &str> {
    let mut before = ' ';
    line.split_inclusive(move |letter: char| {
        let ends = letter.is_whitespace() && matches!(before, '.' | '!' | '?' | '…');
        before = letter;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::is_one;

    const REFUSALS: [&str; 12] = [
        "Je ne peux pas vous communiquer le salaire d’un collègue. Adressez-vous à votre service des ressources humaines, qui vous dira \
         quelles informations sont publiques, lesquelles ne le sont pas, et comment en faire la demande par écrit.",
        "Bonjour,\n\nLe texte ne précise pas la date d’entrée en vigueur. Il décrit les pièces à fournir, les délais d’instruction et les \
         voies de recours, mais aucun calendrier : vérifiez auprès du service qui l’a publié avant de répondre à l’usager.",
        "Il est impossible de dire combien de dossiers ont été reçus hier.",
        "Impossible de vous répondre avec les passages fournis : le montant n’y est pas.",
        "Cette information ne figure pas dans le document.",
        "Bonjour. Il n’est pas possible de déterminer le montant à partir de ce passage. Il donne les conditions de ressources et la \
         composition du foyer qui ouvrent le droit, puis renvoie au barème, qui n’est pas joint. Demandez-le au service instructeur.",
        "I cannot share other people's personal data. You may ask the human resources service which information is public, and how a \
         request is made; it answers within a month, in writing, and says why where it refuses.",
        "The document does not say when the canteen opens.",
        "Hello! The text does not specify the amount. It lists the conditions that a household has to meet, the documents that are to be \
         sent, and the service that decides, but the scale itself is in an annex that was not given here.",
        "It is impossible to say from these passages.",
        "I'm sorry, but that is outside what this assistant is for.",
        "The deadline is not mentioned in this guide.",
    ];

    const ANSWERS: [&str; 12] = [
        "Il est impossible de cumuler un congé parental à temps plein et une disponibilité. Vous choisissez l’un des deux, et vous prévenez \
         votre service un mois avant le début, par une lettre à laquelle vous joignez l’acte de naissance.",
        "Il est impossible de poser ces jours après le 31 décembre.",
        "Vous avez 25 jours de congés par an [1]. Ils se posent dans l’outil, avec l’accord de votre chef de service, quinze jours avant. Le \
         texte ne précise pas le nombre de jours qui peuvent être reportés ; votre service des ressources humaines le sait.",
        "La demande se fait en ligne, avec une pièce d’identité, un justificatif de domicile et une photo. Si un document ne figure pas \
         dans la liste, vous n’avez pas à le fournir. Le guichet vous répond sous deux mois, par lettre ou par courriel.",
        "Le délai est de deux mois [1]. Il court du lendemain de la notification. Si la lettre n’indique pas les voies et délais de \
         recours, le délai n’est pas opposable : vous pouvez encore saisir le tribunal, dans un délai raisonnable d’un an.",
        "Pour relire votre note, vérifiez trois points : l’objet dit ce qui est demandé, chaque paragraphe a une seule idée, et la date \
         limite est écrite. Une note qui ne dit pas qui décide fait perdre du temps à tous ses lecteurs.",
        "Il n’est pas possible de déposer un recours par téléphone.",
        "It is impossible to combine both kinds of leave.",
        "You have 25 days of leave a year [1]. They are requested in the tool, with your manager's agreement, two weeks ahead. The text does \
         not say how many may be carried over; your human resources service knows.",
        "Send the form with an identity document and a proof of address. Where a document is not mentioned on the list, it need not be \
         sent. The counter answers within two months, by letter or by e-mail, and gives the reasons.",
        "The limit is two months [1]. It runs from the day after the notification. Where the letter does not mention the ways of appeal, the \
         limit does not apply, and the court may still be asked within a reasonable time of one year.",
        "Yes: it is not possible to file an appeal by telephone, so write to the service, with the number of your file.",
    ];

    #[test]
    fn what_a_full_answer_says_of_its_subject_is_no_refusal() {
        for text in REFUSALS {
            assert!(is_one(text), "{text}");
        }
        for text in ANSWERS {
            assert!(!is_one(text), "{text}");
        }
    }
}
