//! People in many rooms, each with a name of its own that the bot is told there and nowhere else.

use futures_util::future::join_all;

use crate::{
    support::people::Person,
    world::{World, assert_each_once},
};

const BEGINNINGS: [&str; 16] =
    ["Zor", "Bru", "Kal", "Vex", "Dro", "Pli", "Gom", "Tuf", "Nar", "Sky", "Fli", "Wen", "Jad", "Mol", "Ry", "Hib"];
const MIDDLES: [&str; 16] =
    ["gla", "mbi", "dru", "sto", "fre", "xa", "lpo", "nti", "vou", "che", "zi", "pha", "ke", "ru", "ssa", "do"];
const ENDS: [&str; 16] = [
    "bine", "dor", "quet", "lune", "vard", "mise", "rule", "ton", "phin", "gase", "nec", "zal", "wick", "jou", "cret",
    "hame",
];

/// A name that nobody has. Two of the 256 differ in two syllables at least, so that one badly copied is not another.
fn canary(number: usize) -> String {
    let (beginning, middle) = (number % 16, number / 16 % 16);
    [BEGINNINGS[beginning], MIDDLES[middle], ENDS[(beginning + middle) % 16]].concat()
}

/// One room.
struct Seat {
    person: Person,
    room: String,
    canary: String,
    questions: Vec<String>,
    /// Commands: what they are answered with are notices.
    commands: Vec<String>,
    /// How often the bot was asked for the name, and how often it gave it.
    recalls: usize,
    recalled: usize,
}

/// Everybody.
pub(super) struct Crowd {
    seats: Vec<Seat>,
}

impl Crowd {
    /// Opens direct conversations, ten to a person.
    pub(super) async fn new(world: &World, bot: &str, rooms: usize) -> Self {
        assert!(rooms <= 256, "COMPAGNON_ROOMS is 256 at most: there are no more names");
        let numbers: Vec<usize> = (0..rooms).collect();
        // Neighbours in number are different people, so that everybody's rooms are mixed.
        let people = rooms.div_ceil(10).max(2);
        let of_person = async |first: usize| {
            let person = world.person("agent").await;
            let mut seats = Vec::new();
            for number in numbers.iter().skip(first).step_by(people) {
                let room = person.open_dm(bot).await;
                person.until_member(&room, bot, "join").await;
                let (person, canary) = (person.clone(), canary(*number));
                seats.push(Seat {
                    person,
                    room,
                    canary,
                    questions: Vec::new(),
                    commands: Vec::new(),
                    recalls: 0,
                    recalled: 0,
                });
            }
            seats
        };
        Self { seats: join_all((0..people).map(of_person)).await.into_iter().flatten().collect() }
    }

    /// All rooms talk with the bot at once, for as many rounds as are `wanted`.
    pub(super) async fn talk(&mut self, wanted: impl Fn(u64) -> bool, answered: &dyn Fn()) {
        let wanted = &wanted;
        join_all(self.seats.iter_mut().map(async |seat| {
            for round in (0..).take_while(|round| wanted(*round)) {
                seat.say(round).await;
                answered();
            }
        }))
        .await;
    }

    /// Reads all rooms: each question has one answer, and no event of the bot, edits included, holds the name of another room.
    pub(super) fn check(&self, bot: &str) {
        let names: Vec<String> = self.seats.iter().map(|seat| seat.canary.to_lowercase()).collect();
        let (mut recalls, mut recalled, mut events) = (0, 0, 0);
        for (seat, own) in self.seats.iter().zip(&names) {
            assert_each_once(&seat.person, &seat.room, bot, &seat.questions, &seat.commands);
            for event in seat.person.events(&seat.room).iter().filter(|event| event.sender == bot) {
                assert!(!event.undecryptable, "{event:#?}");
                let text = event.content.to_string().to_lowercase();
                let foreign = names.iter().find(|name| *name != own && text.contains(*name));
                assert_eq!(foreign, None, "in the room of {own}: {event:#?}");
                events += 1;
            }
            recalls += seat.recalls;
            recalled += seat.recalled;
        }
        println!(
            "{events} events of the bot: no canary of another room; asked for its own, it gave {recalled} of {recalls}"
        );
        // It is a small model and these are strange names; but it must have known most of them for the above to say something.
        assert!(2 * recalled > recalls, "{recalled} of {recalls}");
    }
}

impl Seat {
    /// Says what comes in this round, and waits for the answer.
    async fn say(&mut self, round: u64) {
        let named = format!("Je m'appelle {}.", self.canary);
        let text = match round % 5 {
            0 => named.as_str(),
            1 => "Comment je m'appelle ?",
            2 => "Comment vous appelez-vous ?",
            3 => "Présentez le service en quelques phrases.",
            _ => "!oublier",
        };
        let question = self.person.send(&self.room, text).await;
        let answer = self.person.answer_to(&self.room, &question).await;
        if round % 5 == 1 {
            self.recalls += 1;
            self.recalled += usize::from(answer.body.contains(&self.canary));
        }
        if text.starts_with('!') { &mut self.commands } else { &mut self.questions }.push(question);
    }
}

#[test]
fn no_name_is_close_to_another() {
    let names: Vec<String> = (0..256).map(|number| canary(number).to_lowercase()).collect();
    for (at, name) in names.iter().enumerate() {
        let close = names.iter().enumerate().find(|(other, known)| at != *other && known.contains(name.as_str()));
        assert_eq!(close, None, "{name}");
    }
}
