//! The languages that texts are translated from and to: their names in French and in English, and which one a text is written in.

use whatlang::{Detector, Lang, Script};

use super::words::fold;

/// The fewest letters of a text whose language can be told.
const FEWEST_LETTERS: usize = 12;

/// How much of a text is looked at, in bytes. More says nothing new.
const LOOKED_AT: usize = 4_000;

/// A language that texts are written in.
#[derive(Clone, Copy)]
pub struct TextLanguage(&'static Entry);

/// What is known of a language.
struct Entry {
    /// Its code in ISO 639-1, where it has one.
    code: &'static str,
    lang: Lang,
    fr: &'static str,
    en: &'static str,
    /// Other names, folded.
    aliases: &'static [&'static str],
}

const fn entry(
    code: &'static str,
    lang: Lang,
    fr: &'static str,
    en: &'static str,
    aliases: &'static [&'static str],
) -> Entry {
    Entry { code, lang, fr, en, aliases }
}

/// All of them. What is not here, a text is neither translated to nor taken to be in.
static LANGUAGES: [Entry; 48] = [
    entry("fr", Lang::Fra, "français", "French", &["fra", "fre", "francaise", "vf"]),
    entry("en", Lang::Eng, "anglais", "English", &["eng", "anglaise", "americain", "british", "gb", "uk", "us"]),
    entry("de", Lang::Deu, "allemand", "German", &["deu", "ger", "deutsch", "allemande"]),
    entry("es", Lang::Spa, "espagnol", "Spanish", &["spa", "espanol", "castillan", "castilian", "espagnole"]),
    entry("it", Lang::Ita, "italien", "Italian", &["ita", "italiano", "italienne"]),
    entry("pt", Lang::Por, "portugais", "Portuguese", &["por", "portugues", "portugaise", "bresilien", "brazilian"]),
    entry("nl", Lang::Nld, "néerlandais", "Dutch", &["nld", "dut", "nederlands", "hollandais", "flamand", "flemish"]),
    entry("pl", Lang::Pol, "polonais", "Polish", &["pol", "polski"]),
    entry("ro", Lang::Ron, "roumain", "Romanian", &["ron", "rum", "moldave"]),
    entry("el", Lang::Ell, "grec", "Greek", &["ell", "gre", "gr"]),
    entry("sv", Lang::Swe, "suédois", "Swedish", &["swe", "svenska"]),
    entry("da", Lang::Dan, "danois", "Danish", &["dan", "dansk"]),
    entry("no", Lang::Nob, "norvégien", "Norwegian", &["nob", "nb", "nor", "norsk"]),
    entry("fi", Lang::Fin, "finnois", "Finnish", &["fin", "finlandais", "suomi"]),
    entry("cs", Lang::Ces, "tchèque", "Czech", &["ces", "cze", "cz"]),
    entry("sk", Lang::Slk, "slovaque", "Slovak", &["slk", "slo"]),
    entry("sl", Lang::Slv, "slovène", "Slovenian", &["slv", "slovene"]),
    entry("hu", Lang::Hun, "hongrois", "Hungarian", &["hun", "magyar"]),
    entry("bg", Lang::Bul, "bulgare", "Bulgarian", &["bul"]),
    entry("hr", Lang::Hrv, "croate", "Croatian", &["hrv"]),
    entry("sr", Lang::Srp, "serbe", "Serbian", &["srp"]),
    entry("mk", Lang::Mkd, "macédonien", "Macedonian", &["mkd"]),
    entry("et", Lang::Est, "estonien", "Estonian", &["est"]),
    entry("lv", Lang::Lav, "letton", "Latvian", &["lav"]),
    entry("lt", Lang::Lit, "lituanien", "Lithuanian", &["lit"]),
    entry("uk", Lang::Ukr, "ukrainien", "Ukrainian", &["ukr", "ua"]),
    entry("ru", Lang::Rus, "russe", "Russian", &["rus"]),
    entry("be", Lang::Bel, "biélorusse", "Belarusian", &["bel"]),
    entry("tr", Lang::Tur, "turc", "Turkish", &["tur"]),
    entry("ar", Lang::Ara, "arabe", "Arabic", &["ara"]),
    entry("he", Lang::Heb, "hébreu", "Hebrew", &["heb"]),
    entry("fa", Lang::Pes, "persan", "Persian", &["pes", "fas", "farsi", "dari"]),
    entry("ur", Lang::Urd, "ourdou", "Urdu", &["urd"]),
    entry("hi", Lang::Hin, "hindi", "Hindi", &["hin"]),
    entry("bn", Lang::Ben, "bengali", "Bengali", &["ben", "bangla"]),
    entry("ta", Lang::Tam, "tamoul", "Tamil", &["tam"]),
    entry("zh", Lang::Cmn, "chinois", "Chinese", &["cmn", "zho", "chi", "mandarin", "cn"]),
    entry("ja", Lang::Jpn, "japonais", "Japanese", &["jpn", "jp"]),
    entry("ko", Lang::Kor, "coréen", "Korean", &["kor", "kr"]),
    entry("vi", Lang::Vie, "vietnamien", "Vietnamese", &["vie", "vn"]),
    entry("th", Lang::Tha, "thaï", "Thai", &["tha"]),
    entry("id", Lang::Ind, "indonésien", "Indonesian", &["ind"]),
    entry("ka", Lang::Kat, "géorgien", "Georgian", &["kat", "geo"]),
    entry("hy", Lang::Hye, "arménien", "Armenian", &["hye", "arm"]),
    entry("am", Lang::Amh, "amharique", "Amharic", &["amh"]),
    entry("ca", Lang::Cat, "catalan", "Catalan", &["cat"]),
    entry("la", Lang::Lat, "latin", "Latin", &["lat"]),
    entry("eo", Lang::Epo, "espéranto", "Esperanto", &["epo"]),
];

impl TextLanguage {
    /// French.
    #[must_use]
    pub fn french() -> Self {
        Self(&LANGUAGES[0])
    }

    /// English.
    #[must_use]
    pub fn english() -> Self {
        Self(&LANGUAGES[1])
    }

    /// The language of that name or code, however it is written.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = fold(name.trim());
        let is_it = |known: &&Entry| {
            known.code == name || fold(known.fr) == name || fold(known.en) == name || {
                // A code of the table counts before what else it may mean: `uk` is Ukrainian.
                !LANGUAGES.iter().any(|other| other.code == name) && known.aliases.contains(&name.as_str())
            }
        };
        LANGUAGES.iter().find(is_it).map(Self)
    }

    /// Its code, in lower case.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// Its name in French.
    #[must_use]
    pub fn french_name(self) -> &'static str {
        self.0.fr
    }

    /// Its name in French with an article, after "de" or alone: "l’anglais", "le français".
    #[must_use]
    pub fn french_name_with_article(self) -> String {
        let name = self.0.fr;
        // Before the h of "hongrois" nothing is elided.
        let elided = name.starts_with(['a', 'e', 'i', 'o', 'u', 'é']) || ["hébreu", "hindi"].contains(&name);
        if elided { format!("l’{name}") } else { format!("le {name}") }
    }

    /// Its name in French after "de": "de l’anglais", "du français".
    #[must_use]
    pub fn from_in_french(self) -> String {
        let named = self.french_name_with_article();
        match named.strip_prefix("le ") {
            Some(name) => format!("du {name}"),
            None => format!("de {named}"),
        }
    }

    /// Its name in English.
    #[must_use]
    pub fn english_name(self) -> &'static str {
        self.0.en
    }

    /// The language of a text; nothing where it cannot be told, as that of a few words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let words = prose(text);
        if words.chars().filter(|letter| letter.is_alphabetic()).count() < FEWEST_LETTERS {
            return None;
        }
        let known = LANGUAGES.iter().map(|entry| entry.lang).collect();
        let found = Detector::with_allowlist(known).detect(&words)?;
        let lang =
            if found.script() == Script::Cyrillic { slavic(&words).unwrap_or(found.lang()) } else { found.lang() };
        let entry = LANGUAGES.iter().find(|entry| entry.lang == lang)?;
        // Few languages share another script.
        let sure = found.is_reliable() || found.script() != Script::Latin || common_words(&words, entry.code) >= 2;
        sure.then_some(Self(entry))
    }
}

impl PartialEq for TextLanguage {
    fn eq(&self, other: &Self) -> bool {
        self.0.code == other.0.code
    }
}

impl Eq for TextLanguage {}

impl std::fmt::Debug for TextLanguage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0.code)
    }
}

/// The words of a text that tell its language: no addresses, no numbers, nothing that is all in capitals unless everything is.
fn prose(text: &str) -> String {
    let end = text.floor_char_boundary(LOOKED_AT);
    let text = text.get(..end).unwrap_or(text);
    let shouted = |word: &str| word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
    let is_word =
        |word: &&str| !word.contains("://") && !word.contains('@') && !word.chars().any(|c| c.is_ascii_digit());
    let words: Vec<&str> = text.split_whitespace().filter(is_word).collect();
    let mostly_shouted = words.iter().filter(|word| shouted(word)).count() * 2 > words.len();
    let words: Vec<&str> = words.into_iter().filter(|word| mostly_shouted || !shouted(word)).collect();
    if mostly_shouted { words.join(" ").to_lowercase() } else { words.join(" ") }
}

/// What the letters of a Cyrillic text say of its language, where only one has them.
fn slavic(text: &str) -> Option<Lang> {
    let has = |letters: &[char]| text.contains(letters);
    if has(&['ў', 'Ў']) {
        Some(Lang::Bel)
    } else if has(&['ї', 'Ї', 'є', 'Є', 'ґ', 'Ґ']) {
        Some(Lang::Ukr)
    } else if has(&['ы', 'э', 'ё', 'Э']) && !has(&['і', 'І']) {
        Some(Lang::Rus)
    } else if has(&['ѓ', 'ќ', 'ѕ']) {
        Some(Lang::Mkd)
    } else if has(&['ђ', 'ћ']) {
        Some(Lang::Srp)
    } else {
        None
    }
}

/// How many of the commonest words of a language a text has: they tell that of a short one.
fn common_words(text: &str, code: &str) -> usize {
    let common: &[&str] = match code {
        "fr" => &[
            "le", "la", "les", "des", "et", "est", "une", "pour", "vous", "nous", "dans", "que", "du", "au", "je",
            "sur",
        ],
        "en" => {
            &["the", "and", "is", "of", "to", "for", "you", "we", "in", "that", "are", "on", "this", "will", "please"]
        }
        "de" => &["der", "die", "das", "und", "ist", "nicht", "wir", "sie", "ein", "eine", "für", "ich", "zu", "mit"],
        "es" => &["el", "los", "las", "una", "para", "que", "por", "con", "del", "es", "usted", "nos", "su"],
        "it" => &["il", "gli", "una", "per", "che", "con", "del", "della", "sono", "non", "di", "è"],
        "pt" => &["os", "uma", "para", "que", "com", "não", "do", "da", "em", "você", "é"],
        "nl" => &["het", "een", "van", "en", "niet", "wij", "voor", "zijn", "ik", "dat"],
        _ => return 0,
    };
    let words = text.split(|letter: char| !letter.is_alphabetic()).map(str::to_lowercase);
    words.filter(|word| common.contains(&word.as_str())).count()
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGES, TextLanguage};

    #[test]
    fn languages_are_known_by_name_and_code() {
        for (name, code) in [
            ("anglais", "en"),
            ("Anglais", "en"),
            ("EN", "en"),
            ("english", "en"),
            ("neerlandais", "nl"),
            ("Néerlandais", "nl"),
            ("flamand", "nl"),
            ("uk", "uk"),
            ("Deutsch", "de"),
            ("mandarin", "zh"),
            ("farsi", "fa"),
        ] {
            assert_eq!(TextLanguage::named(name).map(TextLanguage::code), Some(code), "{name}");
        }
        for name in ["klingon", "", "anglai", "en anglais"] {
            assert!(TextLanguage::named(name).is_none(), "{name}");
        }
        for entry in &LANGUAGES {
            for name in [entry.code, entry.fr, entry.en] {
                assert_eq!(TextLanguage::named(name).map(TextLanguage::code), Some(entry.code), "{name}");
            }
        }
    }

    #[test]
    fn names_have_their_articles() {
        let with = |code| TextLanguage::named(code).map(TextLanguage::french_name_with_article).unwrap_or_default();
        assert_eq!(
            ["en", "fr", "hu", "he", "es"].map(with),
            ["l’anglais", "le français", "le hongrois", "l’hébreu", "l’espagnol"]
        );
        let from = |code| TextLanguage::named(code).map(TextLanguage::from_in_french).unwrap_or_default();
        assert_eq!(["en", "fr"].map(from), ["de l’anglais", "du français"]);
    }

    #[test]
    fn the_language_of_a_text_is_told() {
        for (text, code) in [
            ("La délégation remercie les autorités de leur accueil et propose une réunion en mars.", "fr"),
            ("Bonjour, la réunion est reportée.", "fr"),
            ("The meeting has been postponed until further notice.", "en"),
            ("Please send the form to the office.", "en"),
            ("Die Sitzung wurde bis auf Weiteres verschoben, wir bitten um Ihr Verständnis.", "de"),
            ("La reunión se ha aplazado hasta nuevo aviso; disculpen las molestias.", "es"),
            ("La riunione è stata rinviata a data da destinarsi, ci scusiamo per il disagio.", "it"),
            ("A reunião foi adiada até novo aviso, pedimos desculpa pelo incómodo.", "pt"),
            ("De vergadering is tot nader order uitgesteld, onze excuses voor het ongemak.", "nl"),
            ("Spotkanie zostało przełożone do odwołania, przepraszamy za utrudnienia.", "pl"),
            ("Засідання перенесено до окремого повідомлення, вибачте за незручності.", "uk"),
            ("Заседание перенесено до особого уведомления, мы приносим извинения.", "ru"),
            ("تم تأجيل الاجتماع حتى إشعار آخر ونعتذر عن الإزعاج.", "ar"),
            ("会议已推迟，恕不另行通知，敬请谅解。", "zh"),
            ("LA RÉUNION EST REPORTÉE À LA SEMAINE PROCHAINE POUR TOUS LES AGENTS DU SERVICE.", "fr"),
        ] {
            assert_eq!(TextLanguage::of(text).map(TextLanguage::code), Some(code), "{text}");
        }
        for text in ["", "12/03/2026", "OK", "https://www.example.fr/une/page/sur/les/agents", "DGAFP"] {
            assert!(TextLanguage::of(text).is_none(), "{text}");
        }
    }
}
