//! The sentences about documents: what was read of a file or why it was not, and what `!documents` says. In both languages.

use crate::compagnon::Language;

/// A sentence about documents.
#[derive(Clone, Debug, PartialEq)]
pub enum Documents<'a> {
    /// Files were read, and wait for a question.
    Read(Vec<ReadFile>),
    /// A file was not read.
    NotRead {
        /// Its name, fit to be shown.
        name: String,
        /// Why.
        why: NotRead,
        /// The files before it, which were read.
        read: Vec<ReadFile>,
    },
    /// The documents that are there: lists with their headings.
    List {
        /// The lists.
        lists: &'a str,
    },
    /// There are none.
    Nothing,
    /// A document is there now for others than before.
    Added {
        /// Its name, fit to be shown.
        name: String,
        /// For whom.
        shelf: Shelf,
    },
    /// A document is no more.
    Removed {
        /// Its name, fit to be shown.
        name: String,
    },
    /// There is no document of that number.
    NoSuch {
        /// The number.
        number: u64,
    },
    /// There are too many documents already where one was to go.
    NoPlace {
        /// Its name, fit to be shown.
        name: String,
    },
    /// No file came with the command, and it replies to none.
    NoFile,
    /// It is another person's document.
    NotYours,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFile {
    /// Its name, fit to be shown.
    pub name: String,
    /// How many pages, slides or sheets it has.
    pub extent: Option<(u32, Unit)>,
}

/// What a file is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pages.
    Page,
    /// Slides.
    Slide,
    /// Sheets.
    Sheet,
}

/// Whose a document is, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// A conversation's.
    Conversation,
    /// A room's.
    Room,
    /// A person's.
    Person,
    /// A compagnon's.
    Compagnon,
    /// Everybody's.
    Catalogue,
}

/// Why a file was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRead {
    /// It opens with a password only.
    Encrypted,
    /// It is empty.
    Empty,
    /// It holds pictures of pages.
    NoText,
    /// It has more megabytes than this.
    TooLarge(u64),
    /// It has more pages than this.
    TooManyPages(u32),
    /// It holds more than can be read.
    TooMuch,
    /// It is of no format that is read.
    UnknownType,
    /// It is broken.
    Damaged,
    /// Reading it takes too long.
    TooSlow,
    /// The antivirus found something.
    Infected,
    /// The antivirus lets no file of this type through.
    Forbidden,
    /// The homeserver has it no more.
    Gone,
    /// It could not be downloaded.
    Unavailable,
    /// There is no room for another document: here, or in the whole service.
    Full {
        /// In the whole service.
        everywhere: bool,
    },
    /// Reading it failed.
    Failed,
}

impl ReadFile {
    fn said(&self, language: Language) -> String {
        let Some((count, unit)) = self.extent else { return self.name.clone() };
        let (one, several) = match (language, unit) {
            (_, Unit::Page) => ("page", "pages"),
            (Language::Fr, Unit::Slide) => ("diapositive", "diapositives"),
            (Language::Fr, Unit::Sheet) => ("feuille", "feuilles"),
            (Language::En, Unit::Slide) => ("slide", "slides"),
            (Language::En, Unit::Sheet) => ("sheet", "sheets"),
        };
        format!("{}, {count} {}", self.name, if count < 2 { one } else { several })
    }
}

fn listed(files: &[ReadFile], language: Language) -> String {
    files.iter().map(|file| format!("- {}", file.said(language))).collect::<Vec<_>>().join("\n")
}

/// In French.
pub fn fr(text: &Documents<'_>) -> String {
    match text {
        Documents::Read(files) => match files.as_slice() {
            [file] => format!("{} : posez votre question.", file.said(Language::Fr)),
            files => format!(
                "J’ai lu {} fichiers : posez votre question.\n\n{}",
                files.len(),
                listed(files, Language::Fr)
            ),
        },
        Documents::NotRead { name, why, read } => {
            let sentence = format!("Je n’ai pas lu {name} : {}", not_read_fr(*why));
            if read.is_empty() { sentence } else { format!("{sentence}\n\n{}", fr(&Documents::Read(read.clone()))) }
        }
        Documents::List { lists } => format!(
            "**Les documents d’après lesquels je réponds ici**\n\n{lists}\n\nPour en retirer un : `!documents retirer` et son numéro. Pour en ajouter un : répondez à un fichier par `!documents ajouter`."
        ),
        Documents::Nothing => {
            "Je n’ai aucun document ici. Déposez un fichier dans la conversation, ou répondez à un fichier par `!documents ajouter`.".to_owned()
        }
        Documents::Added { name, shelf } => {
            let whose = match shelf {
                Shelf::Conversation => "je m’en sers dans cette conversation, et nulle part ailleurs",
                Shelf::Room => "je m’en sers pour tous ceux qui m’écrivent dans ce salon, et nulle part ailleurs",
                Shelf::Person => "je m’en sers pour vous, dans nos conversations privées seulement",
                Shelf::Compagnon => "ce compagnon s’en sert partout où il répond",
                Shelf::Catalogue => "tous les compagnons s’en servent",
            };
            format!("{name} : {whose}.")
        }
        Documents::Removed { name } => format!(
            "J’ai retiré {name} : je ne m’en sers plus. Le fichier reste affiché dans Tchap : supprimez son message si besoin."
        ),
        Documents::NoSuch { number } => {
            format!("Je n’ai pas ici de document numéro {number}. Pour voir les numéros : `!documents`.")
        }
        Documents::NoPlace { name } => format!(
            "{name} reste où il est : il y a déjà trop de documents là où il devait aller. Retirez-en avec `!documents retirer`."
        ),
        Documents::NoFile => {
            "Je ne vois pas de quel fichier il s’agit : répondez à un message qui contient un fichier par `!documents ajouter`.".to_owned()
        }
        Documents::NotYours => {
            "Ce document a été déposé par une autre personne : elle seule peut le retirer, ou quelqu’un qui administre ou modère ce salon."
                .to_owned()
        }
    }
}

fn not_read_fr(why: NotRead) -> String {
    match why {
        NotRead::Encrypted => "il est protégé par un mot de passe. Envoyez-le sans mot de passe.",
        NotRead::Empty => "il est vide. Vérifiez-le, puis renvoyez-le.",
        NotRead::NoText => "il ne contient pas de texte, seulement des images de pages. Envoyez une version dont on peut copier le texte.",
        NotRead::TooLarge(most) => return format!("il dépasse {most} Mo. Envoyez-en une partie."),
        NotRead::TooManyPages(most) => return format!("il dépasse {} pages. Envoyez-en une partie.", Language::Fr.number(most)),
        NotRead::TooMuch => "il contient plus que je ne peux lire. Envoyez-en une partie.",
        NotRead::UnknownType => "je ne connais pas ce format. Je lis les fichiers PDF, Word, LibreOffice, PowerPoint, Excel, CSV, texte, Markdown, HTML et les courriels.",
        NotRead::Damaged => "il est abîmé. Renvoyez-le, ou enregistrez-le de nouveau.",
        NotRead::TooSlow => "sa lecture prend trop de temps. Envoyez-en une partie.",
        NotRead::Infected => "l’antivirus y a trouvé un contenu dangereux. Prévenez votre support informatique.",
        NotRead::Forbidden => "l’antivirus n’accepte pas ce type de fichier. Envoyez-le dans un autre format, en PDF par exemple.",
        NotRead::Gone => "il n’est plus sur le serveur. Renvoyez-le.",
        NotRead::Unavailable => "le serveur ne me l’a pas donné. Renvoyez-le plus tard.",
        NotRead::Full { everywhere: false } => "il y a déjà trop de documents ici. Retirez-en un (`!documents` donne leurs numéros), puis renvoyez-le.",
        NotRead::Full { everywhere: true } => "le service n’a plus de place pour des documents. Prévenez l’équipe qui l’exploite, et renvoyez-le plus tard.",
        NotRead::Failed => "sa lecture a échoué. Renvoyez-le plus tard.",
    }
    .to_owned()
}

/// In English.
pub fn en(text: &Documents<'_>) -> String {
    match text {
        Documents::Read(files) => match files.as_slice() {
            [file] => format!("{}: ask your question.", file.said(Language::En)),
            files => {
                format!("I have read {} files: ask your question.\n\n{}", files.len(), listed(files, Language::En))
            }
        },
        Documents::NotRead { name, why, read } => {
            let sentence = format!("I could not read {name}: {}", not_read_en(*why));
            if read.is_empty() { sentence } else { format!("{sentence}\n\n{}", en(&Documents::Read(read.clone()))) }
        }
        Documents::List { lists } => format!(
            "**The documents I use to answer here**\n\n{lists}\n\nTo remove one: `!documents remove` and its number. To add one: reply to a file with `!documents add`."
        ),
        Documents::Nothing => {
            "I have no documents here. Send a file to the conversation, or reply to a file with `!documents add`."
                .to_owned()
        }
        Documents::Added { name, shelf } => {
            let whose = match shelf {
                Shelf::Conversation => "I use it in this conversation, and nowhere else",
                Shelf::Room => "I use it for everybody who writes to me in this room, and nowhere else",
                Shelf::Person => "I use it for you, in our direct messages only",
                Shelf::Compagnon => "this compagnon uses it wherever it answers",
                Shelf::Catalogue => "all compagnons use it",
            };
            format!("{name}: {whose}.")
        }
        Documents::Removed { name } => format!(
            "I have removed {name} and no longer use it. The file is still shown in Tchap: delete its message if needed."
        ),
        Documents::NoSuch { number } => {
            format!("I have no document number {number} here. `!documents` lists the numbers.")
        }
        Documents::NoPlace { name } => format!(
            "{name} stays where it is: there are too many documents already where it was to go. Remove some with `!documents remove`."
        ),
        Documents::NoFile => {
            "I cannot tell which file you mean: reply to a message that contains a file with `!documents add`."
                .to_owned()
        }
        Documents::NotYours => {
            "Someone else added this document: only they, or a room administrator or moderator, can remove it."
                .to_owned()
        }
    }
}

fn not_read_en(why: NotRead) -> String {
    match why {
        NotRead::Encrypted => "it is protected by a password. Please send it without one.",
        NotRead::Empty => "it is empty. Please check it, then send it again.",
        NotRead::NoText => "it contains no text, only images of pages. Please send a version whose text can be copied.",
        NotRead::TooLarge(most) => return format!("it is larger than {most} MB. Please send part of it."),
        NotRead::TooManyPages(most) => return format!("it has more than {} pages. Please send part of it.", Language::En.number(most)),
        NotRead::TooMuch => "it contains more than I can read. Please send part of it.",
        NotRead::UnknownType => "I do not know this format. I read PDF, Word, LibreOffice, PowerPoint, Excel, CSV, text, Markdown and HTML files, and e-mails.",
        NotRead::Damaged => "it is damaged. Please send it again, or save it again first.",
        NotRead::TooSlow => "reading it takes too long. Please send part of it.",
        NotRead::Infected => "the antivirus found dangerous content in it. Please tell your IT support.",
        NotRead::Forbidden => "the antivirus does not accept files of this type. Please send it in another format, such as PDF.",
        NotRead::Gone => "it is no longer on the server. Please send it again.",
        NotRead::Unavailable => "the server did not give it to me. Please send it again later.",
        NotRead::Full { everywhere: false } => "there are too many documents here already. Remove one (`!documents` lists the numbers), then send it again.",
        NotRead::Full { everywhere: true } => "the service has no space left for documents. Please tell the team that runs it, and send it again later.",
        NotRead::Failed => "reading it failed. Please send it again later.",
    }
    .to_owned()
}

/// The headings of the list, and the words for a document's place.
#[must_use]
pub fn heading(shelf: Shelf, language: Language) -> &'static str {
    match (language, shelf) {
        (Language::Fr, Shelf::Conversation) => "Dans cette conversation :",
        (Language::Fr, Shelf::Room) => "Pour tout le salon :",
        (Language::Fr, Shelf::Person) => "Pour vous, en privé :",
        (Language::Fr, Shelf::Compagnon) => "Du compagnon :",
        (Language::Fr, Shelf::Catalogue) => "De tous les compagnons :",
        (Language::En, Shelf::Conversation) => "In this conversation:",
        (Language::En, Shelf::Room) => "For the whole room:",
        (Language::En, Shelf::Person) => "For you, in our direct messages:",
        (Language::En, Shelf::Compagnon) => "Of the compagnon:",
        (Language::En, Shelf::Catalogue) => "Of all compagnons:",
    }
}

impl ReadFile {
    /// As it stands in a list.
    #[must_use]
    pub fn written(&self, language: Language) -> String {
        self.said(language)
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Documents<'static>> {
    let name = || "Guide RH.pdf".to_owned();
    let read = |pages, unit| ReadFile { name: name(), extent: Some((pages, unit)) };
    let reasons = [
        NotRead::Encrypted,
        NotRead::Empty,
        NotRead::NoText,
        NotRead::TooLarge(10),
        NotRead::TooManyPages(2_000),
        NotRead::TooMuch,
        NotRead::UnknownType,
        NotRead::Damaged,
        NotRead::TooSlow,
        NotRead::Infected,
        NotRead::Forbidden,
        NotRead::Gone,
        NotRead::Unavailable,
        NotRead::Full { everywhere: false },
        NotRead::Full { everywhere: true },
        NotRead::Failed,
    ];
    let mut all = vec![
        Documents::Read(vec![read(42, Unit::Page)]),
        Documents::Read(vec![ReadFile { name: "note.txt".to_owned(), extent: None }]),
        Documents::Read(vec![read(1, Unit::Page), read(12, Unit::Slide), read(3, Unit::Sheet)]),
        Documents::List { lists: "Dans cette conversation :\n\n- `1` Guide RH.pdf, 42 pages *(awa, 3 mars 2027)*" },
        Documents::Nothing,
        Documents::Removed { name: name() },
        Documents::NoSuch { number: 7 },
        Documents::NoPlace { name: name() },
        Documents::NoFile,
        Documents::NotYours,
    ];
    all.extend(reasons.map(|why| Documents::NotRead { name: name(), why, read: Vec::new() }));
    all.push(Documents::NotRead { name: name(), why: NotRead::Damaged, read: vec![read(3, Unit::Page)] });
    let shelves = [Shelf::Conversation, Shelf::Room, Shelf::Person, Shelf::Compagnon, Shelf::Catalogue];
    all.extend(shelves.map(|shelf| Documents::Added { name: name(), shelf }));
    all
}
