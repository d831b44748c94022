//! The scheduler over a memory in which a wrong block shows: each answer must be the one its prompt gets alone.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Prompt, PromptUsage, Scheduler};
use crate::inference::CacheScope;
use crate::inference::local::fakes::{Cells, alone};
use crate::inference::local::forward::{AdapterId, BLOCK, BatchLimits, Output};

const DECODE_STEP: usize = 60;
const PREFILL_STEP: usize = 120;

/// The most sequences: a quarter of a decode step is left for prefilling.
const MAX_SEQUENCES: usize = 45;

fn limits(blocks: usize) -> BatchLimits {
    BatchLimits {
        context: blocks * BLOCK,
        blocks,
        sequences: 100,
        paged: true,
        decode_step: DECODE_STEP,
        prefill_step: PREFILL_STEP,
    }
}

struct Run {
    scheduler: Scheduler,
    cells: Cells,
    prompts: BTreeMap<u64, Prompt>,
    generated: BTreeMap<u64, Vec<u32>>,
    ended: BTreeMap<u64, PromptUsage>,
    /// The rows of all steps.
    rows: usize,
}

impl Run {
    fn new(blocks: usize, sequences: usize) -> Self {
        let scheduler = Scheduler::new(limits(blocks), sequences);
        let (prompts, generated, ended) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { scheduler, cells: Cells::new(blocks), prompts, generated, ended, rows: 0 }
    }

    fn add(&mut self, prompt: Prompt) -> u64 {
        let id = self.prompts.len() as u64;
        assert!(self.scheduler.add(id, prompt.clone()));
        self.prompts.insert(id, prompt);
        self.generated.insert(id, Vec::new());
        id
    }

    fn cancel(&mut self, id: u64) {
        if !self.ended.contains_key(&id) {
            self.scheduler.end(id);
            self.generated.remove(&id);
            self.audit();
        }
    }

    /// One step; returns its rows.
    fn step(&mut self) -> usize {
        self.scheduler.admit();
        // Whoever still needs one of them finds a cell that was never computed.
        self.cells.erase(&self.scheduler.take_dirty());
        let planned = self.scheduler.plan();
        assert!(planned || self.scheduler.is_idle());
        let slices = self.scheduler.slices();
        let rows = slices.iter().map(|slice| slice.tokens.len()).sum();
        let decodes = slices.iter().any(|slice| slice.tokens.len() == 1);
        assert!(rows <= if decodes { DECODE_STEP } else { PREFILL_STEP });
        let seen: Vec<u64> = slices
            .iter()
            .map(|slice| (slice.output.is_some(), self.cells.compute(slice).hash))
            .filter_map(|(logits, hash)| logits.then_some(hash))
            .collect();
        let ready = self.scheduler.commit();
        assert_eq!(ready.len(), seen.len());
        for (computed, hash) in ready.into_iter().zip(seen) {
            assert!(computed.finished && computed.output == Output::Logits);
            let id = computed.id;
            let generated = self.generated.get_mut(&id).expect("nobody who was cancelled");
            generated.push(next(hash));
            if generated.len() < self.prompts[&id].max_new_tokens {
                self.scheduler.append(id, next(hash));
            } else {
                self.ended.insert(id, self.scheduler.end(id).expect("it ran"));
            }
        }
        self.audit();
        self.rows += rows;
        rows
    }

    fn finish(&mut self) {
        while !self.scheduler.is_idle() {
            assert!(self.step() > 0, "a step that computes nothing");
        }
        for (id, generated) in &self.generated {
            assert_eq!(generated, &answer(&self.prompts[id]), "{id}");
        }
        let cache = &mut self.scheduler.cache;
        assert_eq!(cache.available(), cache.blocks());
    }

    fn audit(&self) {
        let running = &self.scheduler.running;
        let tables: Vec<(&[u32], usize)> =
            running.iter().map(|sequence| (&sequence.block_table[..], sequence.published)).collect();
        self.scheduler.cache.audit(&tables);
        let promised: usize = running.iter().map(super::Sequence::outstanding_blocks).sum();
        assert!(promised <= self.scheduler.cache.available());
        // A block in two tables is shared, or belongs to one conversation; and both were computed with one adapter.
        for (one, other) in running.iter().flat_map(|one| running.iter().map(move |other| (one, other))) {
            let same = one.cache_key == other.cache_key && (one.cache_key != 0 || one.id == other.id);
            for (at, (a, _)) in one.block_table.iter().zip(&other.block_table).enumerate().filter(|(_, (a, b))| a == b)
            {
                assert_eq!(one.adapter, other.adapter, "block {a}");
                assert!(
                    same || at < one.shared_blocks.min(other.shared_blocks),
                    "block {a} is seen by {} and {}",
                    one.id,
                    other.id
                );
            }
        }
    }
}

fn next(hash: u64) -> u32 {
    (hash % 3) as u32
}

/// What a prompt is answered when nothing else runs.
fn answer(prompt: &Prompt) -> Vec<u32> {
    let mut tokens = prompt.tokens.clone();
    for _ in 0..prompt.max_new_tokens {
        tokens.push(next(alone(prompt.adapter, &tokens)));
    }
    tokens.split_off(prompt.tokens.len())
}

fn prompt(tokens: Vec<u32>, max_new_tokens: usize) -> Prompt {
    cached(tokens, 0, 0, max_new_tokens)
}

/// A prompt of which something can be matched by others.
fn cached(tokens: Vec<u32>, shared_prefix_len: usize, cache_key: u64, max_new_tokens: usize) -> Prompt {
    let (adapter, output) = (AdapterId::BASE, Output::Logits);
    Prompt { tokens, shared_prefix_len, cache_key, adapter, output, max_new_tokens }
}

#[test]
fn a_short_question_does_not_wait_for_a_long_document() {
    let mut run = Run::new(400, 16);
    let long = run.add(prompt(vec![1; 4000], 1));
    run.step();
    let short = run.add(prompt(vec![2; 20], 3));
    // Once it writes, the others read less at a time.
    for rows in [PREFILL_STEP, DECODE_STEP, DECODE_STEP] {
        assert_eq!(run.step(), rows);
    }
    assert!(run.ended.contains_key(&short) && !run.ended.contains_key(&long));
    run.finish();
}

#[test]
fn those_who_write_get_a_token_in_each_step_while_others_read() {
    let mut run = Run::new(400, 16);
    let writer = run.add(prompt(vec![1; 5], 30));
    run.step();
    for token in 0..3 {
        run.add(prompt(vec![token; 500], 1));
    }
    for tokens in 2..12 {
        assert_eq!(run.step(), DECODE_STEP);
        assert_eq!(run.generated[&writer].len(), tokens);
    }
    run.finish();
}

#[test]
fn rooms_that_open_together_read_their_prompt_once() {
    let mut run = Run::new(400, 16);
    for room in 1..=8 {
        let mut tokens: Vec<u32> = (0..512).collect();
        tokens.extend([room; 10]);
        run.add(cached(tokens, 512, u64::from(room), 2));
    }
    run.finish();
    assert_eq!(run.rows, 512 + 8 * 11);
    assert_eq!(run.ended.values().filter(|read| read.cached == 512).count(), 7);
}

#[test]
fn only_the_shared_prefix_is_matched_by_others() {
    let mut run = Run::new(100, 4);
    let mut read = |cache_key, shared| {
        let id = run.add(cached(vec![7; 100], shared, cache_key, 40));
        run.finish();
        run.ended[&id].cached
    };
    assert_eq!([read(1, 40), read(1, 40)], [0, 96]);
    // Forty tokens are two whole blocks.
    assert_eq!([read(2, 40), read(2, 40)], [32, 96]);
    assert_eq!([read(0, 40), read(0, 40)], [32, 32]);
    assert_eq!([read(3, 0), read(0, 0)], [0, 0]);
}

#[test]
fn a_prefix_computed_with_one_adapter_is_not_matched_with_another() {
    let mut run = Run::new(100, 4);
    let mut read = |adapter| {
        let id = run.add(Prompt { adapter: AdapterId(adapter), ..cached(vec![7; 100], 40, 1, 40) });
        run.finish();
        run.ended[&id].cached
    };
    assert_eq!([read(0), read(1), read(2)], [0; 3], "neither the shared prefix nor the conversation");
    assert_eq!([read(1), read(0), read(2)], [96; 3], "each finds its own");
}

#[test]
fn a_prompt_for_embedding_gets_all_hidden_states_and_leaves_nothing() {
    let mut run = Run::new(100, 4);
    run.add(cached(vec![7; 300], 300, 1, 1));
    run.finish();
    let id = 9;
    let embedded = Prompt { output: Output::Hidden, ..cached(vec![7; 300], 300, 1, 0) };
    assert!(run.scheduler.add(id, embedded));
    let mut tokens = 0;
    loop {
        run.scheduler.admit();
        assert!(run.scheduler.plan());
        assert!(run.scheduler.slices().iter().all(|slice| slice.output == Some(Output::Hidden)));
        let [computed] = run.scheduler.commit()[..] else { panic!("one sequence runs") };
        assert_eq!((computed.id, computed.output), (id, Output::Hidden));
        tokens += computed.tokens;
        if computed.finished {
            break;
        }
    }
    assert_eq!(tokens, 300, "none is matched, so that each has a hidden state");
    let blocks = run.scheduler.running[0].block_table.clone();
    assert_eq!(run.scheduler.end(id), Some(PromptUsage { prompt: 300, cached: 0 }));
    let mut dirty = run.scheduler.take_dirty();
    dirty.sort_unstable();
    let mut blocks = blocks;
    blocks.sort_unstable();
    assert_eq!(dirty, blocks);
}

#[test]
fn a_conversation_finds_its_own_answer_at_its_next_message() {
    let mut run = Run::new(100, 4);
    let first = cached(vec![7; 50], 0, 9, 40);
    run.add(first.clone());
    run.finish();
    let mut tokens = first.tokens.clone();
    tokens.extend(answer(&first));
    tokens.extend([5; 10]);
    let second = run.add(Prompt { tokens, ..first });
    run.finish();
    // The answer's last token was never computed: 89 positions are five whole blocks.
    assert_eq!(run.ended[&second].cached, 80);
}

/// Two requests of one conversation: what one writes, the other reads in its prompt, so slowly that it is overtaken within a block.
#[test]
fn a_block_that_was_begun_is_finished_even_if_it_can_be_found_meanwhile() {
    let mut run = Run::new(1000, MAX_SEQUENCES);
    let first = cached(vec![7; 20], 0, 1, 60);
    run.add(first.clone());
    for _ in 0..6 {
        run.step();
    }
    let mut tokens = first.tokens.clone();
    tokens.extend(answer(&first));
    run.add(Prompt { tokens, ..first });
    for token in 10..56 {
        run.add(prompt(vec![token; 200], 1));
    }
    run.finish();
}

#[test]
fn the_last_token_of_a_prompt_is_always_computed() {
    let mut run = Run::new(10, 4);
    for expected in [0, 2 * BLOCK, 2 * BLOCK] {
        let id = run.add(cached(vec![1; 3 * BLOCK], 3 * BLOCK, 0, 1));
        run.finish();
        assert_eq!(run.ended[&id].cached, expected);
    }
}

#[test]
fn idle_blocks_give_way_and_running_ones_do_not() {
    let mut run = Run::new(8, 4);
    run.add(cached(vec![1; 100], 0, 1, 20));
    run.finish();
    // All of it is needed for the next one, whose successor must wait for it.
    let second = run.add(prompt(vec![2; 120], 9));
    let third = run.add(prompt(vec![3; 20], 2));
    assert_eq!(run.scheduler.admit(), [second]);
    assert!(!run.scheduler.has_capacity());
    run.finish();
    assert!(run.ended.contains_key(&third));
    assert!(!run.scheduler.add(9, prompt(vec![1; 120], 10)));
    assert!(!run.scheduler.add(9, prompt(vec![], 1)));
}

#[test]
fn a_model_that_does_not_batch_gets_one_sequence_and_no_found_blocks() {
    let mut scheduler = Scheduler::new(BatchLimits { sequences: 1, paged: false, ..limits(8) }, 16);
    for id in 0..2 {
        assert!(scheduler.add(id, cached(vec![1; 40], 40, 1, 1)));
    }
    for id in 0..2 {
        assert_eq!(scheduler.admit(), [id]);
        assert!(scheduler.plan());
        assert_eq!(
            scheduler.slices().iter().map(|slice| (slice.start, slice.tokens.len())).collect::<Vec<_>>(),
            [(0, 40)]
        );
        assert_eq!(scheduler.commit().iter().map(|computed| computed.id).collect::<Vec<_>>(), [id]);
        assert_eq!(scheduler.end(id), Some(PromptUsage { prompt: 40, cached: 0 }));
    }
}

#[test]
fn after_a_failed_step_nothing_is_found_again_and_those_who_wait_go_on() {
    let mut run = Run::new(20, 1);
    let shared = cached(vec![1; 100], 100, 1, 5);
    let first = run.add(shared.clone());
    let second = run.add(shared);
    run.step();
    run.scheduler.admit();
    run.scheduler.plan();
    assert_eq!(run.scheduler.abort(), [first]);
    run.generated.remove(&first);
    run.audit();
    run.finish();
    assert_eq!(run.ended[&second].cached, 0);
}

#[test]
fn what_led_to_useless_logits_is_invalidated_and_nothing_else() {
    let long = |cache_key| cached(vec![1; 100], 48, cache_key, 5);
    // The third block of the chain is broken, which all share, so that the first who asks again computes it anew; or none that
    // can be seen.
    for (broken, left) in [(Some(2), [32, 48, 80]), (None, [48, 96, 80])] {
        let mut run = Run::new(60, 4);
        for prompt in [long(1), long(2), cached(vec![2; 90], 0, 3, 5)] {
            run.add(prompt);
            while !run.scheduler.is_idle() {
                run.step();
            }
        }
        let id = run.add(long(1));
        run.scheduler.admit();
        let table = run.scheduler.running[0].block_table.clone();
        run.scheduler.discard(id, |block| broken.is_none_or(|broken| block != table[broken]));
        run.generated.remove(&id);
        run.audit();
        let again = [long(1), long(2), cached(vec![2; 90], 0, 3, 5)];
        let found = again.map(|prompt| {
            let id = run.add(prompt);
            while !run.scheduler.is_idle() {
                run.step();
            }
            run.ended[&id].cached
        });
        assert_eq!(found, left, "{broken:?}");
        run.finish();
    }
}

#[test]
fn as_many_as_allowed_fit_a_step() {
    let mut run = Run::new(1000, 1000);
    for token in 0..100 {
        run.add(prompt(vec![token; 90], 3));
    }
    assert_eq!(run.scheduler.admit().len(), MAX_SEQUENCES);
    run.finish();
}

#[derive(Clone, Debug)]
enum Event {
    Add(Prompt),
    Cancel(usize),
    Step(usize),
}

/// Prompts that begin alike, in a memory that is too small for all of them.
fn event() -> impl Strategy<Value = Event> {
    let prompt =
        (0_usize..100, 0_u32..2, prop::collection::vec(0_u32..2, 1..40), 0_usize..110, 0_u64..4, 1_usize..40, 0_u32..2);
    let prompt = prompt.prop_map(|(same, token, rest, shared, cache_key, max_new_tokens, adapter)| {
        let mut tokens = vec![token; same];
        tokens.extend(rest);
        Prompt { adapter: AdapterId(adapter), ..cached(tokens, shared, cache_key, max_new_tokens) }
    });
    prop_oneof![
        4 => prompt.prop_map(Event::Add),
        1 => (0_usize..20).prop_map(Event::Cancel),
        3 => (1_usize..12).prop_map(Event::Step),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_comes_and_goes_each_answer_is_the_one_it_gets_alone(
        events in prop::collection::vec(event(), 1..30), blocks in 12_usize..60, sequences in 1_usize..12,
    ) {
        let mut run = Run::new(blocks, sequences);
        for event in events {
            match event {
                Event::Add(prompt) => { run.add(prompt); }
                Event::Cancel(id) => run.cancel(id as u64),
                Event::Step(count) => (0..count).for_each(|_| { run.step(); }),
            }
        }
        run.finish();
        run.scheduler.invalidate(CacheScope::All);
        run.audit();
        run.cells.erase(&run.scheduler.take_dirty());
        prop_assert!(run.cells.is_empty(), "nothing is left that no sequence can match");
    }
}
