//! Questions that are taken back or changed, at every stage of their life.

use ruma::{OwnedEventId, user_id};

use super::{
    accept, admitted, after_a_kill, an_edit, answer, conclude, deliver, edit, event, exchange, folder, held, in_thread,
    open, question, redact, turns, withdrawn,
};
use crate::conversation::Turn;
use crate::message::{Content, Incoming, Item, MediaRef, Redaction};
use crate::store::{Accept, Accepted, Answer, Change, Conclusion, Database, Delivery};

/// Nothing of the question is left, and it is never accepted again.
fn is_over(store: &Database, asked: &Incoming, messages: &[OwnedEventId]) {
    assert!(store.begin(asked).unwrap().is_none());
    assert!(conclude(store, asked, 90).is_none());
    assert!(store.undelivered().unwrap().is_empty());
    assert!(store.turns(&asked.conversation()).unwrap().is_empty());
    assert!(edit(store, asked, "late", "trop tard", 91).edited.is_empty());
    assert!(store.reopen(asked, &event("t"), 91).unwrap().is_none());
    assert!(accept(store, std::slice::from_ref(asked), 92).is_empty());
    assert_eq!(withdrawn(store), messages.iter().cloned().collect());
}

/// Concludes with an answer that replaces what is shown.
fn conclude_again(store: &Database, asked: &Incoming, parts: &[&str], said: Vec<Turn>, now: u64) -> Option<Delivery> {
    let queued = store.begin(asked).unwrap().unwrap();
    let answer = Answer { again: queued.again, shown: queued.shown, ..answer(parts) };
    store
        .conclude(
            Conclusion {
                question: &queued.question,
                turns: said,
                answer,
                changes: Vec::new(),
                usage: None,
                counted: None,
            },
            now,
        )
        .unwrap()
}

fn with_body(question: &Incoming, body: &str) -> Incoming {
    Incoming { content: Content::Text(body.to_owned()), ..question.clone() }
}

#[test]
fn an_earlier_answer_stays_where_another_one_is_refused() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 2).unwrap();
    let shown = deliver(&store, &asked, 3);
    store.reopen(&asked, &event("again"), 4).unwrap().unwrap();
    let queued = store.begin(&asked).unwrap().unwrap();
    // As it is written: in the place of what is shown. The room takes none of it.
    let answer =
        Answer { again: queued.again, draft: Some(shown[0].clone()), shown: queued.shown, ..answer(&["c", "d"]) };
    let conclusion = Conclusion {
        question: &queued.question,
        turns: turns(&asked, 5),
        answer,
        changes: Vec::new(),
        usage: None,
        counted: None,
    };
    store.conclude(conclusion, 5).unwrap().unwrap();
    store.delivered(&asked, 6).unwrap();
    assert!(withdrawn(&store).is_empty());
    assert!(!store.turns(&asked.conversation()).unwrap().is_empty());
}

#[test]
fn a_message_that_another_answer_has_overtaken_is_taken_back() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 2).unwrap();
    store.stray(&asked, &asked.room_id, &event("late"), 3).unwrap();
    assert_eq!(withdrawn(&store), [event("late")].into());
    assert!(store.is_own(&event("late")).unwrap());
    assert_eq!(store.delivery(&asked).unwrap().unwrap().sent, []);
}

#[test]
fn a_question_taken_back_while_it_waits() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    assert_eq!(redact(&store, "a", &["1"], 1), Accepted::default(), "nothing is known of it yet");
    assert_eq!(accept(&store, std::slice::from_ref(&asked), 1).len(), 1);
    assert_eq!(redact(&store, "b", &["1"], 2), Accepted::default(), "another room");
    assert_eq!(redact(&store, "a", &["1"], 2).redacted, [event("1")]);
    assert_eq!(redact(&store, "a", &["1"], 3), Accepted::default());
    is_over(&store, &asked, &[]);
    let killed = after_a_kill(&folder);
    is_over(&open(&killed), &asked, &[]);
}

#[test]
fn a_question_taken_back_in_the_response_that_brings_it() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    let redactions = [Redaction { room_id: asked.room_id.clone(), redacts: asked.event_id.clone() }];
    let batch = Accept { questions: &[admitted(&asked)], redactions: &redactions, ..Accept::default() };
    assert!(store.accept(&batch, 1).unwrap().new.is_empty());
    is_over(&store, &asked, &[]);
}

#[test]
fn a_question_taken_back_while_it_is_answered() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    store.begin(&asked).unwrap();
    store.draft(&asked, &event("draft"), 2).unwrap();
    assert_eq!(redact(&store, "a", &["1"], 3).redacted, [event("1")]);
    is_over(&store, &asked, &[event("draft")]);
    assert!(!store.draft(&asked, &event("later"), 4).unwrap(), "one that was on its way");
    assert_eq!(withdrawn(&store), [event("draft"), event("later")].into());
}

#[test]
fn a_question_taken_back_while_its_answer_is_sent() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 2).unwrap();
    store.part_sent(&asked, 0, &event("p0"), 3).unwrap();
    assert_eq!(redact(&store, "a", &["1"], 4).redacted, [event("1")]);
    // The part that was on its way, and the end of a delivery that did not know.
    store.part_sent(&asked, 1, &event("p1"), 5).unwrap();
    store.delivered(&asked, 5).unwrap();
    // The question stands for parts that may have been sent without being noted.
    is_over(&store, &asked, &[event("1"), event("p0"), event("p1")]);
    let killed = after_a_kill(&folder);
    let store = open(&killed);
    for withdrawal in store.withdrawals().unwrap() {
        store.withdrawn(&withdrawal).unwrap();
    }
    is_over(&store, &asked, &[]);
}

#[test]
fn a_question_taken_back_when_it_is_answered() {
    let folder = folder();
    let store = open(&folder);
    let (asked, other) = (question("a", "1"), in_thread(question("a", "2"), "root"));
    let shown = exchange(&store, &asked, 1);
    exchange(&store, &other, 1);
    assert_eq!(redact(&store, "a", &["1"], 2).redacted, [event("1")]);
    is_over(&store, &asked, &shown);
    assert_eq!(store.turns(&other.conversation()).unwrap(), turns(&other, 1));
    // A moderator was faster.
    assert_eq!(
        redact(&store, "a", &[shown[0].as_str().strip_prefix('$').unwrap().strip_suffix(":tchap.test").unwrap()], 3),
        Accepted::default()
    );
    assert_eq!(withdrawn(&store), shown.into(), "its edits still hold the text");
}

#[test]
fn an_answer_taken_back_takes_its_exchange_with_it() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    let shown = exchange(&store, &asked, 1);
    assert_eq!(redact(&store, "a", &["shown0.1"], 2).redacted, [event("1")]);
    is_over(&store, &asked, &shown);
}

#[test]
fn what_waits_for_its_key_may_be_taken_back() {
    let folder = folder();
    let store = open(&folder);
    store.accept(&Accept { undecrypted: &[held("a", "1")], ..Accept::default() }, 1).unwrap();
    assert_eq!(redact(&store, "a", &["1"], 2).redacted, [event("1")]);
    assert!(store.undecrypted().unwrap().is_empty());
    is_over(&store, &question("a", "1"), &[]);
}

#[test]
fn a_question_changed_while_it_waits() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    store.begin(&asked).unwrap();
    store.draft(&asked, &event("draft"), 2).unwrap();
    let edited = edit(&store, &asked, "e1", "mieux dit", 3).edited;
    assert_eq!((edited.len(), edited[0].anew), (1, false));
    assert_eq!(edited[0].queued, store.queued().unwrap()[0]);
    assert_eq!((edited[0].queued.again.clone(), edited[0].queued.draft.clone()), (None, Some(event("draft"))));
    assert_eq!(edit(&store, &asked, "e1", "mieux dit", 4), Accepted::default(), "the same edit again");
    assert!(conclude(&store, &asked, 5).is_none(), "an answer to the old text");
    assert!(store.turns(&asked.conversation()).unwrap().is_empty());
    let asked = store.begin(&asked).unwrap().unwrap().question;
    assert_eq!(asked.text(), "mieux dit");
    assert_eq!(conclude(&store, &asked, 6).unwrap().question.text(), "mieux dit");
}

#[test]
fn edits_in_the_response_that_brings_the_question() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    let edits = [an_edit(&asked, "e1", "un"), an_edit(&asked, "e2", "deux"), an_edit(&asked, "e1", "un")];
    let batch = Accept { questions: &[admitted(&asked)], edits: &edits, ..Accept::default() };
    let accepted = store.accept(&batch, 1).unwrap();
    assert_eq!(accepted.new[0].question.text(), "deux");
    assert!(accepted.edited.is_empty(), "it is new as a whole");
    assert_eq!(store.accept(&batch, 2).unwrap(), Accepted::default());
}

#[test]
fn a_question_changed_while_its_answer_is_sent() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 2).unwrap();
    store.part_sent(&asked, 0, &event("shown0.1"), 3).unwrap();
    let edits = [an_edit(&asked, "e1", "un"), an_edit(&asked, "e2", "deux")];
    let edited = store.accept(&Accept { edits: &edits, ..Accept::default() }, 4).unwrap().edited;
    assert_eq!((edited.len(), edited[0].anew), (1, true));
    assert_eq!(edited[0].queued.again, Some(event("e1")));
    assert_eq!(edited[0].queued.question, with_body(&asked, "deux"));
    let shown = deliver(&store, &asked, 5);
    assert_eq!(store.begin(&asked).unwrap().unwrap().shown, shown);
    redact(&store, "a", &["1"], 6);
    is_over(&store, &asked, &shown);
}

#[test]
fn a_question_changed_when_it_is_answered_is_answered_in_its_place() {
    let folder = folder();
    let store = open(&folder);
    let (asked, next) = (Incoming { name: Some("Ann".to_owned()), ..question("a", "1") }, question("a", "2"));
    let shown = exchange(&store, &asked, 1);
    exchange(&store, &next, 2);
    let edited = edit(&store, &asked, "e1", "mieux dit", 3).edited;
    assert!(edited[0].anew);
    assert_eq!(edited[0].queued.question, with_body(&asked, "mieux dit"), "the rest is as it was");
    assert!(edit(&store, &asked, "e1", "mieux dit", 3).edited.is_empty());

    let killed = after_a_kill(&folder);
    let store = open(&killed);
    let asked = with_body(&asked, "mieux dit");
    let delivery = conclude_again(&store, &asked, &["court"], turns(&asked, 4), 4).unwrap();
    assert_eq!((delivery.answer.again, delivery.answer.shown), (Some(event("e1")), shown.to_vec()));
    let said = [turns(&asked, 4), turns(&next, 2)].concat();
    assert_eq!(store.turns(&asked.conversation()).unwrap(), said, "its place in the conversation is the old one");
    store.part_sent(&asked, 0, &shown[0], 5).unwrap();
    // The bot takes back what is left over, and sees that it did.
    assert_eq!(redact(&store, "a", &["shown1.1"], 5), Accepted::default());
    store.delivered(&asked, 6).unwrap();
    assert_eq!(redact(&store, "a", &["shown1.1"], 6), Accepted::default());
    assert_eq!(store.turns(&asked.conversation()).unwrap(), said);

    // Again, and this time the answer is a refusal.
    let asked = with_body(&asked, "autre chose");
    edit(&store, &asked, "e2", "autre chose", 7);
    conclude_again(&store, &asked, &["non"], Vec::new(), 8).unwrap();
    assert_eq!(store.turns(&asked.conversation()).unwrap(), turns(&next, 2));
}

#[test]
fn only_the_author_changes_a_question() {
    let folder = folder();
    let store = open(&folder);
    let (waiting, answered) = (question("a", "1"), question("a", "2"));
    exchange(&store, &answered, 1);
    accept(&store, std::slice::from_ref(&waiting), 2);
    for asked in [&waiting, &answered, &question("a", "unknown")] {
        let other = Incoming { sender: user_id!("@autre:tchap.test").to_owned(), ..asked.clone() };
        assert_eq!(edit(&store, &other, "e1", "faux", 3), Accepted::default());
    }
    assert_eq!(store.queued().unwrap()[0].question, waiting);
    assert_eq!(edit(&store, &answered, "e1", "vrai", 4).edited.len(), 1, "a foreign edit does not use the id up");
}

#[test]
fn a_refused_question_can_be_asked_again_and_a_welcome_cannot() {
    let folder = folder();
    let store = open(&folder);
    let refused = question("a", "1");
    let joined = Incoming { content: Content::Joined, ..question("a", "2") };
    for asked in [&refused, &joined] {
        accept(&store, std::slice::from_ref(asked), 1);
        let notice = Answer { items: vec![Item::Notice { text: "non".to_owned() }], ..answer(&[]) };
        let conclusion = Conclusion {
            question: asked,
            turns: Vec::new(),
            answer: notice,
            changes: Vec::new(),
            usage: None,
            counted: None,
        };
        store.conclude(conclusion, 2).unwrap().unwrap();
        assert_eq!(edit(&store, &joined, "e0", "x", 2), Accepted::default());
        store.part_sent(asked, 0, &event("notice"), 3).unwrap();
        store.delivered(asked, 3).unwrap();
    }
    assert!(edit(&store, &refused, "e1", "oui ?", 4).edited[0].anew);
    assert_eq!(store.begin(&refused).unwrap().unwrap().shown, [event("notice")]);
    assert!(store.reopen(&joined, &event("t"), 5).unwrap().is_none());
}

#[test]
fn media_are_still_media_where_their_caption_is_answered_again() {
    let folder = folder();
    let store = open(&folder);
    let media = |name: &str, caption: &str| {
        let (name, caption) = (name.to_owned(), caption.to_owned());
        let source = name.clone();
        Content::Attachment(Box::new(MediaRef {
            name,
            media_type: Some("image/png".to_owned()),
            size: None,
            caption,
            source,
        }))
    };
    let asked = Incoming { content: media("secret", "Que dit-elle ?"), ..question("a", "1") };
    accept(&store, std::slice::from_ref(&asked), 1);
    conclude(&store, &asked, 2).unwrap();
    deliver(&store, &asked, 3);
    let again = store.reopen(&with_body(&asked, "Que dit-elle ?"), &event("t"), 4).unwrap().unwrap();
    assert_eq!(again.question.content, media("", "Que dit-elle ?"), "without its name and its key");
    conclude_again(&store, &asked, &["b"], turns(&asked, 5), 5).unwrap();
    deliver(&store, &asked, 6);
    let edited = edit(&store, &asked, "e1", "Et là ?", 7).edited.remove(0).queued;
    assert_eq!(edited.question.content, media("", "Et là ?"));
}

#[test]
fn an_answered_question_is_reopened_on_command() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    assert!(store.reopen(&asked, &event("t"), 1).unwrap().is_none(), "unknown");
    let shown = exchange(&store, &asked, 1);
    let queued = store.reopen(&asked, &event("t"), 2).unwrap().unwrap();
    assert_eq!((&queued.question, queued.again.clone()), (&asked, Some(event("t"))));
    assert!(store.reopen(&asked, &event("t2"), 3).unwrap().is_none(), "it waits already");
    assert_eq!(store.begin(&asked).unwrap().unwrap().shown, shown);
    conclude(&store, &asked, 4).unwrap();
    deliver(&store, &asked, 5);
    store.apply(&[Change::ForgetConversation(asked.conversation())], 6).unwrap();
    assert!(store.reopen(&asked, &event("t"), 7).unwrap().is_none(), "forgotten");
}

#[test]
fn messages_that_a_failed_answer_did_not_replace_are_remembered() {
    let folder = folder();
    let store = open(&folder);
    let asked = question("a", "1");
    let shown = exchange(&store, &asked, 1);
    store.reopen(&asked, &event("t"), 2).unwrap().unwrap();
    conclude_again(&store, &asked, &["a", "b"], turns(&asked, 3), 3).unwrap();
    store.part_sent(&asked, 0, &shown[0], 4).unwrap();
    store.delivered(&asked, 5).unwrap();
    redact(&store, "a", &["1"], 6);
    is_over(&store, &asked, &shown);
}
