use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use super::{CHUNK, Engine, Forward, Sequence};
use crate::inference::local::vocabulary::{Kind, Spelling, Vocabulary};
use crate::inference::{Finish, Generation, InferenceError, Piece, Sampling, Usage};

/// Ids of the test vocabulary: an end, the four bytes of an emoji, then words.
const END: u32 = 0;
const EMOJI: [u32; 4] = [1, 2, 3, 4];
const A: u32 = 5;
const B: u32 = 6;
const HASH: u32 = 7;
const PANIC: u32 = 100;
const FAIL: u32 = 101;
const NAN: u32 = 102;

fn vocabulary(space_prefix: bool) -> Arc<Vocabulary> {
    let tokens = ["</s>", "<0xF0>", "<0x9F>", "<0x91>", "<0x8D>", "▁a", "b", "#"].map(str::to_owned).to_vec();
    let mut kinds = vec![Kind::Control, Kind::Byte, Kind::Byte, Kind::Byte, Kind::Byte];
    kinds.extend([Kind::Text; 3]);
    Arc::new(Vocabulary::new(Spelling::SentencePiece, tokens, kinds, vec![], space_prefix))
}

/// A forward pass that recites: a prompt's first token says which of the answers.
struct Script {
    answers: Vec<Vec<u32>>,
    /// The length of every prompt, in tokens.
    prompt: usize,
    /// Told the number of tokens of each step.
    steps: Option<Sender<usize>>,
    /// One message is taken before each step; once its sender is gone, steps are free.
    gate: Option<Arc<Mutex<Receiver<()>>>>,
}

struct Recital {
    script: Script,
    answer: Option<usize>,
    read: usize,
}

impl Script {
    fn new(answers: &[&[u32]]) -> Self {
        Self { answers: answers.iter().map(|answer| answer.to_vec()).collect(), prompt: 1, steps: None, gate: None }
    }
}

impl Forward for Script {
    fn start(&self) -> Box<dyn Sequence> {
        let script = Self {
            answers: self.answers.clone(),
            prompt: self.prompt,
            steps: self.steps.clone(),
            gate: self.gate.clone(),
        };
        Box::new(Recital { script, answer: None, read: 0 })
    }
}

impl Sequence for Recital {
    fn step(&mut self, tokens: &[u32]) -> Result<Vec<f32>, String> {
        if let Some(steps) = &self.script.steps {
            let _ = steps.send(tokens.len());
        }
        if let Some(gate) = &self.script.gate {
            let _ = gate.lock().unwrap().recv();
        }
        self.read += tokens.len();
        let answer = *self.answer.get_or_insert(tokens[0] as usize);
        let at = self.read.saturating_sub(self.script.prompt);
        match self.script.answers[answer].get(at).copied().unwrap_or(END) {
            PANIC => panic!("a panic asked for by the test"),
            FAIL => Err("a failure asked for by the test".to_owned()),
            NAN => Ok(vec![f32::NAN; 8]),
            next => Ok((0..8).map(|id| if id == next { 1.0 } else { 0.0 }).collect()),
        }
    }
}

fn start(script: Script, queue: usize) -> Engine {
    Engine::start(Box::new(script), vocabulary(false), 256, queue).unwrap()
}

fn greedy() -> Sampling {
    Sampling { temperature: 0.0, repetition_penalty: 1.0, ..Sampling::default() }
}

type Ended = Result<Usage, InferenceError>;

fn read(mut generation: Generation) -> (Vec<String>, Ended) {
    let mut texts = Vec::new();
    loop {
        match generation.blocking_next().expect("an answer ends with a usage or an error") {
            Ok(Piece::Text(text)) => texts.push(text),
            Ok(Piece::Done(usage)) => {
                assert!(generation.blocking_next().is_none());
                return (texts, Ok(usage));
            }
            Err(error) => return (texts, Err(error)),
        }
    }
}

/// What one answer gives, as its pieces joined by `|`, why it ended and its number of tokens.
fn recite(answer: &[u32], sampling: Sampling) -> (String, Finish, usize) {
    let engine = start(Script::new(&[answer]), 1);
    let (texts, usage) = read(engine.submit(vec![0], sampling).unwrap());
    let usage = usage.unwrap();
    assert_eq!(usage.prompt_tokens, 1);
    (texts.join("|"), usage.finish, usage.completion_tokens)
}

#[test]
fn an_answer_streams_and_ends_at_its_end_token() {
    assert_eq!(recite(&[B, A, B], greedy()), ("b| a|b".to_owned(), Finish::Stop, 3));
    assert_eq!(recite(&[], greedy()), (String::new(), Finish::Stop, 0));
}

#[test]
fn an_emoji_over_four_tokens_comes_as_one_piece() {
    let [a, b, c, d] = EMOJI;
    assert_eq!(recite(&[B, a, b, c, d, B], greedy()), ("b|👍|b".to_owned(), Finish::Stop, 6));
    let cut = Sampling { max_tokens: 3, ..greedy() };
    assert_eq!(recite(&[B, a, b, c, d], cut), ("b|\u{FFFD}".to_owned(), Finish::Length, 3));
}

#[test]
fn a_stop_text_ends_the_answer_and_is_never_seen() {
    let stops = Sampling { stop: vec!["##b".to_owned()], ..greedy() };
    assert_eq!(recite(&[B, HASH, HASH, B, A, A], stops.clone()), ("b".to_owned(), Finish::Stop, 4));
    assert_eq!(recite(&[B, HASH, HASH, A], stops.clone()), ("b|## a".to_owned(), Finish::Stop, 4));
    assert_eq!(recite(&[B, HASH], stops), ("b|#".to_owned(), Finish::Stop, 2));
}

#[test]
fn an_answer_has_no_more_tokens_than_allowed() {
    let two = Sampling { max_tokens: 2, ..greedy() };
    assert_eq!(recite(&[B, B, B], two), ("b|b".to_owned(), Finish::Length, 2));
}

#[test]
fn prompt_and_answer_fit_the_context_exactly() {
    let mut script = Script::new(&[&[B; 500]]);
    script.prompt = 250;
    let (steps, seen) = channel();
    script.steps = Some(steps);
    let engine = start(script, 1);
    let (texts, usage) = read(engine.submit(vec![0; 250], greedy()).unwrap());
    assert_eq!((texts.concat(), usage.unwrap().finish), ("b".repeat(6), Finish::Length));
    drop(engine);
    let steps: Vec<usize> = seen.iter().collect();
    // The prompt comes in chunks; the sixth token is the 256th and is never read again.
    assert_eq!(steps, [CHUNK, CHUNK, CHUNK, 250 - 3 * CHUNK, 1, 1, 1, 1, 1]);
}

#[test]
fn a_prompt_that_leaves_no_room_is_refused_at_once() {
    let engine = start(Script::new(&[&[]]), 1);
    assert!(matches!(
        engine.submit(vec![0; 256], greedy()),
        Err(InferenceError::PromptTooLong { tokens: 256, context: 256 })
    ));
    assert!(engine.submit(vec![0; 255], greedy()).is_ok());
    assert!(matches!(start(Script::new(&[&[]]), 1).submit(vec![], greedy()), Err(InferenceError::Engine(_))));
}

#[test]
fn the_first_space_of_a_sentence_piece_answer_is_not_shown() {
    let engine = Engine::start(Box::new(Script::new(&[&[A, A]])), vocabulary(true), 256, 1).unwrap();
    assert_eq!(read(engine.submit(vec![0], greedy()).unwrap()).0, ["a", " a"]);
}

/// An engine whose steps are reported and gated.
fn gated(script: Script, queue: usize) -> (Engine, Receiver<usize>, Sender<()>) {
    let (steps, seen) = channel();
    let (open, gate) = channel();
    let script = Script { steps: Some(steps), gate: Some(Arc::new(Mutex::new(gate))), ..script };
    (start(script, queue), seen, open)
}

#[test]
fn a_full_queue_is_busy_and_the_others_are_answered_in_order() {
    let (engine, seen, open) = gated(Script::new(&[&[A], &[B], &[HASH]]), 2);
    let first = engine.submit(vec![0], greedy()).unwrap();
    // The first is being answered: the queue is empty behind it.
    seen.recv().unwrap();
    let second = engine.submit(vec![1], greedy()).unwrap();
    let third = engine.submit(vec![2], greedy()).unwrap();
    assert!(matches!(engine.submit(vec![0], greedy()), Err(InferenceError::Busy)));
    drop(open);
    assert_eq!([first, second, third].map(|generation| read(generation).0.concat()), [" a", "b", "#"]);
    assert!(engine.submit(vec![0], greedy()).is_ok());
}

#[test]
fn dropping_an_answer_stops_its_decoding() {
    let (engine, seen, open) = gated(Script::new(&[&[B; 200], &[A]]), 1);
    let mut generation = engine.submit(vec![0], greedy()).unwrap();
    open.send(()).unwrap();
    assert!(matches!(generation.blocking_next(), Some(Ok(Piece::Text(text))) if text == "b"));
    drop(generation);
    drop(open);
    assert_eq!(read(engine.submit(vec![1], greedy()).unwrap()).0, [" a"]);
    drop(engine);
    // The prompt, at most one step that had begun, then the other prompt and its one token.
    assert!(seen.iter().count() <= 4);
}

#[test]
fn dropping_an_answer_stops_the_reading_of_its_prompt() {
    let mut script = Script::new(&[&[B], &[A]]);
    script.prompt = 3 * CHUNK;
    let (engine, seen, open) = gated(script, 1);
    let generation = engine.submit(vec![0; 3 * CHUNK], greedy()).unwrap();
    seen.recv().unwrap();
    drop(generation);
    drop(open);
    let mut prompt = vec![0; 3 * CHUNK];
    prompt[0] = 1;
    assert_eq!(read(engine.submit(prompt, greedy()).unwrap()).0, [" a"]);
    drop(engine);
    assert_eq!(seen.iter().collect::<Vec<_>>(), [CHUNK, CHUNK, CHUNK, 1]);
}

#[test]
fn an_answer_dropped_while_it_waits_is_never_begun() {
    let (engine, seen, open) = gated(Script::new(&[&[A], &[B]]), 1);
    let first = engine.submit(vec![0], greedy()).unwrap();
    seen.recv().unwrap();
    drop(engine.submit(vec![1], greedy()).unwrap());
    drop(open);
    assert_eq!(read(first).0, [" a"]);
    drop(engine);
    assert_eq!(seen.iter().count(), 1);
}

#[test]
fn a_panic_or_a_failure_costs_its_answer_and_not_the_engine() {
    let engine = start(Script::new(&[&[B, PANIC], &[B, FAIL], &[NAN], &[A]]), 4);
    for (prompt, written, reason) in [(0, "b", "panicked"), (1, "b", "a failure asked for"), (2, "", "no usable")] {
        let (texts, ended) = read(engine.submit(vec![prompt], greedy()).unwrap());
        assert_eq!(texts.concat(), written);
        assert!(matches!(ended, Err(InferenceError::Engine(error)) if error.contains(reason)), "{reason}");
        assert!(engine.health().is_err());
    }
    assert_eq!(read(engine.submit(vec![3], greedy()).unwrap()).0, [" a"]);
    assert!(engine.health().is_ok());
}

#[test]
fn a_dead_thread_is_told() {
    let (jobs, waiting) = std::sync::mpsc::sync_channel(1);
    drop(waiting);
    let (ended, end) = channel::<()>();
    let thread = std::thread::spawn(move || drop(ended));
    assert!(end.recv().is_err());
    while !thread.is_finished() {
        std::thread::yield_now();
    }
    let engine = Engine { jobs, thread, context: 8, panicked: Arc::default() };
    assert!(matches!(engine.health(), Err(InferenceError::Engine(_))));
    assert!(matches!(engine.submit(vec![1], greedy()), Err(InferenceError::Engine(_))));
}
