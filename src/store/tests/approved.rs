//! Mastered answers: proposed, approved in place of another one, and gone with what they belong to.

use std::fs;

use ruma::{OwnedUserId, owned_user_id};

use super::{after_a_kill, folder, open};
use crate::approved::{AnswerState, MasteredAnswer};
use crate::document::Partition;
use crate::store::tests::rooms::made;
use crate::store::{Change, Database, Store};

fn awa() -> OwnedUserId {
    owned_user_id!("@awa:tchap.test")
}

fn answer(partition: &Partition, number: u64) -> MasteredAnswer {
    MasteredAnswer {
        number,
        partition: partition.clone(),
        question: format!("Qui est CANARI {number} ?"),
        variants: vec!["C'est qui, CANARI ?".to_owned()],
        text: "La réponse CANARI.".to_owned(),
        author: Some(awa()),
        proposed_at: 5,
        replaces: None,
        state: AnswerState::Proposed,
    }
}

fn accept(partition: &Partition, number: u64, by: &OwnedUserId) -> Change {
    Change::AcceptAnswer { partition: partition.clone(), number, by: by.clone() }
}

fn numbers(store: &Database, partition: &Partition) -> Vec<u64> {
    let answers = store.mastered(std::slice::from_ref(partition)).unwrap();
    answers.iter().map(|answer| answer.number).collect()
}

#[test]
fn an_answer_is_proposed_then_approved_in_place_of_another_one() {
    let first = folder();
    let store = open(&first);
    let (rh, catalogue) = (Partition::Compagnon("rh".to_owned()), Partition::Catalogue);
    assert_eq!((store.new_answer_number().unwrap(), store.new_answer_number().unwrap()), (1, 2));
    let replacing = MasteredAnswer { replaces: Some(1), ..answer(&rh, 2) };
    let changes = [answer(&rh, 1), replacing.clone(), answer(&catalogue, 3)].map(Change::ProposeAnswer);
    store.apply(&changes, 6).unwrap();
    store.apply(&[accept(&rh, 1, &awa())], 7).unwrap();
    let second = after_a_kill(&first);
    let store = open(&second);
    assert_eq!(store.new_answer_number().unwrap(), 3, "never given out again");
    let held = store.mastered(&[catalogue.clone(), rh.clone()]).unwrap();
    let approved =
        |answer: MasteredAnswer, at| MasteredAnswer { state: AnswerState::Approved { by: Some(awa()), at }, ..answer };
    assert_eq!(held, [approved(answer(&rh, 1), 7), replacing.clone(), answer(&catalogue, 3)]);
    let before = after_a_kill(&second);
    let accept = accept(&rh, 2, &awa());
    store.apply(std::slice::from_ref(&accept), 8).unwrap();
    store.apply(&[accept], 9).unwrap();
    assert_eq!(
        store.mastered(std::slice::from_ref(&rh)).unwrap(),
        [approved(replacing, 8)],
        "the same one twice changes nothing"
    );
    store.apply(&[Change::RemoveAnswer(rh.clone(), 2), Change::RemoveAnswer(rh.clone(), 9)], 10).unwrap();
    assert_eq!((numbers(&store, &rh), numbers(&store, &catalogue)), (vec![], vec![3]));
    drop(store);
    for file in ["store.key", "rooms.keys"] {
        fs::copy(second.path().join(file), before.path().join(file)).unwrap();
    }
    fs::remove_file(before.path().join("store.head")).unwrap();
    assert_eq!(numbers(&open(&before), &rh), [0; 0], "the old bytes do not open with the new key");
    for (name, bytes) in super::forgetting::files(second.path()) {
        assert!(!bytes.windows(6).any(|window| window == b"CANARI"), "{name}");
    }
}

#[test]
fn answers_go_with_their_compagnon_and_names_with_their_person() {
    let folder = folder();
    let store = open(&folder);
    let compagnon = Partition::Compagnon("made/7".to_owned());
    store.apply(&[Change::ProposeAnswer(answer(&compagnon, 1))], 5).unwrap();
    assert_eq!(numbers(&store, &compagnon), [0; 0], "there is no such compagnon");
    let ben = owned_user_id!("@ben:tchap.test");
    let made = Change::Made(made(7, "a", "texte"));
    let changes = [made, Change::ProposeAnswer(answer(&compagnon, 1)), accept(&compagnon, 1, &ben)];
    store.apply(&changes, 6).unwrap();
    store.apply(&[Change::ProposeAnswer(answer(&Partition::Catalogue, 2))], 6).unwrap();
    assert_eq!(store.personal(&awa()).unwrap().answers.len(), 2);
    store.apply(&[Change::ForgetPerson(awa())], 7).unwrap();
    assert!(store.personal(&awa()).unwrap().answers.is_empty());
    store.apply(&[Change::ForgetPerson(ben)], 8).unwrap();
    let [kept] = store.mastered(std::slice::from_ref(&compagnon)).unwrap().try_into().unwrap();
    assert_eq!((kept.author, kept.state), (None, AnswerState::Approved { by: None, at: 6 }));
    store.apply(&[Change::Unmade(7)], 9).unwrap();
    assert_eq!((numbers(&store, &compagnon), numbers(&store, &Partition::Catalogue)), (vec![], vec![2]));
}

#[tokio::test]
async fn only_what_is_approved_is_given() {
    let folder = folder();
    let store = Store::open(folder.path()).unwrap();
    let partition = Partition::Catalogue;
    let changes = [1, 2].map(|number| Change::ProposeAnswer(answer(&partition, number)));
    store.apply(&changes, 1).await.unwrap();
    store.apply(&[accept(&partition, 2, &awa())], 2).await.unwrap();
    let given = store.approved(std::slice::from_ref(&partition)).await.unwrap();
    assert_eq!(given.iter().map(|answer| answer.number).collect::<Vec<_>>(), [2]);
    assert_eq!(store.mastered(&[partition]).await.unwrap().len(), 2);
}
