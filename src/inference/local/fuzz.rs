//! For `crate::fuzz`: model files, vocabularies and templates, which come from whoever published a model.

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use candle_core::quantized::gguf_file::{self, Value};

use super::counter::Markup;
use super::forward::{Output, SequenceSlice, StepOutput};
use super::gguf::Gguf;
use super::gguf_error::GgufError;
use super::kernels::Pool;
use super::load;
use super::template::Template;
use super::tokenizer::{Span, Tokenizer};
use super::vocabulary::Vocabulary;
use super::witness::WITNESS;
use crate::conversation::Role;
use crate::inference::{Config, Message};

/// A file: opened as any model is, then given one step of two tokens.
pub(crate) fn gguf(data: &[u8]) {
    let Ok(gguf) = open(data.to_vec()) else { return };
    let Ok(vocabulary) = Vocabulary::read(&gguf).map(Arc::new) else { return };
    // The file's other parts are read whether these are good or not: each is a parser of its own.
    if let Ok(tokenizer) = Tokenizer::load(&gguf, Arc::clone(&vocabulary), None) {
        text_in(&tokenizer, &vocabulary, "l'été 2026 <|im_end|>\n");
        if let Ok(template) = Template::of(&gguf, &vocabulary) {
            let _ = Markup::measure(&template, &tokenizer);
        }
    }
    let config = Config { threads: 1, context: 64, kv_memory: 1, ..Config::default() };
    let Ok(pool) = Pool::new(1).map(Arc::new) else { return };
    let Ok(mut forward) = load::forward(gguf, vocabulary.tokens.len(), &config, pool) else { return };
    let limits = forward.limits();
    let (Some(last), true) = (forward.vocabulary().checked_sub(1), limits.blocks > 0 && limits.context >= 2) else {
        return;
    };
    let mut out = StepOutput::default();
    let slice = SequenceSlice {
        tokens: &[0, last as u32],
        start: 0,
        block_table: &[0],
        output: Some(Output::Logits),
        ..SequenceSlice::default()
    };
    if forward.step(&[slice], &mut out).is_ok() {
        assert_eq!(out.logits.len(), forward.vocabulary());
    }
}

fn open(bytes: Vec<u8>) -> Result<Gguf, GgufError> {
    Gguf::read(Box::new(bytes))
}

/// The first byte chooses the spelling, then come tokens, one a line, the first character their type; after an empty line the merges;
/// after another the text.
pub(crate) fn tokenizer(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut blocks = text.splitn(3, "\n\n");
    let [tokens, merges, text] = [(); 3].map(|()| blocks.next().unwrap_or_default());
    witness(text);
    let pieces = tokens.starts_with('l');
    let tokens = tokens.get(1..).unwrap_or_default();
    let lines: Vec<(&str, &str)> =
        tokens.split('\n').map(|line| line.split_at(line.len().min(1).min(boundary(line)))).collect();
    let list = |values: Vec<Value>| Value::Array(values);
    let metadata = [
        ("tokenizer.ggml.model", Value::String(if pieces { "llama" } else { "gpt2" }.to_owned())),
        ("tokenizer.ggml.pre", Value::String("default".to_owned())),
        ("tokenizer.ggml.tokens", list(lines.iter().map(|(_, token)| Value::String((*token).to_owned())).collect())),
        (
            "tokenizer.ggml.token_type",
            list(lines.iter().map(|(kind, _)| Value::I32(kind.parse().unwrap_or(1))).collect()),
        ),
        ("tokenizer.ggml.scores", list((0..lines.len()).map(|n| Value::F32(-(n as f32))).collect())),
        ("tokenizer.ggml.merges", list(merges.split('\n').map(|merge| Value::String(merge.to_owned())).collect())),
    ];
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let mut file = Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &[]).expect("written to memory");
    let Ok(gguf) = open(file.into_inner()) else { return };
    let Ok(vocabulary) = Vocabulary::read(&gguf).map(Arc::new) else { return };
    let Ok(tokenizer) = Tokenizer::load(&gguf, Arc::clone(&vocabulary), None) else { return };
    text_in(&tokenizer, &vocabulary, text);
}

/// Where the first character of a line ends.
fn boundary(line: &str) -> usize {
    line.chars().next().filter(char::is_ascii).map_or(0, |_| 1)
}

/// The witness knows every byte: any text comes out as it went in.
fn witness(text: &str) {
    static TOKENIZER: LazyLock<(Tokenizer, Arc<Vocabulary>)> = LazyLock::new(|| {
        let gguf = Gguf::embedded(WITNESS).expect("sound");
        let vocabulary = Arc::new(Vocabulary::read(&gguf).expect("sound"));
        (Tokenizer::load(&gguf, Arc::clone(&vocabulary), None).expect("sound"), vocabulary)
    });
    let (tokenizer, vocabulary) = &*TOKENIZER;
    let ids = text_in(tokenizer, vocabulary, text).expect("any text is tokens");
    let bytes: Vec<u8> = ids.iter().flat_map(|id| vocabulary.bytes(*id)).copied().collect();
    assert_eq!(bytes, text.as_bytes(), "a text is the sum of its tokens");
}

/// A text as content: it never holds a token that is reserved to templates.
fn text_in(tokenizer: &Tokenizer, vocabulary: &Vocabulary, text: &str) -> Option<Vec<u32>> {
    let ids = tokenizer.prompt(&[Span::Markup(String::new()), Span::Content(text.to_owned())]).ok()?;
    // Where a model wants its BOS, that comes first; nobody wrote it.
    let alone = tokenizer.prompt(&[Span::Content(String::new())]).ok()?;
    let written = ids.strip_prefix(alone.as_slice()).unwrap_or(&ids);
    assert!(written.iter().all(|id| !vocabulary.is_reserved(*id)), "a text became markup");
    let _ = tokenizer.prompt(&[Span::Markup(text.to_owned()), Span::Content(text.to_owned())]);
    Some(written.to_vec())
}

/// A template's source, rendered for conversations of each shape.
pub(crate) fn template(source: &str) {
    let Ok(template) = Template::new(source.to_owned(), "<s>".to_owned(), "</s>".to_owned()) else { return };
    let said = |role, text: &str| Message::new(role, text);
    let named = Message { name: Some("Awa {{ x }}".to_owned()), ..said(Role::User, "{% raw %}") };
    let conversations = [
        vec![said(Role::User, "Bonjour {{ messages }}")],
        vec![
            said(Role::System, "Tu es X."),
            said(Role::User, " a "),
            said(Role::Assistant, "b"),
            said(Role::User, "c"),
        ],
        vec![named.clone(), said(Role::Assistant, ""), named],
        Vec::new(),
    ];
    for messages in conversations {
        let Ok(spans) = template.render(&messages) else { continue };
        for span in spans {
            // Only what is known to be somebody's text is content.
            let Span::Content(text) = span else { continue };
            let whole =
                messages.iter().any(|message| message.content.contains(&text) || text.contains(message.content.trim()));
            let name = messages.iter().any(|message| message.name.as_deref() == Some(&text));
            assert!(whole || name, "{text:?} was written by nobody");
        }
    }
}
