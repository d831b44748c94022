//! Made-up figures, and the page served with them.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use compagnon::{
    page::{self, Config, Snapshot, Source, Unavailable},
    statistics::{Activity, Compagnon, Crowd, Day, Series, Statistics, Week},
};
use jiff::civil::date;
use tokio::net::TcpListener;

/// A name that somebody might give a compagnon.
pub const HOSTILE: &str = "<script>alert(\"c’est\" & '{name}')</script>";

/// A Wednesday.
pub fn today() -> Day {
    Day::from(date(2026, 11, 25))
}

/// The last week that is over.
pub fn last() -> Week {
    today().week().before()
}

/// Thirty weeks: use grows, one week is too small, a few figures are of a room of nine.
pub fn statistics() -> Statistics {
    let first = last().back(29);
    let mut statistics = Statistics { since: Some(Day(first.monday().0 + 2)), ..Statistics::default() };
    for index in 0..30_u64 {
        let week = first.back(0);
        let week = (0..index).fold(week, |week, _| week.after());
        if index == 12 {
            few(&mut statistics, week);
        } else {
            usual(&mut statistics, week, index);
        }
    }
    // The week that is not over.
    usual(&mut statistics, last().after(), 500);
    statistics
}

fn usual(statistics: &mut Statistics, week: Week, index: u64) {
    let people = 60 + index * 37 + index % 5 * 11;
    let generalist = Compagnon::Library("generaliste".to_owned());
    add(statistics, week, &generalist, Activity::Answer, people * 6);
    add(statistics, week, &generalist, Activity::Document, people);
    add(statistics, week, &Compagnon::Library("traduction".to_owned()), Activity::Translation, people * 2);
    add(statistics, week, &Compagnon::Library("hostile".to_owned()), Activity::Answer, people / 2);
    add(statistics, week, &Compagnon::Made(7), Activity::Answer, 40);
    // A room of nine.
    add(statistics, week, &Compagnon::Made(9), Activity::Note, 27);
    let mut crowd = |crowd: Crowd, people| {
        statistics.raters.insert((week, crowd.clone()), people / 2);
        statistics.people.insert((week, crowd), people);
    };
    crowd(Crowd::All, people);
    crowd(Crowd::Compagnon(generalist), people * 3 / 4);
    crowd(Crowd::Compagnon(Compagnon::Library("traduction".to_owned())), people / 2);
    crowd(Crowd::Compagnon(Compagnon::Library("hostile".to_owned())), people / 4);
    crowd(Crowd::Compagnon(Compagnon::Made(7)), 12);
    crowd(Crowd::Compagnon(Compagnon::Made(9)), 9);
    crowd(Crowd::Activity(Activity::Answer), people * 3 / 4);
    crowd(Crowd::Activity(Activity::Document), people / 5);
    crowd(Crowd::Activity(Activity::Translation), people / 2);
    crowd(Crowd::Activity(Activity::Note), 9);
}

fn few(statistics: &mut Statistics, week: Week) {
    let generalist = Compagnon::Library("generaliste".to_owned());
    add(statistics, week, &generalist, Activity::Answer, 7_919);
    for crowd in [Crowd::All, Crowd::Compagnon(generalist), Crowd::Activity(Activity::Answer)] {
        statistics.people.insert((week, crowd), 9);
    }
}

fn add(statistics: &mut Statistics, week: Week, compagnon: &Compagnon, activity: Activity, questions: u64) {
    let series = Series { compagnon: compagnon.clone(), model: "witness".to_owned(), activity };
    let counters = statistics.days.entry((week.monday(), series)).or_default();
    counters.questions += questions;
    counters.answers += questions - questions / 50;
    counters.useful += questions / 5;
    counters.not_useful += questions / 25;
    for number in 0..questions.min(200) {
        counters.first_text.record(Duration::from_millis(400 + number * 23));
        counters.whole.record(Duration::from_millis(3_000 + number * 210));
    }
    counters.energy.measured += questions * 900_000;
    counters.energy.estimated += questions * 40_000;
}

/// What the page is told.
pub struct Told {
    /// The statistics.
    pub statistics: Statistics,
    /// Whether they can be read.
    pub readable: AtomicBool,
    /// The day.
    pub today: AtomicU32,
    /// How often they were read.
    pub read: AtomicU32,
}

impl Told {
    /// These statistics, on the usual day.
    pub fn new(statistics: Statistics) -> Arc<Self> {
        Arc::new(Self {
            statistics,
            readable: AtomicBool::new(true),
            today: AtomicU32::new(today().0),
            read: AtomicU32::new(0),
        })
    }
}

#[async_trait]
impl Source for Told {
    fn today(&self) -> Day {
        Day(self.today.load(Ordering::Relaxed))
    }

    async fn snapshot(&self) -> Result<Snapshot, Unavailable> {
        self.read.fetch_add(1, Ordering::Relaxed);
        if !self.readable.load(Ordering::Relaxed) {
            return Err(Unavailable("made up".to_owned()));
        }
        let names = [("generaliste", "Généraliste"), ("traduction", "Traduction"), ("hostile", HOSTILE)];
        let names = names.map(|(id, name)| (id.to_owned(), name.to_owned()));
        Ok(Snapshot { statistics: self.statistics.clone(), today: self.today(), names: BTreeMap::from(names) })
    }
}

/// The configuration of the tests.
pub fn config() -> Config {
    Config {
        name: "Assistant d’essai <b>".to_owned(),
        publisher: "le ministère d’essai".to_owned(),
        contact: Some("contact@example.gouv.fr".to_owned()),
        ..Config::default()
    }
}

/// Serves until the runtime of the test ends.
pub async fn serve(told: Arc<Told>) -> SocketAddr {
    serve_on(TcpListener::bind("127.0.0.1:0").await.expect("a port"), told)
}

/// The same at an address that is bound already.
pub fn serve_on(listener: TcpListener, told: Arc<Told>) -> SocketAddr {
    let address = listener.local_addr().expect("bound");
    tokio::spawn(page::serve(listener, config(), told, std::future::pending()));
    address
}

/// Serves the usual figures.
pub async fn served() -> SocketAddr {
    serve(Told::new(statistics())).await
}

/// All pages.
pub const PAGES: [&str; 6] =
    ["statistiques", "statistics", "accessibilite", "accessibility", "confidentialite", "privacy"];
