use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jiff::SignedDuration;

use super::{
    AdapterId, Answer, Answering, EncodedPrompt, Engine, Job, Masks, OpenRequests, Output, Pooling, Prompt, Reasoning,
    StallTimeout, Task,
};
use crate::inference::local::fakes::Cells;
use crate::inference::local::forward::{BLOCK, BatchLimits, Forward, SequenceSlice, StepOutput};
use crate::inference::local::open_requests::MAX_INVALIDATIONS;
use crate::inference::local::supervisor::{Liveness, Supervised, supervise};
use crate::inference::local::vocabulary::{Spelling, TokenType, Vocabulary};
use crate::inference::{CacheScope, Config, Finish, Generation, Health, InferenceError, Piece, Sampling, Usage};

/// Ids of the test vocabulary: an end, the four bytes of an emoji, then words.
const END: u32 = 0;
const EMOJI: [u32; 4] = [1, 2, 3, 4];
const A: u32 = 5;
const B: u32 = 6;
const HASH: u32 = 7;
const THINK: u32 = 8;
const THOUGHT: u32 = 9;
const PANIC: u32 = 100;
const FAIL: u32 = 101;
const NAN: u32 = 102;

/// Tokens of a step that only prefills.
const CHUNK: usize = 120;

/// Values in a hidden state.
const WIDTH: usize = 3;

fn vocabulary(space_prefix: bool) -> Arc<Vocabulary> {
    let tokens = ["</s>", "<0xF0>", "<0x9F>", "<0x91>", "<0x8D>", "▁a", "b", "#", "<think>", "</think>"]
        .map(str::to_owned)
        .to_vec();
    let mut kinds = vec![TokenType::Control, TokenType::Byte, TokenType::Byte, TokenType::Byte, TokenType::Byte];
    kinds.extend([TokenType::Text, TokenType::Text, TokenType::Text, TokenType::Added, TokenType::Control]);
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
    gate: Option<Receiver<()>>,
    /// Told the blocks that are overwritten.
    erased: Option<Sender<Vec<u32>>>,
    cells: Cells,
}

impl Script {
    fn new(answers: &[&[u32]]) -> Self {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        Self { answers, prompt: 1, steps: None, gate: None, erased: None, cells: Cells::new(64) }
    }

    fn next(&mut self, slice: &SequenceSlice<'_>) -> Result<[f32; 10], String> {
        let tokens = self.cells.compute(slice).tokens;
        let at = tokens.len().saturating_sub(self.prompt);
        match self.answers[tokens[0] as usize].get(at).copied().unwrap_or(END) {
            PANIC => panic!("a panic asked for by the test"),
            FAIL => Err("a failure asked for by the test".to_owned()),
            NAN => Ok([f32::NAN; 10]),
            next => Ok(std::array::from_fn(|id| if id as u32 == next { 1.0 } else { 0.0 })),
        }
    }
}

/// What the script has for the hidden state of a token.
fn hidden(token: u32) -> [f32; WIDTH] {
    if token == NAN { [f32::NAN; WIDTH] } else { [token as f32, 1.0, 0.0] }
}

impl Forward for Script {
    fn vocabulary(&self) -> usize {
        10
    }

    fn hidden(&self) -> Option<usize> {
        Some(WIDTH)
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits {
            context: 256,
            blocks: self.cells.blocks(),
            sequences: 60,
            paged: true,
            decode_step: 60,
            prefill_step: CHUNK,
        }
    }

    fn step(&mut self, slices: &[SequenceSlice<'_>], out: &mut StepOutput) -> Result<(), String> {
        if let Some(steps) = &self.steps {
            let _ = steps.send(slices.iter().map(|slice| slice.tokens.len()).sum());
        }
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        out.clear();
        for slice in slices {
            if slice.output == Some(Output::Hidden) {
                self.cells.compute(slice);
                out.hidden.extend(slice.tokens.iter().flat_map(|token| hidden(*token)));
                continue;
            }
            let next = self.next(slice)?;
            if slice.output.is_some() {
                out.logits.extend(next);
            }
        }
        Ok(())
    }

    fn erase(&mut self, blocks: &[u32]) {
        self.cells.erase(blocks);
        if let Some(erased) = &self.erased {
            let _ = erased.send(blocks.to_vec());
        }
    }

    fn erase_all(&mut self) {
        self.cells = Cells::new(self.cells.blocks());
    }
}

fn start(script: Script, queue: usize) -> Engine {
    with(script, &Config { queue, ..Config::default() })
}

fn with(script: Script, config: &Config) -> Engine {
    Engine::start(Box::new(script), vocabulary(false), config, Answering::default()).unwrap()
}

fn submit(engine: &Engine, tokens: Vec<u32>, sampling: &Sampling) -> Result<Generation, InferenceError> {
    engine.generate(EncodedPrompt { tokens, ..EncodedPrompt::default() }, sampling)
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
fn recite(answer: &[u32], sampling: &Sampling) -> (String, Finish, usize) {
    let engine = start(Script::new(&[answer]), 1);
    let (texts, usage) = read(submit(&engine, vec![0], sampling).unwrap());
    let usage = usage.unwrap();
    assert_eq!(usage.prompt_tokens, 1);
    (texts.join("|"), usage.finish, usage.completion_tokens)
}

#[test]
fn an_answer_streams_and_ends_at_its_end_token() {
    assert_eq!(recite(&[B, A, B], &greedy()), ("b| a|b".to_owned(), Finish::Stop, 3));
    assert_eq!(recite(&[], &greedy()), (String::new(), Finish::Stop, 0));
}

#[test]
fn an_emoji_over_four_tokens_comes_as_one_piece() {
    let [a, b, c, d] = EMOJI;
    assert_eq!(recite(&[B, a, b, c, d, B], &greedy()), ("b|👍|b".to_owned(), Finish::Stop, 6));
    let cut = Sampling { max_tokens: 3, ..greedy() };
    assert_eq!(recite(&[B, a, b, c, d], &cut), ("b|\u{FFFD}".to_owned(), Finish::Length, 3));
}

#[test]
fn a_stop_text_ends_the_answer_and_is_never_seen() {
    let stops = Sampling { stop: vec!["##b".to_owned()], ..greedy() };
    assert_eq!(recite(&[B, HASH, HASH, B, A, A], &stops), ("b".to_owned(), Finish::Stop, 4));
    assert_eq!(recite(&[B, HASH, HASH, A], &stops), ("b|## a".to_owned(), Finish::Stop, 4));
    assert_eq!(recite(&[B, HASH], &stops), ("b|#".to_owned(), Finish::Stop, 2));
}

#[test]
fn an_answer_has_no_more_tokens_than_allowed() {
    let two = Sampling { max_tokens: 2, ..greedy() };
    assert_eq!(recite(&[B, B, B], &two), ("b|b".to_owned(), Finish::Length, 2));
}

#[test]
fn prompt_and_answer_fit_the_context_exactly() {
    let mut script = Script::new(&[&[B; 500]]);
    script.prompt = 250;
    let (steps, seen) = channel();
    script.steps = Some(steps);
    let engine = start(script, 1);
    let (texts, usage) = read(submit(&engine, vec![0; 250], &greedy()).unwrap());
    assert_eq!((texts.concat(), usage.unwrap().finish), ("b".repeat(6), Finish::Length));
    drop(engine);
    let steps: Vec<usize> = seen.iter().collect();
    // The prompt comes in chunks; the sixth token is the 256th and is never read again.
    let expected = (0..250).step_by(CHUNK).map(|start| CHUNK.min(250 - start)).chain([1; 5]);
    assert_eq!(steps, expected.collect::<Vec<_>>());
}

#[test]
fn a_prompt_that_leaves_no_room_is_refused_at_once() {
    let engine = start(Script::new(&[&[]]), 1);
    assert!(matches!(
        submit(&engine, vec![0; 256], &greedy()),
        Err(InferenceError::PromptTooLong { tokens: 256, context: 256 })
    ));
    assert!(submit(&engine, vec![0; 255], &greedy()).is_ok());
    assert!(matches!(submit(&engine, vec![], &greedy()), Err(InferenceError::Engine(_))));
}

#[test]
fn the_first_space_of_a_sentence_piece_answer_is_not_shown() {
    let engine =
        Engine::start(Box::new(Script::new(&[&[A, A]])), vocabulary(true), &Config::default(), Answering::default())
            .unwrap();
    assert_eq!(read(submit(&engine, vec![0], &greedy()).unwrap()).0, ["a", " a"]);
}

/// An engine whose steps are reported and gated.
fn gated(script: Script, queue: usize) -> (Engine, Receiver<usize>, Sender<()>) {
    let (steps, seen) = channel();
    let (open, gate) = channel();
    let script = Script { steps: Some(steps), gate: Some(gate), ..script };
    (start(script, queue), seen, open)
}

#[test]
fn a_full_queue_is_busy_and_the_others_are_answered_in_order() {
    let (engine, seen, open) = gated(Script::new(&[&[A], &[B], &[HASH]]), 2);
    let first = submit(&engine, vec![0], &greedy()).unwrap();
    // The first is being answered: the queue is empty behind it.
    seen.recv().unwrap();
    let second = submit(&engine, vec![1], &greedy()).unwrap();
    let third = submit(&engine, vec![2], &greedy()).unwrap();
    assert!(matches!(submit(&engine, vec![0], &greedy()), Err(InferenceError::Busy)));
    drop(open);
    assert_eq!([first, second, third].map(|generation| read(generation).0.concat()), [" a", "b", "#"]);
    assert!(submit(&engine, vec![0], &greedy()).is_ok());
}

#[test]
fn dropping_an_answer_stops_its_decoding() {
    let (engine, seen, open) = gated(Script::new(&[&[B; 200], &[A]]), 1);
    let mut generation = submit(&engine, vec![0], &greedy()).unwrap();
    open.send(()).unwrap();
    assert!(matches!(generation.blocking_next(), Some(Ok(Piece::Text(text))) if text == "b"));
    drop(generation);
    drop(open);
    assert_eq!(read(submit(&engine, vec![1], &greedy()).unwrap()).0, [" a"]);
    drop(engine);
    // The prompt, at most one step that had begun, then the other prompt and its one token.
    assert!(seen.iter().count() <= 4);
}

#[test]
fn dropping_an_answer_stops_the_reading_of_its_prompt() {
    let mut script = Script::new(&[&[B], &[A]]);
    script.prompt = 2 * CHUNK;
    let (engine, seen, open) = gated(script, 1);
    let generation = submit(&engine, vec![0; 2 * CHUNK], &greedy()).unwrap();
    seen.recv().unwrap();
    drop(generation);
    drop(open);
    let mut prompt = vec![0; 2 * CHUNK];
    prompt[0] = 1;
    assert_eq!(read(submit(&engine, prompt, &greedy()).unwrap()).0, [" a"]);
    drop(engine);
    assert_eq!(seen.iter().collect::<Vec<_>>(), [CHUNK, CHUNK, 1]);
}

#[test]
fn an_answer_dropped_while_it_waits_is_never_begun() {
    let (engine, seen, open) = gated(Script::new(&[&[A], &[B]]), 1);
    let first = submit(&engine, vec![0], &greedy()).unwrap();
    seen.recv().unwrap();
    drop(submit(&engine, vec![1], &greedy()).unwrap());
    drop(open);
    assert_eq!(read(first).0, [" a"]);
    drop(engine);
    assert_eq!(seen.iter().count(), 1);
}

#[test]
fn a_panic_or_a_failure_costs_its_answer_and_not_the_engine() {
    let engine = start(Script::new(&[&[B, PANIC], &[B, FAIL], &[NAN], &[A]]), 4);
    for (prompt, written, reason) in [(0, "b", "panicked"), (1, "b", "a failure asked for"), (2, "", "no finite")] {
        let (texts, ended) = read(submit(&engine, vec![prompt], &greedy()).unwrap());
        assert_eq!(texts.concat(), written);
        assert!(matches!(ended, Err(InferenceError::Engine(error)) if error.contains(reason)), "{reason}");
        assert!(matches!(engine.health(), Health::Degraded(_)));
    }
    assert_eq!(read(submit(&engine, vec![3], &greedy()).unwrap()).0, [" a"]);
    assert_eq!(engine.health(), Health::Ok);
}

/// Work of which there is none left.
struct Nothing;

impl Supervised for Nothing {
    fn run(&mut self) {}

    fn recover(&mut self) {}
}

#[test]
fn an_engine_that_has_ended_is_dead() {
    let (jobs, waiting) = std::sync::mpsc::sync_channel(1);
    drop(waiting);
    let liveness = Arc::new(Liveness::default());
    supervise(&mut Nothing, &liveness);
    let engine = Engine {
        measures_energy: Arc::default(),
        jobs,
        queue: 1,
        requests: Arc::new(OpenRequests::default()),
        liveness,
        stall_timeout: StallTimeout::new(Duration::from_mins(1)),
        context: 8,
        hidden: None,
        cost: super::Cost::default(),
        masks: Arc::new(Masks::new(vocabulary(false))),
        vocabulary: vocabulary(false),
        failed: Arc::default(),
    };
    assert!(matches!(engine.health(), Health::Dead(_)));
    assert!(matches!(submit(&engine, vec![1], &greedy()), Err(InferenceError::Engine(_))));
}

#[test]
fn a_dead_engine_fails_what_it_was_writing_and_is_begun_anew() {
    let (engine, seen, open) = gated(Script::new(&[&[B, B, B, B], &[A]]), 4);
    let written = submit(&engine, vec![0], &greedy()).unwrap();
    seen.recv().unwrap();
    // No prompt that is submitted asks for so much: the scheduler's own arithmetic panics.
    let (answer, _reader) = Answer::new(&greedy(), 1, false, None, &engine.vocabulary);
    let deadly = Prompt {
        tokens: vec![1],
        shared_prefix_len: 0,
        cache_key: 0,
        adapter: AdapterId::BASE,
        output: Output::Logits,
        max_new_tokens: usize::MAX,
    };
    engine.requests.lock().queued += 1;
    let task = Task::Generate(Box::new(answer));
    assert!(engine.jobs.try_send(Job::Run(Box::new((u64::MAX, deadly, task)))).is_ok());
    let waits = submit(&engine, vec![1], &greedy()).unwrap();
    drop(open);
    assert!(matches!(read(written).1, Err(InferenceError::Engine(reason)) if reason.contains("died")));
    assert_eq!(read(waits).0, [" a"]);
    assert_eq!(engine.health(), Health::Ok);
}

#[test]
fn thoughts_are_counted_and_not_shown() {
    assert_eq!(recite(&[THINK, B, THOUGHT, A], &greedy()), ("a".to_owned(), Finish::Stop, 4));
    assert_eq!(recite(&[THINK, B, B], &greedy()), (String::new(), Finish::Stop, 3));
    // A stop text in a thought stops nothing.
    let stops = Sampling { stop: vec!["b".to_owned()], ..greedy() };
    assert_eq!(recite(&[THINK, B, THOUGHT, HASH, B, A], &stops), ("#".to_owned(), Finish::Stop, 5));
    let engine = start(Script::new(&[&[B, THOUGHT, A]]), 1);
    let opened = EncodedPrompt { tokens: vec![0], reasoning: Reasoning::Open, ..EncodedPrompt::default() };
    assert_eq!(read(engine.generate(opened, &greedy()).unwrap()).0, ["a"]);
}

#[test]
fn answers_are_written_together() {
    let (engine, seen, open) = gated(Script::new(&[&[A; 9], &[B; 9], &[HASH; 9]]), 8);
    let first = submit(&engine, vec![0], &greedy()).unwrap();
    seen.recv().unwrap();
    let others = [1, 2].map(|prompt| submit(&engine, vec![prompt], &greedy()).unwrap());
    drop(open);
    assert_eq!(read(first).0.concat(), " a".repeat(9));
    assert_eq!(others.map(|answer| read(answer).0.concat()), ["b".repeat(9), "#".repeat(9)]);
    drop(engine);
    assert_eq!(seen.iter().collect::<Vec<_>>(), [3, 3, 3, 3, 3, 3, 3, 3, 3, 2]);
}

#[test]
fn what_the_steps_take_is_counted_for_the_answers() {
    let engine = start(Script::new(&[&[A, B, A], &[A]]), 4);
    let spent = |first: u32| {
        let (_, ended) = read(submit(&engine, vec![first], &greedy()).unwrap());
        ended.unwrap().energy
    };
    for energy in [spent(0), spent(1)] {
        assert!(energy.estimated > 0 && energy.measured == 0, "{energy:?}");
    }
}

#[test]
fn no_more_are_answered_together_than_configured() {
    let (steps, seen) = channel();
    let script = Script { steps: Some(steps), ..Script::new(&[&[B; 3]]) };
    let engine = with(script, &Config { sequences: 2, ..Config::default() });
    let answers: Vec<_> = (0..5).map(|_| submit(&engine, vec![0], &greedy()).unwrap()).collect();
    drop(engine);
    // Dropped, it answers what is queued.
    for answer in answers {
        assert_eq!(read(answer).0.concat(), "bbb");
    }
    assert!(seen.iter().all(|rows| rows <= 2));
}

#[test]
fn a_panic_costs_those_who_run_and_not_those_who_wait() {
    let (steps, seen) = channel();
    let (open, gate) = channel();
    let script = Script { steps: Some(steps), gate: Some(gate), ..Script::new(&[&[B, PANIC], &[B; 5], &[A]]) };
    let engine = with(script, &Config { sequences: 2, ..Config::default() });
    let [one, two, three] = [0, 1, 2].map(|prompt| submit(&engine, vec![prompt], &greedy()).unwrap());
    seen.recv().unwrap();
    drop(open);
    assert!(read(one).1.is_err());
    // The second is among them, unless it came after the step.
    let _ = read(two);
    assert_eq!(read(three).0, [" a"]);
    assert_eq!(engine.health(), Health::Ok);
}

#[test]
fn an_answer_that_takes_too_long_ends_where_it_is() {
    let (steps, seen) = channel();
    let (open, gate) = channel();
    let script = Script { steps: Some(steps), gate: Some(gate), ..Script::new(&[&[B; 200]]) };
    let engine = with(script, &Config { time_limit: SignedDuration::from_millis(20), ..Config::default() });
    let answer = submit(&engine, vec![0], &greedy()).unwrap();
    seen.recv().unwrap();
    std::thread::sleep(Duration::from_millis(30));
    open.send(()).unwrap();
    let (texts, usage) = read(answer);
    let usage = usage.unwrap();
    assert_eq!((texts.concat().as_str(), usage.finish, usage.completion_tokens), ("b", Finish::Length, 1));
    assert!(usage.prefill.as_millis() >= 30);
}

#[test]
fn a_conversation_finds_its_past_and_no_other_does() {
    let mut script = Script::new(&[&[B; 40]]);
    script.prompt = 40;
    let engine = start(script, 1);
    let cached = |cache_key, shared_prefix_len| {
        let prompt = EncodedPrompt { tokens: vec![0; 40], shared_prefix_len, cache_key, ..EncodedPrompt::default() };
        read(engine.generate(prompt, &greedy()).unwrap()).1.unwrap().cached_tokens
    };
    assert_eq!([cached(1, BLOCK), cached(1, BLOCK)], [0, 2 * BLOCK]);
    assert_eq!([cached(2, BLOCK), cached(2, 0), cached(0, 0), cached(0, 0)], [BLOCK, 0, 0, 0]);
}

#[test]
fn a_conversation_is_matched_until_it_is_invalidated_even_while_it_is_answered() {
    let mut script = Script::new(&[&[B]]);
    script.prompt = 2 * BLOCK + 1;
    let (gate, open) = channel();
    script.gate = Some(open);
    let (steps, begun) = channel();
    script.steps = Some(steps);
    let engine = start(script, 4);
    let ask = |cache_key| {
        engine
            .generate(
                EncodedPrompt { tokens: vec![0; 2 * BLOCK + 1], cache_key, ..EncodedPrompt::default() },
                &greedy(),
            )
            .unwrap()
    };
    let cached = |generation| {
        for _ in 0..4 {
            let _ = gate.send(());
        }
        read(generation).1.unwrap().cached_tokens
    };
    assert_eq!(cached(ask(7)), 0);
    assert_eq!(cached(ask(7)), 2 * BLOCK);
    assert_eq!(cached(ask(8)), 0, "another conversation");
    engine.invalidate(CacheScope::Conversation(7));
    assert_eq!(cached(ask(7)), 0);
    assert_eq!(cached(ask(8)), 2 * BLOCK, "the other one is kept");
    // Invalidated before it has ended: what it leaves is removed with it.
    while begun.try_recv().is_ok() {}
    let running = ask(7);
    begun.recv().unwrap();
    engine.invalidate(CacheScope::Conversation(7));
    assert_eq!(cached(running), 2 * BLOCK);
    assert_eq!(cached(ask(7)), 0);
}

/// Prompts of two whole blocks and a token; the first token says which answer.
fn long(cache_key: u64, answer: u32) -> EncodedPrompt {
    EncodedPrompt { tokens: vec![answer; 2 * BLOCK + 1], cache_key, ..EncodedPrompt::default() }
}

fn cached(engine: &Engine, cache_key: u64, answer: u32) -> usize {
    read(engine.generate(long(cache_key, answer), &greedy()).unwrap()).1.unwrap().cached_tokens
}

#[test]
fn a_prompt_that_waits_in_the_queue_is_invalidated_too() {
    let mut script = Script::new(&[&[B], &[A]]);
    script.prompt = 2 * BLOCK + 1;
    let (engine, seen, open) = gated(script, 4);
    let running = engine.generate(long(8, 0), &greedy()).unwrap();
    seen.recv().unwrap();
    // Handed over before, and taken out of the queue after.
    let waits = engine.generate(long(7, 1), &greedy()).unwrap();
    engine.invalidate(CacheScope::Conversation(7));
    let later = engine.generate(long(9, 1), &greedy()).unwrap();
    drop(open);
    for generation in [running, waits, later] {
        assert_eq!(read(generation).1.unwrap().cached_tokens, 0);
    }
    assert_eq!([(8, 0), (9, 1)].map(|(key, answer)| cached(&engine, key, answer)), [2 * BLOCK; 2]);
    assert_eq!(cached(&engine, 7, 1), 0);
}

#[test]
fn what_has_ended_or_is_invalidated_is_overwritten() {
    let mut script = Script::new(&[&[B]]);
    script.prompt = 2 * BLOCK + 1;
    let (erased, seen) = channel();
    script.erased = Some(erased);
    let engine = start(script, 1);
    // Of what is kept, the block that is not full.
    assert_eq!(cached(&engine, 7, 0), 0);
    assert_eq!(seen.recv().unwrap().len(), 1);
    engine.invalidate(CacheScope::Room(0));
    assert_eq!(seen.recv().unwrap().len(), 2);
    // Of what is nobody's, all.
    assert_eq!(cached(&engine, 0, 0), 0);
    assert_eq!(seen.recv().unwrap().len(), 3);
}

#[test]
fn invalidations_take_no_place_of_a_request_and_are_bounded() {
    let (engine, seen, open) = gated(Script::new(&[&[A], &[B]]), 1);
    let running = submit(&engine, vec![0], &greedy()).unwrap();
    seen.recv().unwrap();
    for key in 0..3 * MAX_INVALIDATIONS as u64 {
        engine.invalidate(CacheScope::Conversation(key));
        assert!(engine.requests.lock().invalidations.len() <= MAX_INVALIDATIONS + 1);
    }
    assert!(
        engine.requests.lock().invalidations.contains_key(&CacheScope::Conversations),
        "beyond the limit, all conversations"
    );
    let waits = submit(&engine, vec![1], &greedy()).unwrap();
    engine.invalidate(CacheScope::All);
    assert!(matches!(submit(&engine, vec![0], &greedy()), Err(InferenceError::Busy)));
    drop(open);
    assert_eq!([running, waits].map(|generation| read(generation).0.concat()), [" a", "b"]);
}

#[test]
fn useless_logits_cost_their_own_conversation_only() {
    let mut script = Script::new(&[&[B], &[NAN]]);
    script.prompt = 2 * BLOCK + 1;
    let engine = start(script, 1);
    assert_eq!(cached(&engine, 7, 0), 0);
    for _ in 0..2 {
        let (texts, ended) = read(engine.generate(long(8, 1), &greedy()).unwrap());
        assert!(texts.is_empty() && ended.is_err());
        assert_eq!(cached(&engine, 7, 0), 2 * BLOCK);
    }
}

#[test]
fn a_step_that_does_not_end_fails_every_question_and_the_engine() {
    let (steps, seen) = channel();
    let (open, gate) = channel();
    let script = Script { steps: Some(steps), gate: Some(gate), ..Script::new(&[&[A], &[B]]) };
    let (config, timeout) = (Config::default(), StallTimeout::new(Duration::from_millis(300)));
    let engine =
        Engine::start_with(Box::new(script), vocabulary(false), &config, timeout, Answering::default()).unwrap();
    let running = submit(&engine, vec![0], &greedy()).unwrap();
    seen.recv().unwrap();
    let waits = submit(&engine, vec![1], &greedy());
    for generation in [Ok(running), waits].into_iter().flatten() {
        assert!(matches!(read(generation).1, Err(InferenceError::Engine(reason)) if reason.contains("did not end")));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(engine.dead()).contains("did not end"));
    assert!(matches!(engine.health(), Health::Dead(_)));
    assert!(matches!(submit(&engine, vec![1], &greedy()), Err(InferenceError::Engine(_))));
    // Should the step end after all, its thread ends too, and answers nobody.
    drop(open);
    assert!(seen.recv().is_err(), "no further step");
}

fn vector(mut vector: super::Vector) -> Result<Vec<f32>, InferenceError> {
    vector.blocking_recv().expect("an embedding ends with a vector or an error")
}

#[test]
fn a_text_is_embedded_by_the_mean_or_the_last_of_its_hidden_states() {
    let engine = start(Script::new(&[&[B; 9]]), 8);
    let embed = |tokens: &[u32], pooling| vector(engine.embed(tokens.to_vec(), pooling).unwrap()).unwrap();
    let close = |found: Vec<f32>, expected: [f32; WIDTH]| {
        let length = expected.iter().map(|value| value * value).sum::<f32>().sqrt();
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b / length).abs() < 1e-6), "{found:?} {expected:?}");
    };
    close(embed(&[1, 2, 6], Pooling::Mean), [3.0, 1.0, 0.0]);
    close(embed(&[1, 2, 6], Pooling::Last), [6.0, 1.0, 0.0]);
    // Over more than one step, and beside an answer.
    let answer = submit(&engine, vec![0], &greedy()).unwrap();
    close(embed(&[[1; 128], [3; 128]].concat(), Pooling::Mean), [2.0, 1.0, 0.0]);
    assert_eq!(read(answer).0.concat(), "b".repeat(9));
    assert!(matches!(engine.embed(vec![1; 257], Pooling::Mean), Err(InferenceError::PromptTooLong { .. })));
    assert!(matches!(engine.embed(vec![], Pooling::Mean), Err(InferenceError::Engine(_))));
}

#[test]
fn a_text_without_a_direction_is_an_error_and_costs_no_other() {
    let engine = start(Script::new(&[&[A]]), 8);
    let broken = vector(engine.embed(vec![1, NAN], Pooling::Mean).unwrap());
    assert!(matches!(broken, Err(InferenceError::Engine(reason)) if reason.contains("finite")));
    assert!(vector(engine.embed(vec![1], Pooling::Mean).unwrap()).is_ok());
    assert_eq!(read(submit(&engine, vec![0], &greedy()).unwrap()).0, [" a"]);
    assert_eq!(engine.health(), Health::Ok);
}

#[test]
fn encoders_see_whether_there_are_requests() {
    let (steps, seen) = channel();
    let (open, gate) = channel();
    let script = Script { steps: Some(steps), gate: Some(gate), ..Script::new(&[&[A]]) };
    let answering = Answering::default();
    let engine = Engine::start(Box::new(script), vocabulary(false), &Config::default(), answering.clone()).unwrap();
    assert!(!answering.get());
    let running = submit(&engine, vec![0], &greedy()).unwrap();
    seen.recv().unwrap();
    assert!(answering.get());
    drop(open);
    assert!(read(running).1.is_ok());
    // The thread says so before it waits for the next request.
    let end = std::time::Instant::now() + Duration::from_mins(1);
    while answering.get() {
        assert!(std::time::Instant::now() < end, "the engine is still said to answer");
        std::thread::yield_now();
    }
}
