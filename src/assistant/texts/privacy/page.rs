//! The answers to `!confidentialité`, and the notice: the sentences that are true, in their order.

use super::{
    claim::Claim,
    topic::{Bullet, SHORT, Topic},
    view::View,
};
use crate::compagnon::Language;

/// A page with titles and bullets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Its sections.
    pub sections: Vec<Section>,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it is called, where programs read it.
    pub id: &'static str,
    /// Its title.
    pub title: String,
    /// Its bullets.
    pub bullets: Vec<Said>,
}

/// What a bullet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// What it is about.
    pub label: Option<&'static str>,
    /// Its sentences, with what makes each of them true.
    pub sentences: Vec<(Claim, String)>,
}

impl Said {
    /// The sentences one after the other.
    #[must_use]
    pub fn text(&self) -> String {
        self.sentences.iter().map(|(_, sentence)| sentence.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The short answer.
#[must_use]
pub fn short(view: &View<'_>) -> Section {
    let title = view.say("Vos données", "Your data");
    Section { id: "short", title, bullets: SHORT.iter().filter_map(|bullet| said(bullet, view)).collect() }
}

/// The answer on one subject.
#[must_use]
pub fn section(topic: Topic, view: &View<'_>) -> Section {
    let bullets = topic.claims().iter().filter_map(|claim| {
        let sentence = claim.say(view)?;
        Some(Said { label: None, sentences: vec![(*claim, sentence)] })
    });
    Section { id: topic.name(Language::En), title: topic.title(view.language).to_owned(), bullets: bullets.collect() }
}

fn said((label, claims): &Bullet, view: &View<'_>) -> Option<Said> {
    let sentences: Vec<_> = claims.iter().filter_map(|claim| Some((*claim, claim.say(view)?))).collect();
    let label = label.map(|[fr, en]| match view.language {
        Language::Fr => fr,
        Language::En => en,
    });
    (!sentences.is_empty()).then_some(Said { label, sentences })
}

/// The answer to `!confidentialité`, as Markdown.
pub(in crate::assistant::texts) fn answer(topic: Option<Topic>, view: &View<'_>) -> String {
    let section = topic.map_or_else(|| short(view), |topic| section(topic, view));
    let mut text = format!("### {}\n", section.title);
    for said in &section.bullets {
        text.push_str("\n- ");
        if let Some(label) = said.label {
            text.push_str(&view.say(format!("**{label}** : "), format!("**{label}**: ")));
        }
        text.push_str(&said.text());
    }
    let names = |topics: &[Topic]| {
        topics.iter().map(|topic| format!("`{}`", topic.name(view.language))).collect::<Vec<_>>().join(", ")
    };
    let others: Vec<Topic> = Topic::ALL.into_iter().filter(|other| Some(*other) != topic).collect();
    let example = others.iter().find(|other| **other == Topic::Durations).or(others.first());
    let example = example.map_or("", |topic| topic.name(view.language));
    let others: Vec<Topic> = others.into_iter().filter(|other| other.name(view.language) != example).collect();
    let others = names(&others);
    let more = view.say(
        format!("Pour en savoir plus : `!confidentialité {example}`, ou {others}."),
        format!("For more: `!privacy {example}`, or {others}."),
    );
    format!("{text}\n\n{more}")
}
