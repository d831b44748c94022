//! The limits for the front matter of a compagnon that was made by command, and for its name. Pure.
//!
//! A name signs answers, so it must not be confused with another: it has only Latin letters and no invisible characters. The files of the
//! prompts folder are written by the operator, and are not limited.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};
use unicode_script::{Script, UnicodeScript as _};
use unicode_security::{GeneralSecurityProfile as _, skeleton};

use super::definition::About;

/// The highest temperature: above it, answers become incoherent.
pub const HOTTEST: f32 = 1.5;
/// The most characters of a name or a title.
const LONGEST_NAME: usize = 60;
/// The most characters of a description, and of an example.
const LONGEST_LINE: usize = 200;
/// The most characters of the welcome.
const LONGEST_WELCOME: usize = 500;
/// The most examples.
const MOST_EXAMPLES: usize = 10;

/// A part of the front matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `name`
    Name,
    /// `title`
    Title,
    /// `description`
    Description,
    /// `welcome`
    Welcome,
    /// One of `examples`
    Example,
}

/// Why a part of the front matter cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldError {
    /// A text is too long.
    TooLong {
        /// Which.
        field: Field,
        /// The most characters.
        limit: usize,
    },
    /// A name has letters that are not Latin, or signs that look like others.
    NotLatin,
    /// A text has invisible characters, or characters that change the writing direction.
    Invisible,
    /// There are too many examples.
    TooManyExamples {
        /// The most.
        limit: usize,
    },
    /// A temperature that is no number, or out of range.
    Temperature,
    /// A length of answers that is out of range.
    MaxTokens {
        /// The most tokens.
        limit: usize,
    },
}

impl About {
    /// Checks each part; `max_tokens` is the longest answer that the model is allowed.
    pub fn check(&self, max_tokens: usize) -> Result<(), FieldError> {
        check_name(&self.name)?;
        if !self.title.is_empty() {
            check_title(Field::Title, &self.title)?;
        }
        check_text(Field::Description, &self.description, LONGEST_LINE)?;
        check_text(Field::Welcome, &self.welcome, LONGEST_WELCOME)?;
        if self.examples.len() > MOST_EXAMPLES {
            return Err(FieldError::TooManyExamples { limit: MOST_EXAMPLES });
        }
        for example in &self.examples {
            check_text(Field::Example, example, LONGEST_LINE)?;
        }
        // Not a number is in no range.
        if self.temperature.is_some_and(|temperature| !(0.0..=HOTTEST).contains(&temperature)) {
            return Err(FieldError::Temperature);
        }
        if self.max_tokens.is_some_and(|tokens| !(1..=max_tokens).contains(&tokens)) {
            return Err(FieldError::MaxTokens { limit: max_tokens });
        }
        Ok(())
    }
}

/// Checks a name by itself.
pub fn check_name(name: &str) -> Result<(), FieldError> {
    check_title(Field::Name, name)
}

fn check_title(field: Field, text: &str) -> Result<(), FieldError> {
    check_text(field, text, LONGEST_NAME)?;
    if text.chars().any(|letter| letter != ' ' && (letter.is_control() || letter.is_whitespace())) {
        return Err(FieldError::Invisible);
    }
    let is_plain = |letter: char| {
        letter.is_ascii()
            || "’‘“”«»–—…·°№€".contains(letter)
            || (matches!(letter.script(), Script::Latin | Script::Inherited) && letter.identifier_allowed())
    };
    // An accent may be a combining character.
    if !text.nfc().all(is_plain) || !text.chars().any(char::is_alphanumeric) {
        return Err(FieldError::NotLatin);
    }
    Ok(())
}

fn check_text(field: Field, text: &str, limit: usize) -> Result<(), FieldError> {
    if text.chars().count() > limit {
        return Err(FieldError::TooLong { field, limit });
    }
    // The variation selector for emojis and the zero-width joiner have a visible effect.
    let hidden = |letter: char| is_invisible(letter) && !matches!(letter, '\u{FE0F}' | '\u{200D}');
    let control = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
    if text.chars().any(|letter| hidden(letter) || control(letter)) {
        return Err(FieldError::Invisible);
    }
    Ok(())
}

/// Whether two names can be confused: accents, case, spaces and punctuation are ignored, and similar letters count as equal.
#[must_use]
pub fn alike(one: &str, other: &str) -> bool {
    let bare = |name: &str| name.nfkd().filter(|letter| !is_combining_mark(*letter)).collect::<String>();
    let (one, other) = (bare(one), bare(other));
    let same = |one: &str, other: &str| {
        let (one, other) = (looks(one), looks(other));
        !one.is_empty() && one == other
    };
    // A capital i looks like a small l, but not as a small i.
    same(&one, &other) || same(&one.to_lowercase(), &other.to_lowercase())
}

/// What a name looks like at a glance.
fn looks(name: &str) -> String {
    skeleton(name).filter(|letter| letter.is_alphanumeric()).collect()
}

/// Whether a character is invisible (Unicode's `Default_Ignorable_Code_Point`), or changes the writing direction.
#[must_use]
pub fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::{About, Field, FieldError, alike, check_name};

    fn about() -> About {
        About { name: "Budget".to_owned(), description: "Prépare le budget.".to_owned(), ..About::default() }
    }

    #[test]
    fn names_of_latin_letters_are_good() {
        for name in [
            "Budget",
            "L’été 2027 !",
            "Cœur & compagnie",
            "Œuvre n° 2 (RH)",
            "e\u{301}té",
            "Straße",
            "Żółw",
            "2027",
            &"a".repeat(60),
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_could_be_taken_for_others_are_not() {
        for (name, error) in [
            ("Сompagnon", FieldError::NotLatin),
            ("Οmega", FieldError::NotLatin),
            ("Бюджет", FieldError::NotLatin),
            ("ميزانية", FieldError::NotLatin),
            ("𝐁udget", FieldError::NotLatin),
            ("Ｂudget", FieldError::NotLatin),
            ("Ⅽompagnon", FieldError::NotLatin),
            ("🙂", FieldError::NotLatin),
            ("!!!", FieldError::NotLatin),
            ("Bud\u{200b}get", FieldError::Invisible),
            ("Bud\u{202e}get", FieldError::Invisible),
            ("Bud\u{ad}get", FieldError::Invisible),
            ("\u{feff}Budget", FieldError::Invisible),
            ("Bud\nget", FieldError::Invisible),
            ("Bud\u{2003}get", FieldError::Invisible),
        ] {
            assert_eq!(check_name(name), Err(error), "{name:?}");
        }
        assert_eq!(check_name(&"a".repeat(7_000)), Err(FieldError::TooLong { field: Field::Name, limit: 60 }));
    }

    #[test]
    fn each_part_has_its_bounds() {
        assert_eq!(about().check(1_024), Ok(()));
        let long = |field, limit| Err(FieldError::TooLong { field, limit });
        for (about, expected) in [
            (About { title: "x".repeat(61), ..about() }, long(Field::Title, 60)),
            (About { title: "Вudget".to_owned(), ..about() }, Err(FieldError::NotLatin)),
            (About { description: "x".repeat(201), ..about() }, long(Field::Description, 200)),
            (About { description: "a\u{202e}b".to_owned(), ..about() }, Err(FieldError::Invisible)),
            (About { welcome: "x".repeat(501), ..about() }, long(Field::Welcome, 500)),
            (About { examples: vec!["x".repeat(201)], ..about() }, long(Field::Example, 200)),
            (About { examples: vec!["x".to_owned(); 11], ..about() }, Err(FieldError::TooManyExamples { limit: 10 })),
            (About { temperature: Some(f32::INFINITY), ..about() }, Err(FieldError::Temperature)),
            (About { temperature: Some(f32::NAN), ..about() }, Err(FieldError::Temperature)),
            (About { temperature: Some(-0.1), ..about() }, Err(FieldError::Temperature)),
            (About { max_tokens: Some(0), ..about() }, Err(FieldError::MaxTokens { limit: 1_024 })),
            (About { max_tokens: Some(1_025), ..about() }, Err(FieldError::MaxTokens { limit: 1_024 })),
        ] {
            assert_eq!(about.check(1_024), expected, "{about:?}");
        }
    }

    #[test]
    fn imitations_are_seen() {
        for imitation in ["synthèse", "SYNTHESE", "Syn-thèse", "Synthése !", "  synthese"] {
            assert!(alike(imitation, "Synthèse"), "{imitation}");
        }
        assert!(alike("Assistant généraIiste", "Assistant généraliste"), "a capital i for a small l");
        assert!(alike("Cornpagnon RH", "Compagnon RH"), "rn for m");
        assert!(!alike("Budget 2027", "Budget") && !alike("", "") && !alike("!", "?"));
    }
}
