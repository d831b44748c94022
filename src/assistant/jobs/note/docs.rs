//! A note that becomes a document of La Suite Docs: what leaves for where is said first, the address is asked once, and no document is made twice.

use std::time::Duration;

use ruma::OwnedEventId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    draft::{Draft, Kept},
    files::{self, Around},
    given::{about, as_files, place},
    settings::Docs,
    value::short,
};
use crate::{
    assistant::{
        clock::{later, now},
        commands::inert,
        courier::{Ending, link, notice},
        failure::Failure,
        jobs::job::Job,
        texts::{Documented, Language, Notes, Text},
    },
    job::{JobKind, JobScope, JobState},
    matrix,
    message::{Egress, Item, Linked},
    store::Change,
};

/// The longest title that Docs keeps, in characters.
const LONGEST_TITLE: usize = 254;
/// How long a person's address is kept after it was used last.
const ADDRESS_FOR: Duration = Duration::from_hours(365 * 24);

/// What follows `!note docs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The document, once it is clear what leaves for where.
    Send,
    /// The document, now.
    Confirmed,
    /// The address to be kept.
    Address(String),
    /// The address is to be forgotten.
    Forget,
}

/// A person's address.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
struct Address {
    /// The e-mail address.
    email: String,
    /// Whether the person has confirmed that documents are made for it.
    #[serde(default)]
    confirmed: bool,
    /// Whether the person has given it, rather than the file of addresses.
    #[serde(default)]
    given: bool,
}

/// Does what was asked about Docs.
pub async fn docs(job: &Job<'_>, ask: Ask, kept: Option<Kept>) -> Result<Ending, Failure> {
    let say = |text: Documented<'_>| job.ends(&Text::Documented(text));
    let config = job.parts.config.docs.as_ref();
    let scope = || JobScope::Person(job.message.sender.clone());
    if ask == Ask::Forget {
        let changes = vec![Change::DropJob(JobKind::DocsAddress, scope())];
        return Ok(Ending { changes, ..say(Documented::AddressForgotten) });
    }
    let Some(config) = config else {
        return match kept.and_then(|kept| kept.draft) {
            Some(draft) => as_files(job, &draft, &Text::Documented(Documented::NotConfigured)).await,
            None => Ok(job.ends(&Text::Notes(Notes::NoDraft))),
        };
    };
    if let Ask::Address(address) = ask {
        if !config.takes(&address) {
            let domains = config.domains.iter().map(|domain| inert(domain)).collect::<Vec<_>>().join(", ");
            return Ok(say(Documented::BadAddress { domains: &domains }));
        }
        let shown = inert(&address);
        let changes = vec![keep(job, &Address { email: address, confirmed: false, given: true })];
        return Ok(Ending { changes, ..say(Documented::AddressKept { address: &shown }) });
    }
    let Some(kept) = kept.filter(|kept| kept.draft.is_some()) else {
        return Ok(job.ends(&Text::Notes(Notes::NoDraft)));
    };
    match address(job, config).await? {
        None => Ok(say(Documented::AskAddress)),
        Some(address) => send(job, config, ask, address, kept).await,
    }
}

/// The person's address: what they gave, or what the file says of them.
async fn address(job: &Job<'_>, config: &Docs) -> Result<Option<Address>, Failure> {
    let scope = JobScope::Person(job.message.sender.clone());
    let state = job.parts.store.job_state(JobKind::DocsAddress, &scope, now()).await?;
    let own: Option<Address> = state.and_then(|state| serde_json::from_value(state.content).ok());
    if let Some(own) = own.as_ref().filter(|own| own.given && config.takes(&own.email)) {
        return Ok(Some(own.clone()));
    }
    let (reading, person) = (config.clone(), job.message.sender.clone());
    let named = tokio::task::spawn_blocking(move || reading.address_of(&person)).await;
    let named = named.ok().and_then(|named| match named {
        Ok(named) => named,
        Err(error) => {
            tracing::error!(%error, "the addresses for Docs cannot be read");
            None
        }
    });
    Ok(named.map(|address| {
        let confirmed = own.is_some_and(|own| own.confirmed && own.email == address);
        Address { email: address, confirmed, given: false }
    }))
}

fn keep(job: &Job<'_>, address: &Address) -> Change {
    let (person, at) = (job.message.sender.clone(), now());
    Change::KeepJob(Box::new(JobState {
        kind: JobKind::DocsAddress,
        scope: JobScope::Person(person.clone()),
        by: Some(person),
        at,
        until: later(at, ADDRESS_FOR),
        content: serde_json::to_value(address).unwrap_or_default(),
    }))
}

/// Says what would leave, or has it leave.
async fn send(job: &Job<'_>, config: &Docs, ask: Ask, address: Address, kept: Kept) -> Result<Ending, Failure> {
    let say = |text: Documented<'_>| job.ends(&Text::Documented(text));
    let (store, message) = (&job.parts.store, job.message);
    let Some(mut draft) = kept.draft.clone() else { return Ok(Ending::default()) };
    let content = content(job, &draft);
    let version = blake3::hash(format!("{}\n{content}", address.email).as_bytes()).to_hex().to_string();
    if let Some((asked, of)) = draft.document.as_ref().filter(|(_, of)| *of == version) {
        match made(job, asked).await? {
            Made::Link(link) => return Ok(linked_already(job, &link)),
            Made::UnderWay => return Ok(say(Documented::UnderWay)),
            Made::Nothing => tracing::debug!(%asked, version = of, "a document is asked for once more"),
        }
    }
    let title = short(files::title(&draft.note, draft.language()), LONGEST_TITLE);
    let (shown, host, person) = (inert(&title), inert(config.host()), inert(&address.email));
    let (title_shown, characters) = (&*shown, content.chars().count());
    if ask != Ask::Confirmed && !address.confirmed {
        return Ok(say(Documented::Confirm { title: title_shown, characters, host: &host, address: &person }));
    }
    let subject = store.subject(&config.service, &message.sender).await?;
    let body = json!({
        "title": title,
        "content": content,
        "sub": subject,
        "email": address.email,
        "language": match draft.language() {
            Language::Fr => "fr-fr",
            Language::En => "en-us",
        },
    });
    let leaving = Documented::Leaving { title: title_shown, characters, host: &host, address: &person };
    let mut items: Vec<Item> = matrix::parts(&job.text(&Text::Documented(leaving))).into_iter().map(notice).collect();
    items.push(Item::Egress(Egress {
        service: config.service.clone(),
        idempotency_key: format!("note-{}", &blake3::hash(message.event_id.as_bytes()).to_hex()[..32]),
        body: body.to_string(),
        once: true,
    }));
    let text = job.text(&Text::Documented(Documented::Made { link: Linked::HERE }));
    items.push(Item::Linked(Linked { text, site: config.site.clone() }));
    draft.document = Some((message.event_id.clone(), version));
    let confirmed = Address { confirmed: true, ..address };
    let kept = Kept { draft: Some(draft), ..kept };
    let changes = vec![kept.change(&message.conversation(), now()), keep(job, &confirmed)];
    Ok(Ending { items, changes, ..Ending::default() })
}

/// What leaves.
fn content(job: &Job<'_>, draft: &Draft) -> String {
    let about = about(draft);
    let place = place(job, draft);
    files::markdown(&draft.note, Around { about: &about, place, language: draft.language() })
}

/// What came of an earlier call.
enum Made {
    Link(String),
    UnderWay,
    Nothing,
}

async fn made(job: &Job<'_>, asked: &OwnedEventId) -> Result<Made, Failure> {
    let room = &job.message.room_id;
    let Some(calls) = job.parts.store.calls_of(room, asked).await? else {
        // It is on its way, or nothing is known of it any more.
        let underway = job.parts.store.is_underway(room, asked).await?;
        return Ok(if underway { Made::UnderWay } else { Made::Nothing });
    };
    let site = job.parts.config.docs.as_ref().map_or("", |docs| &docs.site);
    Ok(calls.first().map_or(Made::Nothing, |said| Made::Link(link(site, said))))
}

fn linked_already(job: &Job<'_>, link: &str) -> Ending {
    let text = job.text(&Text::Documented(Documented::Already { link }));
    let item = Item::Linked(Linked { text, site: link.to_owned() });
    Ending { items: vec![item], ..Ending::default() }
}
