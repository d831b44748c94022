//! Texts of the configuration that people read: one for all languages, or one for each.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

/// The expected form of a text. The list of keys recognises such texts by it.
pub const TEXT: &str = "a text, or one for each language: {fr: …, en: …}";

/// The expected form of a list of texts, likewise.
pub const LIST: &str = "a list of texts, or one for each language: {fr: […], en: […]}";

/// Something in French, and in English where that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken<T> {
    fr: T,
    en: Option<T>,
}

/// A text.
pub type SpokenText = Spoken<String>;

/// A list of texts.
pub type SpokenList = Spoken<Vec<String>>;

impl<T> Spoken<T> {
    /// The same in all languages.
    #[must_use]
    pub fn same(value: T) -> Self {
        Self { fr: value, en: None }
    }

    /// In French.
    #[must_use]
    pub fn fr(&self) -> &T {
        &self.fr
    }

    /// In English; in French where there is no English.
    #[must_use]
    pub fn en(&self) -> &T {
        self.en.as_ref().unwrap_or(&self.fr)
    }

    /// Whatever is given.
    pub fn each(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.fr).chain(&self.en)
    }
}

impl<'de> Deserialize<'de> for SpokenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form(TEXT, PhantomData))
    }
}

impl<'de> Deserialize<'de> for SpokenList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form(LIST, PhantomData))
    }
}

/// What is read: its form in words.
struct Form<T>(&'static str, PhantomData<T>);

/// What a language may have.
trait Given: Sized + for<'de> Deserialize<'de> {
    fn text(text: &str) -> Option<Self>;
    fn list(list: Vec<String>) -> Option<Self>;
}

impl Given for String {
    fn text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn list(_: Vec<String>) -> Option<Self> {
        None
    }
}

impl Given for Vec<String> {
    fn text(_: &str) -> Option<Self> {
        None
    }

    fn list(list: Vec<String>) -> Option<Self> {
        Some(list)
    }
}

impl<'de, T: Given> de::Visitor<'de> for Form<T> {
    type Value = Spoken<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Spoken<T>, E> {
        T::text(text).map(Spoken::same).ok_or_else(|| E::custom(format_args!("it must be {}", self.0)))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Spoken<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<String>()? {
            list.push(item);
        }
        T::list(list).map(Spoken::same).ok_or_else(|| de::Error::custom(format_args!("it must be {}", self.0)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut languages: A) -> Result<Spoken<T>, A::Error> {
        let (mut fr, mut en) = (None, None);
        while let Some(language) = languages.next_key::<String>()? {
            match language.as_str() {
                "fr" => fr = Some(languages.next_value::<T>()?),
                "en" => en = Some(languages.next_value::<T>()?),
                _ => return Err(de::Error::custom(format_args!("it must be {}", self.0))),
            }
        }
        let fr = fr.ok_or_else(|| de::Error::custom("`fr` is missing: French is what people read first"))?;
        Ok(Spoken { fr, en })
    }
}

#[cfg(test)]
mod tests {
    use super::{SpokenList, SpokenText};

    #[test]
    fn a_text_is_for_all_languages_or_for_each() {
        let text = |yaml: &str| serde_yaml::from_str::<SpokenText>(yaml).map_err(|error| error.to_string());
        let plain = text("le ministère").expect("a text");
        assert_eq!((plain.fr(), plain.en()), (plain.en(), plain.fr()));
        let both = text("{fr: le ministère, en: the ministry}").expect("two texts");
        assert_eq!((both.fr().as_str(), both.en().as_str()), ("le ministère", "the ministry"));
        for (yaml, expected) in
            [("{en: the ministry}", "`fr` is missing"), ("{fr: a, de: b}", "one for each language"), ("[a]", "a text")]
        {
            let sentence = text(yaml).expect_err(yaml);
            assert!(sentence.contains(expected), "{yaml}: {sentence}");
        }
        let list = |yaml: &str| serde_yaml::from_str::<SpokenList>(yaml).map_err(|error| error.to_string());
        assert_eq!(list("[a, b]").expect("a list").en(), &["a", "b"]);
        assert_eq!(list("{fr: [a], en: [b, c]}").expect("two lists").en(), &["b", "c"]);
        assert!(list("a").expect_err("no list").contains("a list of texts"));
    }
}
