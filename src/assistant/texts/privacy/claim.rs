//! One sentence on privacy, with what makes it true.

use super::{
    machine::Machine, measures::Measures, people::People, place::Place, rights::Rights, time::Time, view::View,
};

/// A sentence. A test holds each against every setting that can make it false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// About people.
    People(People),
    /// About places.
    Place(Place),
    /// About durations.
    Time(Time),
    /// About the model.
    Machine(Machine),
    /// About purposes and rights.
    Rights(Rights),
    /// About protection and figures.
    Measures(Measures),
}

impl Claim {
    /// The sentence; nothing where it would not be true.
    pub(super) fn say(self, view: &View<'_>) -> Option<String> {
        match self {
            Self::People(claim) => claim.say(view),
            Self::Place(claim) => claim.say(view),
            Self::Time(claim) => claim.say(view),
            Self::Machine(claim) => claim.say(view),
            Self::Rights(claim) => claim.say(view),
            Self::Measures(claim) => claim.say(view),
        }
    }
}
