//! From the store to the rooms: streaming, delivery, notices and withdrawals, within the rate that the homeserver allows.

mod administrators;
mod attempted;
mod decryption_notices;
mod delivery;
mod homeserver;
mod items;
mod notice_queue;
mod notices;
mod outgoing;
mod posts;
mod rate_budget;
mod repeat;
mod streaming;
mod unconfirmed;
mod verifications;
mod withdrawal;

pub use self::{
    administrators::Administrators,
    decryption_notices::DecryptionNotices,
    delivery::{Concluded, Courier, Ending, Parts},
    homeserver::{Homeserver, unless_refused},
    notice_queue::NoticePriority,
    outgoing::{notice, notice_about, transaction},
    posts::link,
    rate_budget::{RateBudget, STOCK_BURST, STOCK_PER_SECOND},
    streaming::{Screen, Stage},
    verifications::Verifications,
    withdrawal::Withdrawals,
};
