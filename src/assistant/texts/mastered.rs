//! The sentences about mastered answers, in both languages.

use crate::compagnon::Language;

/// A sentence about mastered answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Mastered<'a> {
    /// Stands below an answer that was given word for word.
    Mark {
        /// When it was approved, in words.
        date: &'a str,
        /// Who has proposed it; empty where that person asked to be forgotten.
        author: &'a str,
    },
    /// The answers of the compagnon here.
    List {
        /// What it is called.
        title: &'a str,
        /// A line for each.
        lines: &'a str,
    },
    /// There are none.
    None {
        /// What the compagnon is called.
        title: &'a str,
    },
    /// A line of the list, for one that waits for approval.
    Waiting {
        /// Its number.
        number: u64,
        /// The question, fit to be shown.
        question: &'a str,
    },
    /// A line of the list, for one that is approved.
    Approved {
        /// Its number.
        number: u64,
        /// The question, fit to be shown.
        question: &'a str,
        /// When it was approved, in words.
        date: &'a str,
    },
    /// An answer, as it is read before it is decided on.
    Shown {
        /// Its number.
        number: u64,
        /// The wordings of the question, as a list.
        questions: &'a str,
        /// The answer.
        text: &'a str,
        /// Whether it waits for approval.
        waiting: bool,
    },
    /// An answer is proposed now.
    Proposed {
        /// Its number.
        number: u64,
        /// Whether the administrators of the service decide on it, and not those of the room.
        by_instance: bool,
    },
    /// It is approved now.
    Accepted {
        /// Its number.
        number: u64,
    },
    /// A proposal is turned down.
    Declined {
        /// Its number.
        number: u64,
    },
    /// An approved one is removed.
    Removed {
        /// Its number.
        number: u64,
    },
    /// There is no answer of that number here.
    NoSuch {
        /// The number.
        number: u64,
    },
    /// There are as many as there may be.
    Full {
        /// How many.
        limit: usize,
    },
    /// A wording is too long, or there are too many.
    BadQuestion {
        /// The most characters.
        limit: usize,
        /// The most wordings.
        wordings: usize,
    },
    /// The answer is too long.
    BadAnswer {
        /// The most characters.
        limit: usize,
    },
    /// Answers are proposed in a room, by its administrators.
    OnlyInRoom,
    /// What the administrators of the service are told of a proposal.
    News {
        /// What the compagnon is called.
        title: &'a str,
        /// Who proposes it.
        author: &'a str,
        /// Its number.
        number: u64,
    },
}

/// The sentence in a language.
pub(super) fn say(text: &Mastered<'_>, language: Language) -> String {
    match language {
        Language::Fr => fr(text),
        Language::En => en(text),
    }
}

fn fr(text: &Mastered<'_>) -> String {
    match text {
        Mastered::Mark { date, author: "" } => format!("_Réponse validée le {date}._"),
        Mastered::Mark { date, author } => format!("_Réponse validée le {date}, proposée par {author}._"),
        Mastered::List { title, lines } => format!("Réponses validées de {title} :\n\n{lines}"),
        Mastered::None { title } => format!(
            "{title} n’a pas encore de réponse validée. Pour en proposer une : `!compagnon réponse proposer <question>`, puis la réponse à la ligne, dans le même message."
        ),
        Mastered::Waiting { number, question } => format!("- **{number}** (à valider) : {question}"),
        Mastered::Approved { number, question, date } => format!("- **{number}** (validée le {date}) : {question}"),
        Mastered::Shown { number, questions, text, waiting } => {
            let decide = if *waiting {
                format!(
                    "\n\nPour la valider : `!compagnon réponse accepter {number}` ; pour la refuser : `!compagnon réponse refuser {number}`."
                )
            } else {
                String::new()
            };
            format!("Réponse {number}, donnée mot pour mot aux questions :\n\n{questions}\n\n{text}{decide}")
        }
        Mastered::Proposed { number, by_instance: true } => format!(
            "La réponse {number} est proposée. Les administrateurs de l’assistant décideront ; d’ici là, elle ne sert pas."
        ),
        Mastered::Proposed { number, by_instance: false } => format!(
            "La réponse {number} est proposée. Relisez-la avec `!compagnon réponse voir {number}`, puis : `!compagnon réponse accepter {number}`."
        ),
        Mastered::Accepted { number } => {
            format!("La réponse {number} est validée : elle sera donnée mot pour mot à cette question.")
        }
        Mastered::Declined { number } => format!("La réponse {number} est refusée : elle ne sera pas donnée."),
        Mastered::Removed { number } => format!("La réponse {number} est retirée."),
        Mastered::NoSuch { number } => {
            format!("Il n’y a pas de réponse {number} ici. La liste : `!compagnon réponses`.")
        }
        Mastered::Full { limit } => {
            format!("Il y a déjà {limit} réponses : retirez-en une avec `!compagnon réponse retirer <numéro>`.")
        }
        Mastered::BadQuestion { limit, wordings } => format!(
            "Une question a {limit} caractères au plus, et {wordings} formulations au plus, séparées par « | »."
        ),
        Mastered::BadAnswer { limit } => {
            format!("La réponse, écrite à la ligne sous la commande, a entre 1 et {limit} caractères.")
        }
        Mastered::OnlyInRoom => {
            "Une réponse se propose dans un salon dont vous êtes administrateur : envoyez-y cette commande.".to_owned()
        }
        Mastered::News { title, author, number } => format!(
            "{author} propose une réponse validée pour {title}. Pour la lire : `!compagnon réponse voir {number}`."
        ),
    }
}

fn en(text: &Mastered<'_>) -> String {
    match text {
        Mastered::Mark { date, author: "" } => format!("_Answer approved on {date}._"),
        Mastered::Mark { date, author } => format!("_Answer approved on {date}, proposed by {author}._"),
        Mastered::List { title, lines } => format!("Approved answers of {title}:\n\n{lines}"),
        Mastered::None { title } => format!(
            "{title} has no approved answer yet. To propose one: `!compagnon answer propose <question>`, then the answer on the next line, in the same message."
        ),
        Mastered::Waiting { number, question } => format!("- **{number}** (to be approved): {question}"),
        Mastered::Approved { number, question, date } => format!("- **{number}** (approved on {date}): {question}"),
        Mastered::Shown { number, questions, text, waiting } => {
            let decide = if *waiting {
                format!(
                    "\n\nTo approve it: `!compagnon answer accept {number}`; to decline it: `!compagnon answer decline {number}`."
                )
            } else {
                String::new()
            };
            format!("Answer {number}, given word for word to these questions:\n\n{questions}\n\n{text}{decide}")
        }
        Mastered::Proposed { number, by_instance: true } => format!(
            "Answer {number} is proposed. The assistant administrators will decide; until then it is not given."
        ),
        Mastered::Proposed { number, by_instance: false } => format!(
            "Answer {number} is proposed. Read it again with `!compagnon answer show {number}`, then: `!compagnon answer accept {number}`."
        ),
        Mastered::Accepted { number } => {
            format!("Answer {number} is approved: it will be given word for word to this question.")
        }
        Mastered::Declined { number } => format!("Answer {number} has been declined: it will not be given."),
        Mastered::Removed { number } => format!("Answer {number} has been removed."),
        Mastered::NoSuch { number } => format!("There is no answer {number} here. The list: `!compagnon answers`."),
        Mastered::Full { limit } => {
            format!("There are {limit} answers already: remove one with `!compagnon answer remove <number>`.")
        }
        Mastered::BadQuestion { limit, wordings } => format!(
            "A question has at most {limit} characters, and at most {wordings} wordings, separated by \u{201c}|\u{201d}."
        ),
        Mastered::BadAnswer { limit } => {
            format!("The answer, written on the line below the command, has between 1 and {limit} characters.")
        }
        Mastered::OnlyInRoom => {
            "Answers are proposed in a room that you administer: please send this command there.".to_owned()
        }
        Mastered::News { title, author, number } => {
            format!("{author} proposes an approved answer for {title}. To read it: `!compagnon answer show {number}`.")
        }
    }
}
