//! Which compagnon answers in a room at the moment: the room's own choice over the configuration's.

use std::sync::Arc;

use ruma::RoomId;

use crate::{
    assistant::{commands::inert, config::Config, failure::Failure},
    compagnon::{Choice, Compagnon, LibraryWatcher, Made, Settings, Version},
    document::Partition,
    store::Store,
};

/// The compagnon of a room.
pub struct EffectiveCompagnon {
    /// What it is.
    pub compagnon: Arc<Compagnon>,
    /// The version of one that was made by command.
    pub version: Option<u32>,
    /// Whether the one that was chosen is there no more, and the usual one answers in its place.
    pub gone: bool,
}

impl EffectiveCompagnon {
    /// That of a room with these settings.
    pub async fn of_room(
        store: &Store,
        library: &LibraryWatcher,
        config: &Config,
        room: &RoomId,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let library = library.library();
        // The program has made sure of it at start.
        let usual = || library.get(&config.compagnon).cloned().map_err(|error| Failure::Compagnon(error.to_string()));
        let chosen = match &settings.compagnon {
            None => return Ok(Self { compagnon: usual()?, version: None, gone: false }),
            Some(Choice::Library(id)) => library.get(id).ok().cloned().map(|compagnon| (compagnon, None)),
            Some(Choice::Made(number)) => {
                let made = store.made(*number).await?;
                made.and_then(|made| read(&made, version_in(&made, room)?))
            }
            Some(Choice::Own(number)) => {
                let made = store.made(*number).await?;
                made.and_then(|made| read(&made, version_in(&made, room).or_else(|| made.latest())?))
            }
        };
        Ok(match chosen {
            Some((compagnon, version)) => Self { compagnon, version, gone: false },
            None => Self { compagnon: usual()?, version: None, gone: true },
        })
    }

    /// Its partition in a room with these settings: by its identifier in the library, or by its number where it was made by command.
    pub fn partition(&self, settings: &Settings) -> Partition {
        match settings.compagnon {
            Some(Choice::Made(number) | Choice::Own(number)) if !self.gone => Partition::of_made(number),
            _ => Partition::Compagnon(self.compagnon.id.clone()),
        }
    }

    /// The compagnon's title, as text that markdown leaves alone.
    pub fn title(&self) -> String {
        inert(self.compagnon.title())
    }
}

/// The version of a compagnon made by command that a room is given: the newest in its own, the published one elsewhere.
pub fn version_in<'a>(made: &'a Made, room: &RoomId) -> Option<&'a Version> {
    if made.room_id == room { made.latest() } else { made.version(made.published?) }
}

fn read(made: &Made, version: &Version) -> Option<(Arc<Compagnon>, Option<u32>)> {
    made.read(version).map(|compagnon| (Arc::new(compagnon), Some(version.number))).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Choice, Compagnon, EffectiveCompagnon, Partition, Settings};
    use crate::compagnon::About;

    #[test]
    fn a_compagnon_made_by_command_is_known_by_its_number_while_it_answers() {
        let compagnon = Arc::new(Compagnon::new("rh", About::default(), "Vous êtes RH.").expect("good"));
        let of = |choice, gone| {
            let settings = Settings { compagnon: choice, ..Settings::default() };
            EffectiveCompagnon { compagnon: Arc::clone(&compagnon), version: None, gone }.partition(&settings)
        };
        let library = Partition::Compagnon("rh".to_owned());
        assert_eq!(of(None, false), library);
        assert_eq!(of(Some(Choice::Library("rh".to_owned())), false), library);
        assert_eq!(of(Some(Choice::Made(3)), false), Partition::of_made(3));
        assert_eq!(of(Some(Choice::Own(3)), false), Partition::of_made(3));
        assert_eq!(of(Some(Choice::Made(3)), true), library);
    }
}
