//! Translations: of a message that is replied to, and of files of all formats, whose form is compared. The model says each text again in capitals:
//! nothing else of a file may change.

use std::{
    fs,
    io::{Cursor, Read as _},
    path::Path,
};

use zip::ZipArchive;

use crate::{
    sources::bot_of,
    support::{
        engine::{Engine, Prompt},
        people::Person,
        room::{Message, Text},
    },
    world::{World, joined_dm, play},
};

/// What the model is asked the translation of, in capitals; the names of entities and escapes are no words.
fn upper(prompt: &Prompt) -> String {
    let mut asked = prompt.messages.iter().filter_map(|said| said.content.split_once("Texte à traduire :\n"));
    asked.next_back().map_or_else(|| "Bien reçu.".to_owned(), |(_, text)| text.to_uppercase())
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/documents").join(name)).expect("a fixture")
}

/// The parts of a file: of an archive each member, of a text the whole.
fn parts(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let is_archive = ["docx", "odt", "pptx", "odp", "xlsx", "ods"].iter().any(|ending| name.ends_with(ending));
    if !is_archive {
        return vec![(String::new(), bytes.to_vec())];
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut parts = Vec::new();
    for at in 0..archive.len() {
        let mut member = archive.by_index(at).expect("a member");
        let mut content = Vec::new();
        member.read_to_end(&mut content).expect("unpacked");
        parts.push((member.name().expect("a name").into_owned(), content));
    }
    parts
}

/// What a part says, whatever its capitals, its line breaks and the way in which it writes its letters.
fn folded(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut pieces = text.split("&#");
    let mut folded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let letter = piece.split_once(';').and_then(|(code, rest)| Some((char::from_u32(code.parse().ok()?)?, rest)));
        match letter {
            Some((letter, rest)) => folded.extend([letter.to_lowercase().collect::<String>().as_str(), rest]),
            None => folded.extend(["&#", piece]),
        }
    }
    folded
}

/// Sends a file with its caption, and gives the file that comes back with what is said of it.
async fn translated(
    awa: &Person,
    room: &str,
    name: &str,
    media_type: &str,
    bytes: &[u8],
) -> (Message, Vec<u8>, String) {
    let sent = awa.send_file(room, name, media_type, bytes, "!traduire du français en anglais").await;
    let (file, said): (Message, String) = awa
        .until(room, "the translation", |messages| {
            let answers: Vec<&Message> = messages.iter().filter(|one| one.answers(&sent) && one.complete()).collect();
            let said = answers.iter().find(|one| one.file.is_none())?;
            let file = answers.iter().find(|one| one.file.is_some());
            assert!(file.is_some() || said.body.starts_with("Traduction en cours"), "{name}: {}", said.body);
            Some(((*file?).clone(), said.body.clone()))
        })
        .await;
    let bytes = awa.download(&file).await;
    (file, bytes, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_and_files_of_all_formats_are_translated_with_their_form() {
    let world = World::shared().await;
    let engine = Engine::start(upper);
    let (mut bot, id) = bot_of(world, &engine, world.setup().await);
    let awa = world.person("awa").await;
    let room = joined_dm(&awa, &id).await;
    let said = awa.send(&room, "La délégation remercie les autorités de leur accueil.").await;
    awa.answer_to(&room, &said).await;
    let answer = play(&awa, &room, Text::new("!traduire en anglais").replying_to(&said)).await;
    assert!(
        answer.body.contains("LA DÉLÉGATION REMERCIE LES AUTORITÉS") && answer.body.contains("Traduit du français"),
        "{answer:#?}"
    );
    let markdown = "# Note\n\n- Le **budget** est voté, voir [le guide](https://example.fr/a).\n\n| Nom | Âge |\n|---|---|\n| Awa | 12 |\n\n```\nlet code = 1;\n```\n";
    let text = "Note de service\n\nLa réunion est reportée au 12 mars 2026.\n";
    let film = "1\n00:00:01,000 --> 00:00:04,000\nBonjour à tous.\n\n2\n00:00:05,000 --> 00:00:08,000\nLa séance est ouverte.\n";
    let files: [(&str, &str, Vec<u8>); 10] = [
        (
            "libreoffice-guide.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            fixture("libreoffice-guide.docx"),
        ),
        (
            "python-docx-astreinte.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            fixture("python-docx-astreinte.docx"),
        ),
        ("libreoffice-guide.odt", "application/vnd.oasis.opendocument.text", fixture("libreoffice-guide.odt")),
        (
            "python-pptx-securite.pptx",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            fixture("python-pptx-securite.pptx"),
        ),
        (
            "libreoffice-effectifs.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            fixture("libreoffice-effectifs.xlsx"),
        ),
        (
            "openpyxl-marches.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            fixture("openpyxl-marches.xlsx"),
        ),
        ("libreoffice-guide.html", "text/html", fixture("libreoffice-guide.html")),
        ("note.md", "text/markdown", markdown.as_bytes().to_vec()),
        ("note.txt", "text/plain", text.as_bytes().to_vec()),
        ("film.srt", "application/x-subrip", film.as_bytes().to_vec()),
    ];
    for (name, media_type, bytes) in files {
        let (message, translation, said) = translated(&awa, &room, name, media_type, &bytes).await;
        let (stem, ending) = name.rsplit_once('.').expect("an ending");
        assert_eq!(message.body, format!("{stem}.en.{ending}"));
        let (before, after) = (parts(name, &bytes), parts(name, &translation));
        let names = |parts: &[(String, Vec<u8>)]| parts.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after), "{name}");
        let mut changed = 0;
        for ((member, before), (_, after)) in before.iter().zip(&after) {
            changed += usize::from(before != after);
            let (was, is) = (folded(before), folded(after));
            let same = was.chars().zip(is.chars()).take_while(|(was, is)| was == is).count().saturating_sub(40);
            let part = |text: &str| text.chars().skip(same).take(120).collect::<String>();
            assert!(was == is, "{name}, {member}: more than capitals differs:\n{}\n{}", part(&was), part(&is));
        }
        assert!(changed > 0, "{name}: nothing is translated");
        println!(
            "{name}: {} of {} parts changed, in capitals only — {}",
            changed,
            before.len(),
            said.lines().next().unwrap_or_default()
        );
    }
    let log = bot.log();
    assert!(!log.contains("remercie") && !log.contains("REMERCIE"), "no content in the log");
    assert!(bot.terminate().success(), "{}", bot.log());
}
