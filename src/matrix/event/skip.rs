//! The reasons for which an event is skipped.

/// Why an event is skipped. For the log, which never contains the event's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::matrix) enum SkipReason {
    /// Neither a text message nor anything that concerns one.
    OtherType,
    /// Written by the bot.
    Own,
    /// Written by another compagnon: two of them would answer each other for ever.
    Compagnon,
    /// It was redacted.
    Redacted,
    /// A message in clear in an encrypted room.
    PlainText,
    /// Empty, perhaps only after the bot's name was removed.
    Empty,
    /// Not what the specification says.
    Malformed,
}
