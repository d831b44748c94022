//! A note as the room sees it, and as a file. Pure.

use std::fmt::Write as _;

use ruma::{EventId, OwnedServerName, RoomId};

use super::value::{Entry, Note, Section};
use crate::{
    assistant::{commands::inert, texts::Headings},
    compagnon::Language,
};

/// Where the messages of a note are.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The room.
    pub room_id: &'a RoomId,
    /// Servers by which it is found.
    pub via: &'a [String],
}

impl Place<'_> {
    /// The address of a message, for whoever is in the room.
    pub fn link(&self, event_id: &EventId) -> String {
        let via = self.via.iter().filter_map(|server| OwnedServerName::try_from(server.as_str()).ok());
        let link = self.room_id.matrix_to_event_uri_via(event_id, via).to_string();
        // Signs that end a link in Markdown.
        link.replace('(', "%28").replace(')', "%29")
    }
}

/// A note as Markdown, with the links in it. `made` says of what it was made, `below` what is to be known of it; either may be empty.
pub fn markdown(
    note: &Note,
    place: Place<'_>,
    made: &str,
    below: &[String],
    language: Language,
) -> (String, Vec<String>) {
    let headings = Headings::of(language);
    let mut links = Vec::new();
    let mut text = format!("**{} : {}**", headings.note, title(note, language));
    if language == Language::En {
        text = text.replacen(" : ", ": ", 1);
    }
    if !made.is_empty() {
        let _ = write!(text, "\n\n{made}");
    }
    if !note.participants.is_empty() {
        let names = note.participants.iter().map(|name| inert(name)).collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\n\n**{}** — {names}", headings.participants);
    }
    if !note.context.is_empty() {
        let _ = write!(text, "\n\n**{}** — {}", headings.context, inert(&note.context));
    }
    for (section, heading) in Section::ALL.into_iter().zip(headings.sections) {
        let entries = note.section(section);
        if entries.is_empty() {
            continue;
        }
        let _ = write!(text, "\n\n**{heading}**\n");
        for (index, entry) in entries.iter().enumerate() {
            let line = line(entry, section, place, headings, &mut links);
            let _ = write!(text, "\n{}. {line}", index + 1);
        }
    }
    for paragraph in below.iter().filter(|paragraph| !paragraph.is_empty()) {
        let _ = write!(text, "\n\n{paragraph}");
    }
    (text, links)
}

/// The object, fit to be shown.
fn title(note: &Note, language: Language) -> String {
    if note.object.is_empty() { Headings::of(language).untitled.to_owned() } else { inert(&note.object) }
}

fn line(entry: &Entry, section: Section, place: Place<'_>, headings: Headings, links: &mut Vec<String>) -> String {
    let mut line = inert(&entry.text);
    if section == Section::Actions {
        let who = entry.who.as_deref().map_or_else(|| headings.nobody.to_owned(), inert);
        let _ = write!(line, " — **{who}**");
        if let Some(when) = &entry.when {
            let _ = write!(line, " — {}", inert(when));
        }
    }
    for (index, event_id) in entry.messages.iter().enumerate() {
        let opens = place.link(event_id);
        let text = if index == 0 { headings.message.to_owned() } else { (index + 1).to_string() };
        let _ = write!(line, " [{text}]({opens})");
        links.push(opens);
    }
    line
}

#[cfg(test)]
mod tests {
    use ruma::{event_id, room_id};

    use super::{Entry, Language, Note, Place, markdown};

    #[test]
    fn a_note_has_its_form_whatever_stands_in_it() {
        let via = ["a.fr".to_owned(), "b.fr".to_owned()];
        let place = Place { room_id: room_id!("!salon:a.fr"), via: &via };
        let hostile = "**gras** [ici](https://evil.fr) <b> @room\n# Titre\n3. autre";
        let entry = |text: &str| Entry {
            text: text.to_owned(),
            who: Some("Ben *Haddad*".to_owned()),
            when: None,
            messages: vec![event_id!("$m1").to_owned(), event_id!("$m2").to_owned()],
        };
        let note = Note {
            object: "Budget".to_owned(),
            context: hostile.to_owned(),
            participants: vec!["Awa".to_owned(), "Ben".to_owned()],
            actions: vec![entry(hostile)],
            ..Note::default()
        };
        let (text, links) = markdown(&note, place, "_2 messages._", &["_Brouillon._".to_owned()], Language::Fr);
        let link = "https://matrix.to/#/!salon:a.fr/$m1?via=a.fr&via=b.fr";
        assert_eq!(links, [link, "https://matrix.to/#/!salon:a.fr/$m2?via=a.fr&via=b.fr"]);
        assert!(
            text.starts_with("**Note : Budget**\n\n_2 messages._\n\n**Participants** — Awa, Ben\n\n**Contexte** — ")
        );
        assert!(text.contains(&format!("**Ben \\*Haddad\\*** [message]({link}) [2](")), "{text}");
        assert!(text.ends_with("\n\n_Brouillon._"), "{text}");
        assert!(!text.contains("[ici]("), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with(['#', '3'])).count(), 0, "{text}");
        let odd = Place { room_id: room_id!("!a)b:h"), via: &[] };
        assert!(odd.link(event_id!("$a/b+c_-")).ends_with("!a%29b:h/$a%2Fb+c_-"));
    }
}
