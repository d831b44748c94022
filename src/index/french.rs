//! From French text to the terms that are searched: lower case, without elisions, accents, stop words and endings. English is hardly harmed.
//!
//! Numbers and references (`L. 1234-5`, `2024-123`), addresses of mail and of the web are kept whole beside their parts. Apart from the index,
//! since passages, queries and acronyms must become terms in one way.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The most letters of a term: what is longer is no word, and is cut.
const TERM_LETTERS: usize = 64;

/// The fewest letters of a word in capitals that is taken for an acronym although it is also a stop word, as in "mon CET".
const CAPITALS: usize = 3;

/// Words without a meaning of their own.
static STOP_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| STOP.split_whitespace().collect());

const STOP: &str = "a ai ainsi alors an apres as au aucun aucune aussi autre autres aux avec avez avoir avons ayant c car ce ceci cela celle \
    celles celui ces cet cette ceux chaque chez ci comme comment d dans de des deja depuis doit doivent donc dont du elle elles en entre es est \
    et etant etc ete etes etre eu eux faire fait faut ici il ils j je juste l la le les leur leurs lors lorsque lui m ma mais me meme memes mes \
    moi moins mon n ne ni nos notre nous on ont or ou par parce pas pendant peu peut peuvent peux plus pour pourquoi puis qu quand que quel \
    quelle quelles quels qui quoi s sa sans se sera serait ses si soit son sont sous suis sur t ta te tel telle tes toi ton tous tout toute \
    toutes tres tu un une va vais vers via vos votre vous y combien lequel laquelle dois svp bonjour merci sil jusqu lorsqu puisqu quoiqu \
    presqu the of and to is for how what my your does it this that with by from";

/// What stands before an apostrophe and is no word.
const ELISIONS: [&str; 15] =
    ["l", "d", "j", "m", "t", "s", "c", "n", "qu", "jusqu", "lorsqu", "puisqu", "quoiqu", "presqu", "quelqu"];

/// The letters of the parts of French codes: laws, regulations, decrees.
const PARTS_OF_CODES: [&str; 4] = ["l", "r", "d", "a"];

/// The terms of a text, in order, with repetitions.
#[must_use]
pub fn terms(text: &str) -> Vec<String> {
    let mut reader = Reader { mixed: text.chars().any(char::is_lowercase), ..Reader::default() };
    for chunk in text.split_whitespace() {
        if is_address(chunk) {
            reader.push(cut(fold(chunk).trim_matches(|letter: char| !letter.is_alphanumeric())).to_owned());
        }
        reader.read(chunk);
    }
    reader.terms
}

/// Whether a word, folded, has no meaning of its own.
#[must_use]
pub fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(word)
}

/// Lower case, ligatures as two letters, no accents, straight apostrophes.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    // Decomposed first: what comes out of it may be capitals, or an apostrophe.
    let letters = text.nfkd().flat_map(char::to_lowercase).filter(|letter| !is_combining_mark(*letter));
    for letter in letters {
        match letter {
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            '’' | 'ʼ' => folded.push('\''),
            // Where a word may be cut at a line's end; invisible.
            '\u{ad}' => {}
            letter => folded.push(letter),
        }
    }
    folded
}

/// Reads a text piece by piece.
#[derive(Default)]
struct Reader {
    terms: Vec<String>,
    /// Whether the text has small letters, so that capitals mean something.
    mixed: bool,
    /// The letter of a code's part that was read last: `L.` before `1234-5`.
    part: Option<&'static str>,
}

impl Reader {
    /// Reads what stands between two spaces.
    fn read(&mut self, chunk: &str) {
        let folded = fold(chunk);
        let acronym = self.mixed && is_acronym(chunk);
        let (mut at, mut within) = (0, 0);
        while let Some(start) = folded[at..].find(char::is_alphanumeric).map(|start| at + start) {
            let end = start + run(&folded[start..], char::is_alphanumeric);
            at = end;
            let (word, after) = (&folded[start..end], &folded[end..]);
            let elided = after.strip_prefix('\'').is_some_and(|next| next.starts_with(char::is_alphanumeric));
            if elided && ELISIONS.contains(&word) {
                continue;
            }
            // The numbers inside a reference begin none of their own.
            let whole = if start < within { 0 } else { reference(&folded[start..]) };
            within = within.max(start + whole);
            self.word(word, &folded[start..start + whole], acronym);
        }
    }

    /// Takes a word, and the reference that begins with it, which may be no longer or empty.
    fn word(&mut self, word: &str, reference: &str, acronym: bool) {
        let mut part = self.part.take();
        if let Some(letter) = PARTS_OF_CODES.into_iter().find(|letter| word == *letter) {
            self.part = Some(letter);
        }
        let mut trimmed = 0;
        if reference.len() > word.len()
            && let Some(letter) = PARTS_OF_CODES.into_iter().find(|letter| word.starts_with(letter))
        {
            // `L1234-5`, as `L. 1234-5`.
            (part, trimmed) = (Some(letter), letter.len());
        }
        if !is_stop_word(word) || acronym {
            self.push(stem(cut(&word[trimmed..])));
        }
        if reference.len() > word.len() {
            let whole = cut(&reference[trimmed..]);
            self.push(whole.to_owned());
            if let Some(part) = part {
                self.push(format!("{part}{whole}"));
            }
        }
    }

    fn push(&mut self, term: String) {
        if !term.is_empty() {
            self.terms.push(term);
        }
    }
}

/// How many bytes at the beginning of a text are letters of a kind.
fn run(text: &str, kind: fn(char) -> bool) -> usize {
    text.find(|letter: char| !kind(letter)).unwrap_or(text.len())
}

/// How long the reference at the beginning of a text is: digits, after a letter or none, with further digits after hyphens, slashes or points.
/// Zero where there is none.
fn reference(text: &str) -> usize {
    let letter = usize::from(PARTS_OF_CODES.into_iter().any(|letter| text.starts_with(letter)));
    let digits = run(&text[letter..], |letter| letter.is_ascii_digit());
    if digits == 0 {
        return 0;
    }
    let mut end = letter + digits;
    while end <= TERM_LETTERS
        && let Some(next) = text[end..].strip_prefix(['-', '/', '.'])
    {
        let digits = run(next, |letter| letter.is_ascii_digit());
        if digits == 0 || next[digits..].starts_with(char::is_alphabetic) {
            break;
        }
        end += 1 + digits;
    }
    end
}

/// Whether something between two spaces is an address of mail or of the web.
fn is_address(chunk: &str) -> bool {
    chunk.contains("://")
        || chunk.starts_with("www.")
        || chunk.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// Whether a word is written in capitals, as acronyms are.
fn is_acronym(chunk: &str) -> bool {
    let word = chunk.rsplit(['\'', '’']).next().unwrap_or(chunk);
    let letters = word.chars().filter(|letter| letter.is_alphabetic());
    letters.clone().count() >= CAPITALS && letters.clone().all(char::is_uppercase)
}

/// The beginning of a word, as long as a term may be.
fn cut(word: &str) -> &str {
    word.char_indices().nth(TERM_LETTERS).map_or(word, |(end, _)| &word[..end])
}

/// What stands for an ending, longest first.
const ENDINGS: [(&str, &str); 36] = [
    ("issements", "i"),
    ("issement", "i"),
    ("atrices", ""),
    ("atrice", ""),
    ("ateurs", ""),
    ("ateur", ""),
    ("ations", ""),
    ("ation", ""),
    ("ements", ""),
    ("ement", ""),
    ("ments", ""),
    ("ment", ""),
    ("ances", ""),
    ("ance", ""),
    ("ences", "ent"),
    ("ence", "ent"),
    ("euses", "eu"),
    ("euse", "eu"),
    ("eurs", "eu"),
    ("eur", "eu"),
    ("ites", ""),
    ("ite", ""),
    ("elles", "el"),
    ("elle", "el"),
    ("iques", "ic"),
    ("ique", "ic"),
    ("ives", "if"),
    ("ive", "if"),
    ("iers", ""),
    ("ieres", ""),
    ("iere", ""),
    ("ier", ""),
    ("ees", ""),
    ("ee", ""),
    ("er", ""),
    ("ez", ""),
];

/// A folded word without plural, feminine, and the commonest endings of nouns and verbs. Light: at least 4 letters stay.
#[must_use]
pub fn stem(word: &str) -> String {
    if !word.is_ascii() || word.ends_with(|letter: char| letter.is_ascii_digit()) {
        return word.to_owned();
    }
    if word.len() <= 4 {
        return light(word);
    }
    if word.ends_with("eaux") {
        return word[..word.len() - 1].to_owned();
    }
    if let Some(stem) = word.strip_suffix("aux") {
        return format!("{stem}al");
    }
    let mut stem = word.to_owned();
    if is_plural(&stem) && !stem.ends_with("ss") {
        stem.pop();
    }
    let ending = ENDINGS.iter().chain(&[("es", ""), ("e", "")]).find(|(ending, _)| {
        let least = if ending.starts_with('a') && ending[..3].contains('t') { 5 } else { 4 };
        stem.strip_suffix(ending).is_some_and(|rest| rest.len() >= least)
    });
    if let Some((ending, instead)) = ending {
        stem.truncate(stem.len() - ending.len());
        stem.push_str(instead);
    }
    if stem.len() > 4 && stem.ends_with("ir") {
        stem.pop();
    }
    if stem.len() > 4 && is_doubled(&stem) {
        stem.pop();
    }
    if stem.len() > 4 && stem.ends_with(['e', 'i']) {
        stem.pop();
    }
    stem
}

/// A short word without plural and feminine.
fn light(word: &str) -> String {
    let mut stem = word.to_owned();
    if word.len() <= 3 {
        return stem;
    }
    if is_plural(&stem) {
        stem.pop();
    }
    if stem.len() > 3 && is_doubled(&stem) && !stem.ends_with(['a', 'e', 'i', 'o', 'u']) {
        stem.pop();
    }
    stem
}

/// Whether a word has the letter of a plural. An `x` is one after `u` only: a *prix* is not *pris*, a *voix* not *vois*.
fn is_plural(word: &str) -> bool {
    word.ends_with('s') || word.ends_with("ux")
}

/// Whether the last two letters are the same.
fn is_doubled(word: &str) -> bool {
    let mut letters = word.bytes().rev();
    letters.next().is_some_and(|last| letters.next() == Some(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(terms(text).join(" "), expected, "{text}");
    }

    #[test]
    fn words_lose_accents_elisions_and_endings() {
        check("L’employeur a-t-il le droit d’imposer des congés ?", "employeu droit impos cong");
        check("Les œuvres ex æquo", "oeuvr ex aequo");
        check("chevaux, journaux, bureaux", "cheval journal bureau");
        check("le prix est pris, la voix, tu vois", "prix pri voix voi");
        check("aujourd’hui", "aujourd hui");
        check("démissionner démission", "demission demission");
        check("licenciements licenciement", "licenc licenc");
        check("administrateur administratrice administration", "administr administr administr");
        check("qu’est-ce qu’un avenant", "avenant");
        check("ÉCOLE école ecole", "ecol ecol ecol");
        check("co\u{ad}ti\u{ad}sa\u{ad}tion", "cotis");
    }

    #[test]
    fn letters_are_folded_after_they_are_decomposed() {
        assert_eq!(fold("La marque™ de la ℂNIL, ŉ, İ, ÉŒ"), "la marquetm de la cnil, 'n, i, eoe");
        check("ﬁches de ＰＡＩＥ", "fich paie");
        assert_eq!(fold("ASCII seul"), "ascii seul");
    }

    #[test]
    fn references_and_numbers_are_kept_whole_as_well() {
        check("n° 2024-123", "2024 2024-123 123");
        check("article L. 1234-5", "articl 1234 1234-5 l1234-5 5");
        check("article L1234-5", "articl 1234 1234-5 l1234-5 5");
        check("art. R 421-1 du code", "art r 421 421-1 r421-1 1 code");
        check("le 12/03/2024", "12 12/03/2024 03 2024");
        check("1,5 jour", "1 5 jour");
        check("13e mois", "13e moi");
    }

    #[test]
    fn addresses_are_kept_whole_as_well() {
        check("écrire à drh@interieur.gouv.fr.", "ecri drh@interieur.gouv.fr drh interieu gouv fr");
        check(
            "(https://www.service-public.fr/F123)",
            "https://www.service-public.fr/f123 http www servic public fr f123",
        );
    }

    #[test]
    fn capitals_are_no_stop_words() {
        check("mon CET et cet agent", "cet agent");
        check("CET AGENT", "agent");
    }

    #[test]
    fn other_scripts_and_hostile_texts_give_bounded_terms() {
        check("Ελλάδα Москва", "ελλαδα москва");
        check("", "");
        check("’’’ --- °°° \u{200b}", "");
        let long = terms(&"a".repeat(1 << 20));
        assert!(long.len() == 1 && long[0].len() <= TERM_LETTERS);
        let digits = terms(&format!("1{}", "-1".repeat(100_000)));
        assert!(digits.iter().all(|term| term.len() <= TERM_LETTERS + 1));
    }

    #[test]
    fn english_is_hardly_harmed() {
        check("What is the notice period for employees?", "notic period employ");
    }
}
