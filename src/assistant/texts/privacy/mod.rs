//! What is said of privacy: each sentence with what makes it true, the answers that they make, and the notice.

mod claim;
mod machine;
mod measures;
mod notice;
mod page;
mod people;
mod place;
mod render;
mod rights;
mod time;
mod topic;
mod view;

pub use self::{
    claim::Claim,
    machine::Machine,
    measures::Measures,
    notice::{Entry, notice, record},
    page::{Page, Said, Section, section, short},
    people::People,
    place::Place,
    render::{html, json, markdown},
    rights::Rights,
    time::Time,
    topic::{Topic, in_short},
    view::View,
};
pub(super) use self::{
    page::answer,
    rights::{forbidden, never},
};
