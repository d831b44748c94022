//! `!pseudonymiser` against the fakes.

use super::tests::{Office, ben};
use crate::assistant::Config;

const TEXT: &str = "Bonjour, je suis Mme Aïcha Benali, 06 12 34 56 78. Aïcha Benali attend sa carte.";

#[tokio::test(flavor = "multi_thread")]
async fn a_text_comes_back_with_placeholders_and_the_list_of_what_they_stand_for() {
    let mut office = Office::new(Config::default());
    for body in [format!("!pseudonymiser {TEXT}"), format!("!pseudonymise\n\n{TEXT}")] {
        let shown = office.command(&ben(), "!with-ben:h", &body).await;
        let (text, list) = shown.rsplit_once("```").expect("a block");
        assert!(text.contains("[PERSONNE_1]") && text.contains("[TELEPHONE_1]"), "{shown}");
        assert!(!text.contains("Benali") && !text.contains("06 12"), "{shown}");
        assert_eq!(text.matches("[PERSONNE_1").count(), 2, "one person has one number: {shown}");
        assert!(list.contains("Aïcha Benali") && list.contains("06 12 34 56 78"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_cannot_end_its_block_and_a_name_cannot_write_markdown() {
    let mut office = Office::new(Config::default());
    let shown = office
        .command(&ben(), "!with-ben:h", "!pseudonymiser\n```\n# Titre\nMme Aïcha **Benali**, 06 12 34 56 78")
        .await;
    assert!(shown.starts_with("````\n"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_text_its_use_is_said_and_where_nobody_is_named_that_is_said() {
    let mut office = Office::new(Config::default());
    assert!(office.command(&ben(), "!with-ben:h", "!pseudonymiser").await.contains("`!pseudonymiser <texte>`"));
    let shown = office.command(&ben(), "!with-ben:h", "!pseudonymiser La réunion est reportée.").await;
    assert!(shown.starts_with("Je n’ai rien trouvé"), "{shown}");
}
