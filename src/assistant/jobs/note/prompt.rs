//! What a model is asked about a conversation, and the form of its answers. Pure but for the counting of tokens.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    material::{Conversation, Part, lines, parts},
    value::{LONGEST_CONTEXT, LONGEST_ENTRY, LONGEST_NAME, LONGEST_OBJECT, Note, Section},
};
use crate::{
    compagnon::Language,
    conversation::{Role, plain_lines},
    inference::{ChatModel, InferenceError, Message, OutputFormat, Request, Sampling},
};

/// Tokens kept free for what a template adds around the whole prompt.
const MARGIN: usize = 16;
/// About the tokens of what stands around a part.
const FRAME: usize = 64;
/// The share of a context that an answer may take, and its bounds in tokens.
const SHARE: usize = 4;
const ANSWER: std::ops::RangeInclusive<usize> = 192..=2_000;
/// The most items of a section in one answer.
const MOST_ITEMS: usize = 30;
/// The most points that a note has: more are brought together.
pub const MOST_POINTS: usize = 8;

/// What one person asks of a note, in their language.
pub struct Prompts<'a> {
    model: &'a dyn ChatModel,
    sampling: Sampling,
    language: Language,
}

impl<'a> Prompts<'a> {
    /// Prompts for a model, which usually samples like this.
    pub fn new(model: &'a dyn ChatModel, usual: &Sampling, language: Language) -> Self {
        let max_tokens = (model.limits().context_length / SHARE).clamp(*ANSWER.start(), *ANSWER.end());
        let sampling = Sampling { temperature: 0.0, max_tokens, stop: Vec::new(), ..usual.clone() };
        Self { model, sampling, language }
    }

    fn cost(&self, text: &str) -> usize {
        self.model.token_counter().count(&Message::new(Role::User, text))
    }

    /// The tokens that are left beside a system prompt and the answer.
    fn room(&self, system: &str) -> Result<usize, InferenceError> {
        let (counter, context) = (self.model.token_counter(), self.model.limits().context_length);
        let frame = counter.count(&Message::new(Role::System, system)) + FRAME + MARGIN;
        let tokens = self.sampling.max_tokens + counter.accuracy().margin(context) + frame;
        let room = context.checked_sub(tokens).filter(|room| *room >= FRAME);
        room.ok_or(InferenceError::PromptTooLong { tokens, context })
    }

    fn request(&self, system: &str, content: String, schema: Value) -> Request {
        let messages = vec![Message::new(Role::System, system), Message::new(Role::User, content)];
        // Nothing of it is kept: no other request begins with it.
        let request = Request::new(messages, self.sampling.clone());
        Request { format: Some(Arc::new(OutputFormat::JsonSchema(schema))), ..request }
    }

    /// A request for what stands in each part of a conversation.
    pub fn of_parts(&self, conversation: &Conversation) -> Result<Vec<(Part, Request)>, InferenceError> {
        let system = match self.language {
            Language::Fr => include_str!("../../../../prompts/jobs/note.fr.md"),
            Language::En => include_str!("../../../../prompts/jobs/note.en.md"),
        };
        let room = self.room(system)?;
        let cost = |text: &str| self.cost(text);
        let of = conversation.said.len();
        let requests = parts(conversation, room, cost, self.language).into_iter().map(|part| {
            let text = lines(conversation, part, room, cost, self.language);
            let Part { first, last } = part;
            let content = match self.language {
                Language::Fr => format!(
                    "Messages {first} à {last}, sur {of} :\n{text}\nRelevez maintenant ce qu’ils disent, en un objet JSON."
                ),
                Language::En => format!(
                    "Messages {first} to {last}, of {of}:\n{text}\nNow gather what they say, as one JSON object."
                ),
            };
            (part, self.request(system, content, of_part(part)))
        });
        Ok(requests.collect())
    }

    /// The request for the beginning of a note, from its lists.
    pub fn of_head(&self, note: &Note) -> Result<Request, InferenceError> {
        let system = match self.language {
            Language::Fr => include_str!("../../../../prompts/jobs/note-head.fr.md"),
            Language::En => include_str!("../../../../prompts/jobs/note-head.en.md"),
        };
        let (text, end) = (
            self.listed(note, self.room(system)?),
            match self.language {
                Language::Fr => "Écrivez maintenant le début de la note, en un objet JSON.",
                Language::En => "Now write the beginning of the note, as one JSON object.",
            },
        );
        Ok(self.request(system, format!("{text}\n{end}"), of_head(note.points.len())))
    }

    /// The request for the correction that a message asks for.
    pub fn of_edit(&self, note: &Note, message: &str) -> Result<Request, InferenceError> {
        let system = match self.language {
            Language::Fr => include_str!("../../../../prompts/jobs/note-edit.fr.md"),
            Language::En => include_str!("../../../../prompts/jobs/note-edit.en.md"),
        };
        let message: String = message.chars().take(LONGEST_CONTEXT).collect();
        let quoted: String = plain_lines(&message).lines().flat_map(|line| ["> ", line, "\n"]).collect();
        let room = self.room(system)?.saturating_sub(self.cost(&quoted));
        let text = self.listed(note, room);
        let content = match self.language {
            Language::Fr => {
                format!("La note :\n{text}\nLe message :\n{quoted}\nDites la correction, en un objet JSON.")
            }
            Language::En => {
                format!("The note:\n{text}\nThe message:\n{quoted}\nTell the correction, as one JSON object.")
            }
        };
        Ok(self.request(system, content, of_edit()))
    }

    /// The lists of a note, numbered, as far as they fit.
    fn listed(&self, note: &Note, room: usize) -> String {
        let (mut text, mut used) = (String::new(), 0);
        for section in Section::ALL {
            for (index, entry) in note.section(section).iter().enumerate() {
                let named = |part: &Option<String>| part.as_ref().map(|part| format!(" — {part}")).unwrap_or_default();
                let said = plain_lines(&entry.text).replace('\n', " ");
                let (who, when) = (named(&entry.who), named(&entry.when));
                let line = format!("> {} {} : {said}{who}{when}\n", section.key(), index + 1);
                used += self.cost(&line);
                if used > room {
                    return text;
                }
                text.push_str(&line);
            }
        }
        text
    }
}

fn texts(most: usize) -> Value {
    json!({"type": "string", "maxLength": most})
}

fn numbers(first: usize, last: usize, most: usize) -> Value {
    json!({"type": "array", "minItems": 1, "maxItems": most, "items": {"type": "integer", "minimum": first, "maximum": last}})
}

fn list(most: usize, item: &[(&str, Value)]) -> Value {
    json!({"type": "array", "maxItems": most, "items": shape(item)})
}

fn shape(fields: &[(&str, Value)]) -> Value {
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

/// The form of what stands in a part.
fn of_part(part: Part) -> Value {
    let messages = || ("messages", numbers(part.first, part.last, 3));
    let plain = || list(MOST_ITEMS, &[("text", texts(LONGEST_ENTRY)), messages()]);
    let (who, when) = (("who", texts(LONGEST_NAME)), ("when", texts(LONGEST_NAME)));
    let actions = list(MOST_ITEMS, &[("text", texts(LONGEST_ENTRY)), who, when, messages()]);
    shape(&[("points", plain()), ("decisions", plain()), ("actions", actions), ("questions", plain())])
}

/// The form of the beginning of a note.
fn of_head(points: usize) -> Value {
    let (object, context) = (("object", texts(LONGEST_OBJECT)), ("context", texts(LONGEST_CONTEXT)));
    if points == 0 {
        return shape(&[object, context]);
    }
    let point = [("text", texts(LONGEST_ENTRY)), ("of", numbers(1, points, MOST_ITEMS))];
    shape(&[object, context, ("points", list(MOST_POINTS, &point))])
}

/// The form of a correction.
fn of_edit() -> Value {
    shape(&[
        ("op", json!({"enum": ["set", "remove", "add", "object", "context", "none"]})),
        ("section", json!({"enum": ["points", "decisions", "actions", "questions", ""]})),
        ("index", json!({"type": "integer", "minimum": 0, "maximum": 60})),
        ("text", texts(LONGEST_CONTEXT)),
        ("who", texts(LONGEST_NAME)),
        ("when", texts(LONGEST_NAME)),
    ])
}
