//! The scheduler over a memory in which a wrong block shows: each answer must be the one its prompt gets alone.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{MORE_ROWS, MOST, Prompt, ROWS, Read, Scheduler};
use crate::inference::CacheScope;
use crate::inference::local::fakes::{Cells, alone};
use crate::inference::local::forward::{BLOCK, Forward, Part};

/// Only its measures are asked for.
struct Measures {
    blocks: usize,
    batches: bool,
}

impl Forward for Measures {
    fn vocabulary(&self) -> usize {
        1
    }

    fn context(&self) -> usize {
        self.blocks * BLOCK
    }

    fn blocks(&self) -> usize {
        self.blocks
    }

    fn step(&mut self, _: &[Part<'_>], _: &mut Vec<f32>) -> Result<(), String> {
        Err("never computed".to_owned())
    }

    fn erase(&mut self, _: &[u32]) {}

    fn erase_all(&mut self) {}

    fn batches(&self) -> bool {
        self.batches
    }
}

struct Run {
    scheduler: Scheduler,
    cells: Cells,
    prompts: BTreeMap<u64, Prompt>,
    written: BTreeMap<u64, Vec<u32>>,
    ended: BTreeMap<u64, Read>,
    /// The rows of all steps.
    rows: usize,
}

impl Run {
    fn new(blocks: usize, sequences: usize) -> Self {
        let scheduler = Scheduler::new(&Measures { blocks, batches: true }, sequences);
        let (prompts, written, ended) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { scheduler, cells: Cells::new(blocks), prompts, written, ended, rows: 0 }
    }

    fn add(&mut self, prompt: Prompt) -> u64 {
        let id = self.prompts.len() as u64;
        assert!(self.scheduler.add(id, prompt.clone()));
        self.prompts.insert(id, prompt);
        self.written.insert(id, Vec::new());
        id
    }

    fn cancel(&mut self, id: u64) {
        if !self.ended.contains_key(&id) {
            self.scheduler.end(id);
            self.written.remove(&id);
            self.audit();
        }
    }

    /// One step; returns its rows.
    fn step(&mut self) -> usize {
        self.scheduler.admit();
        // Whoever still needs one of them finds a cell that was never computed.
        self.cells.erase(&self.scheduler.take_used());
        let planned = self.scheduler.plan();
        assert!(planned || self.scheduler.is_idle());
        let parts = self.scheduler.parts();
        let rows = parts.iter().map(|part| part.tokens.len()).sum();
        let writes = parts.iter().any(|part| part.tokens.len() == 1);
        assert!(rows <= if writes { ROWS } else { MORE_ROWS });
        let seen: Vec<u64> = parts
            .iter()
            .map(|part| (part.logits, self.cells.compute(part).hash))
            .filter_map(|(logits, hash)| logits.then_some(hash))
            .collect();
        let ready = self.scheduler.commit();
        assert_eq!(ready.len(), seen.len());
        for (id, hash) in ready.into_iter().zip(seen) {
            let written = self.written.get_mut(&id).expect("nobody who was cancelled");
            written.push(next(hash));
            if written.len() < self.prompts[&id].room {
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
        for (id, written) in &self.written {
            assert_eq!(written, &answer(&self.prompts[id]), "{id}");
        }
        let cache = &mut self.scheduler.cache;
        assert_eq!(cache.available(), cache.blocks());
    }

    fn audit(&self) {
        let running = &self.scheduler.running;
        let tables: Vec<(&[u32], usize)> =
            running.iter().map(|sequence| (&sequence.table[..], sequence.published)).collect();
        self.scheduler.cache.audit(&tables);
        let promised: usize = running.iter().map(super::Sequence::outstanding).sum();
        assert!(promised <= self.scheduler.cache.available());
        // What is in two tables is shared, or one owner's.
        for (one, other) in running.iter().flat_map(|one| running.iter().map(move |other| (one, other))) {
            let same = one.owner == other.owner && (one.owner != 0 || one.id == other.id);
            for (at, (a, _)) in one.table.iter().zip(&other.table).enumerate().filter(|(_, (a, b))| a == b) {
                assert!(same || at < one.shared.min(other.shared), "block {a} is seen by {} and {}", one.id, other.id);
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
    for _ in 0..prompt.room {
        tokens.push(next(alone(&tokens)));
    }
    tokens.split_off(prompt.tokens.len())
}

fn prompt(tokens: Vec<u32>, room: usize) -> Prompt {
    Prompt { tokens, shared: 0, owner: 0, room }
}

#[test]
fn a_short_question_does_not_wait_for_a_long_document() {
    let mut run = Run::new(400, 16);
    let long = run.add(prompt(vec![1; 4000], 1));
    run.step();
    let short = run.add(prompt(vec![2; 20], 3));
    // Once it writes, the others read less at a time.
    for rows in [MORE_ROWS, ROWS, ROWS] {
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
        assert_eq!(run.step(), ROWS);
        assert_eq!(run.written[&writer].len(), tokens);
    }
    run.finish();
}

#[test]
fn rooms_that_open_together_read_their_prompt_once() {
    let mut run = Run::new(400, 16);
    for owner in 1..=8 {
        let mut tokens: Vec<u32> = (0..512).collect();
        tokens.extend([owner; 10]);
        run.add(Prompt { tokens, shared: 512, owner: u64::from(owner), room: 2 });
    }
    run.finish();
    assert_eq!(run.rows, 512 + 8 * 11);
    assert_eq!(run.ended.values().filter(|read| read.cached == 512).count(), 7);
}

#[test]
fn only_the_shared_prefix_is_found_by_others() {
    let mut run = Run::new(100, 4);
    let mut read = |owner, shared| {
        let id = run.add(Prompt { tokens: vec![7; 100], shared, owner, room: 40 });
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
fn a_conversation_finds_its_own_answer_at_its_next_message() {
    let mut run = Run::new(100, 4);
    let first = Prompt { tokens: vec![7; 50], shared: 0, owner: 9, room: 40 };
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
    let mut run = Run::new(1000, MOST);
    let first = Prompt { tokens: vec![7; 20], shared: 0, owner: 1, room: 60 };
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
    for cached in [0, 2 * BLOCK, 2 * BLOCK] {
        let id = run.add(Prompt { tokens: vec![1; 3 * BLOCK], shared: 3 * BLOCK, owner: 0, room: 1 });
        run.finish();
        assert_eq!(run.ended[&id].cached, cached);
    }
}

#[test]
fn idle_blocks_give_way_and_running_ones_do_not() {
    let mut run = Run::new(8, 4);
    run.add(Prompt { tokens: vec![1; 100], shared: 0, owner: 1, room: 20 });
    run.finish();
    // All of it is needed for the next one, whose successor must wait for it.
    let second = run.add(prompt(vec![2; 120], 9));
    let third = run.add(prompt(vec![3; 20], 2));
    assert_eq!(run.scheduler.admit(), [second]);
    assert!(!run.scheduler.has_room());
    run.finish();
    assert!(run.ended.contains_key(&third));
    assert!(!run.scheduler.add(9, prompt(vec![1; 120], 10)));
    assert!(!run.scheduler.add(9, prompt(vec![], 1)));
}

#[test]
fn a_model_that_does_not_batch_gets_one_sequence_and_no_found_blocks() {
    let mut scheduler = Scheduler::new(&Measures { blocks: 8, batches: false }, 16);
    for id in 0..2 {
        assert!(scheduler.add(id, Prompt { tokens: vec![1; 40], shared: 40, owner: 1, room: 1 }));
    }
    for id in 0..2 {
        assert_eq!(scheduler.admit(), [id]);
        assert!(scheduler.plan());
        assert_eq!(scheduler.parts().iter().map(|part| (part.start, part.tokens.len())).collect::<Vec<_>>(), [(0, 40)]);
        assert_eq!(scheduler.commit(), [id]);
        assert_eq!(scheduler.end(id), Some(Read { prompt: 40, cached: 0 }));
    }
}

#[test]
fn after_a_failed_step_nothing_is_found_again_and_those_who_wait_go_on() {
    let mut run = Run::new(20, 1);
    let shared = Prompt { tokens: vec![1; 100], shared: 100, owner: 1, room: 5 };
    let first = run.add(shared.clone());
    let second = run.add(shared);
    run.step();
    run.scheduler.admit();
    run.scheduler.plan();
    assert_eq!(run.scheduler.abandon(), [first]);
    run.written.remove(&first);
    run.audit();
    run.finish();
    assert_eq!(run.ended[&second].cached, 0);
}

#[test]
fn what_led_to_useless_logits_is_forgotten_and_nothing_else() {
    let long = |owner| Prompt { tokens: vec![1; 100], shared: 48, owner, room: 5 };
    // The third block of the chain is spoilt, which all share, so that the first who asks again computes it anew; or none that
    // can be seen.
    for (spoilt, left) in [(Some(2), [32, 48, 80]), (None, [48, 96, 80])] {
        let mut run = Run::new(60, 4);
        for prompt in [long(1), long(2), Prompt { tokens: vec![2; 90], shared: 0, owner: 3, room: 5 }] {
            run.add(prompt);
            while !run.scheduler.is_idle() {
                run.step();
            }
        }
        let id = run.add(long(1));
        run.scheduler.admit();
        let table = run.scheduler.running[0].table.clone();
        run.scheduler.discard(id, |block| spoilt.is_none_or(|spoilt| block != table[spoilt]));
        run.written.remove(&id);
        run.audit();
        let again = [long(1), long(2), Prompt { tokens: vec![2; 90], shared: 0, owner: 3, room: 5 }];
        let found = again.map(|prompt| {
            let id = run.add(prompt);
            while !run.scheduler.is_idle() {
                run.step();
            }
            run.ended[&id].cached
        });
        assert_eq!(found, left, "{spoilt:?}");
        run.finish();
    }
}

#[test]
fn as_many_as_allowed_fit_a_step() {
    let mut run = Run::new(1000, 1000);
    for token in 0..100 {
        run.add(prompt(vec![token; 90], 3));
    }
    assert_eq!(run.scheduler.admit().len(), MOST);
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
    let prompt = (0_usize..100, 0_u32..2, prop::collection::vec(0_u32..2, 1..40), 0_usize..110, 0_u64..4, 1_usize..40);
    let prompt = prompt.prop_map(|(same, token, rest, shared, owner, room)| {
        let mut tokens = vec![token; same];
        tokens.extend(rest);
        Prompt { shared: shared.min(tokens.len()), tokens, owner, room }
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
        run.scheduler.forget(CacheScope::All);
        run.audit();
        run.cells.erase(&run.scheduler.take_used());
        prop_assert!(run.cells.is_empty(), "what nobody can find stands nowhere");
    }
}
