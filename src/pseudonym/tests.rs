//! What is found, by example; what goes out comes back.

use super::{Kind, Pseudonymised, Table, keys};

fn shown(text: &str) -> String {
    let mut table = Table::new();
    let Pseudonymised { text: shown, .. } = table.pseudonymise(text);
    assert_eq!(table.restore(&shown), text);
    shown
}

/// The findings of a text, by kind.
fn found(text: &str, kind: Kind) -> Vec<String> {
    let found = Table::new().pseudonymise(text).found;
    found.into_iter().filter(|finding| finding.kind == kind).map(|finding| finding.original).collect()
}

#[test]
fn a_letter_is_shown_without_who_wrote_it() {
    let letter = "Madame, Monsieur,\nJe m'appelle Leïla Benmansour-Kervella, née le 12 mars 1985 à Oullins. J'habite 12 bis rue des Lilas, 69100 Villeurbanne.\n\
        Mon conseiller de la CAF, M. Petit, ne répond plus au 06 12 34 56 78.\nCordialement,\nMme Benmansour-Kervella";
    assert_eq!(
        shown(letter),
        "Madame, Monsieur,\nJe m'appelle [PERSONNE_1], née le [NAISSANCE_1] à [LIEU_1]. J'habite [ADRESSE_1].\n\
        Mon conseiller de la CAF, M. [PERSONNE_2], ne répond plus au [TELEPHONE_1].\nCordialement,\nMme [PERSONNE_1.2]"
    );
}

#[test]
fn people_are_found_in_lower_case_and_without_accents() {
    assert_eq!(
        shown("bonjour je suis oumou kante et ma conseillere julie petit ne repond pas, j'habite a lyon"),
        "bonjour je suis [PERSONNE_1] et ma conseillere [PERSONNE_2] ne repond pas, j'habite a [LIEU_1]"
    );
    assert_eq!(
        shown("JE M'APPELLE SOPHIE MARCHAND ET J'HABITE A RENNES DEPUIS TROIS ANS"),
        "JE M'APPELLE [PERSONNE_1] ET J'HABITE A [LIEU_1] DEPUIS TROIS ANS"
    );
}

#[test]
fn names_with_particles_hyphens_and_apostrophes_are_whole() {
    for name in [
        "Charles de La Fontaine",
        "Aïssatou N'Diaye",
        "Sean O'Brien",
        "Youssef Ben Ali",
        "Jan van der Berg",
        "Jean-Pierre Dupont-Durand",
        "Nguyen Thi Hoa",
    ] {
        let text = format!("Le dossier de Mme {name} est complet.");
        assert_eq!(found(&text, Kind::Person), [name], "{text}");
    }
}

#[test]
fn one_person_keeps_one_number_in_every_spelling() {
    let mut table = Table::new();
    let first = table
        .pseudonymise("Mme Sophie Lefèvre a appelé. LEFEVRE Sophie rappellera. Mme Lefevre attend. Voir avec Sophie.")
        .text;
    assert_eq!(
        first,
        "Mme [PERSONNE_1] a appelé. [PERSONNE_1.2] rappellera. Mme [PERSONNE_1.3] attend. Voir avec [PERSONNE_1.4]."
    );
    // In the next message of the conversation too, and beside another of that name.
    assert_eq!(
        table.pseudonymise("M. Lefèvre est son mari, lefèvre le sait.").text,
        "M. [PERSONNE_2] est son mari, [PERSONNE_2.2] le sait."
    );
    assert_eq!(
        table.restore("Chère [PERSONNE_1], [personne\\_1.3] et [PERSONNE_2] :"),
        "Chère Sophie Lefèvre, Lefevre et Lefèvre :"
    );
}

#[test]
fn a_bracket_around_a_telephone_stays_and_one_within_it_goes() {
    for (text, expected) in [
        ("Mme Benali (06 12 34 56 78) attend.", "Mme [PERSONNE_1] ([TELEPHONE_1]) attend."),
        ("Rappeler (+33 6 12 34 56 78).", "Rappeler ([TELEPHONE_1])."),
        ("Rappeler (+33) 6 12 34 56 78.", "Rappeler [TELEPHONE_1]."),
        ("Rappeler +33 (0)6 12 34 56 78.", "Rappeler [TELEPHONE_1]."),
        ("06 12 34 56 78", "[TELEPHONE_1]"),
    ] {
        assert_eq!(shown(text), expected);
    }
}

#[test]
fn the_fields_of_a_form_are_one_person() {
    assert_eq!(
        shown("Nom : Petit\nPrénom : Rose\nTél : 0612345678"),
        "Nom : [PERSONNE_1]\nPrénom : [PERSONNE_1.2]\nTél : [TELEPHONE_1]"
    );
}

#[test]
fn services_of_the_state_months_and_laws_are_left() {
    for text in [
        "La CAF, France Travail et la CPAM ont répondu en mars.",
        "Selon le décret n° 2019-1234 du 25 novembre 2019, le Conseil d'État peut fixer un plafond de 23 500 euros.",
        "Le Service Public est gratuit. La Carte Vitale aussi. Direction Générale des Finances Publiques.",
        "L'article L. 5411-6 du code du travail prévoit un délai de deux mois.",
        "Bonjour à tous, merci de votre réponse. Cordialement.",
        "Please find the attached document for your records, thank you.",
        "Bonjour, ma carte est prête ? Merci à France Services !",
        "MERCI À FRANCE TITRES et à France Rénov’, mais j'ai écrit à France Connect. Santé publique France aussi.",
        "Nous regrettons cette attente ; prenez rendez-vous sur exemple.gouv.fr.",
        "Merci à exemple.gouv.fr",
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn a_person_who_is_called_like_a_service_is_one() {
    assert_eq!(shown("Mme France Services attend."), "Mme [PERSONNE_1] attend.");
}

#[test]
fn what_people_write_to_services_is_left_where_it_names_nobody() {
    for text in [
        "bonjours jai fait ma demande de titre de sejour ya 6 mois et toujour rien, cest inadmisible, jattend une reponce rapide svp",
        "Je suis tres mecontente du servise, j'ai apeller 10 fois et personne me repond. on ma dit d'attendre mes jai plus de droit au rsa",
        "Le télé-service ne marche pas sous Firefox ni sous Chrome. J'ai essayé avec Edge, idem. Merci de corriger ce bug.",
        "Félicitations à toute l'équipe de la Maison France Services ! Accueil chaleureux, agents compétents, locaux propres.",
        "La Commission Départementale d'Aménagement Commercial a rendu un avis favorable. Les Comités Sociaux Territoriaux se réuniront en Juin.",
        "Objet : Demande de Subvention\nRéf : DGS/2024\nMonsieur le Maire,\nJ'ai l'honneur de solliciter une subvention pour l'année 2024.",
        "Can you please help me with my visa application? I have been waiting for three months and nobody answers the phone.",
        "| Mois | Montant |\n| Janvier | 1 200 € |\n| Février | 1 350 € |",
        "Selon l'INSEE, la population de l'Europe augmente. L'OCDE et l'ONU confirment. Le Premier ministre s'est rendu à l'Assemblée nationale.",
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn companies_schools_and_associations_are_found_and_places_behind_them() {
    assert_eq!(
        shown(
            "La SARL Kerbrat et Fils, l'association « Un Toit pour tous », le collège Jean Moulin ; Menuiserie Deltour."
        ),
        "La SARL [ORGANISATION_1], l'association « [ORGANISATION_2] », le collège [ORGANISATION_3] ; [ORGANISATION_4]."
    );
    assert_eq!(
        shown("La mairie de Saint-Martin-sur-Ouanne et la CAF de Rennes"),
        "La mairie de [LIEU_1] et la CAF de [LIEU_2]"
    );
}

#[test]
fn identifiers_are_known_by_their_keys() {
    for (kind, text) in [
        (Kind::Nir, "255081416802538"),
        (Kind::Nir, "2 55 08 14 168 025 38"),
        (Kind::Nir, "1 85 05 2A 006 084 35"),
        (Kind::Siren, "732 829 320"),
        (Kind::Siret, "73282932000074"),
        // La Poste's, whose digits add up to a multiple of five only.
        (Kind::Siret, "356 000 000 00074"),
        (Kind::BankAccount, "FR76 3000 6000 0112 3456 7890 189"),
        (Kind::BankAccount, "de89370400440532013000"),
        (Kind::Card, "4970 1012 3456 7893"),
        (Kind::Phone, "+33 (0)6 12 34 56 78"),
        (Kind::Phone, "06.12.34.56.78"),
        (Kind::Plate, "AB-123-CD"),
        (Kind::Passport, "12AB34567"),
        (Kind::Email, "leila.benmansour+rh@exemple.gouv.fr"),
        (Kind::Account, "@leila.benmansour-interieur.gouv.fr:agent.interieur.tchap.gouv.fr"),
    ] {
        assert_eq!(found(&format!("Voici : {text}."), kind), [text]);
    }
}

#[test]
fn numbers_without_a_key_are_known_by_the_words_before() {
    for (kind, text, number) in [
        (Kind::TaxNumber, "numéro fiscal : 3023217600053", "3023217600053"),
        (Kind::Caf, "mon numéro d'allocataire est le 1234567A", "1234567A"),
        (Kind::IdentityCard, "carte nationale d'identité n° X4RTBPFW4", "X4RTBPFW4"),
        (Kind::Number, "dossier n° 2024-AB-12345", "2024-AB-12345"),
        // Whose key is wrong.
        (Kind::Number, "n° de sécurité sociale 255081416802539", "255081416802539"),
        (Kind::Nir, "n° de sécurité sociale 2 55 08 14 168 025", "2 55 08 14 168 025"),
        (Kind::Plate, "véhicule immatriculé ab 123 cd", "ab 123 cd"),
    ] {
        assert_eq!(found(text, kind), [number], "{text}");
    }
}

#[test]
fn other_dates_and_amounts_are_left() {
    let text = "Le 12/03/2024, j'ai payé 123 456 782 euros pour 12345 dossiers ; réunion le 4 avril 2024.";
    assert_eq!(shown(text), text);
}

#[test]
fn what_looks_like_a_placeholder_comes_back_too() {
    let text = "[PERSONNE_1] [personne_1] [PERSONNE\\_2] [PERSONNE_[PERSONNE_1]] M. Dupont";
    assert_eq!(shown(text), "[TEXTE_1] [TEXTE_2] [TEXTE_3] [PERSONNE_[TEXTE_1]] M. [PERSONNE_1]");
    assert_eq!(Table::new().restore("[PERSONNE_1] reste"), "[PERSONNE_1] reste");
}

#[test]
fn a_table_is_kept_and_read_again() {
    let mut table = Table::new();
    let text = "Mme Sophie Lefèvre, 06 12 34 56 78, et [LIEU_1]. Lefevre Sophie.";
    let before = table.pseudonymise(text).text;
    let kept = serde_json::to_string(&table).expect("it can be written");
    let mut read: Table = serde_json::from_str(&kept).expect("it can be read");
    assert_eq!(read.restore(&before), text);
    assert_eq!(read.pseudonymise(text).text, before);
    assert_eq!(format!("{read:?}"), "Table(3 entries)");
}

#[test]
fn keys_are_checked_digit_by_digit() {
    assert!(keys::nir("255081416802538") && !keys::nir("255081416802537") && !keys::nir("2550814168025+8"));
    assert!(keys::siren("732829320") && !keys::siren("732829321") && !keys::siren("000000000"));
    assert!(keys::siret("35600000000048") && !keys::siret("35600000000049"));
    assert!(keys::iban("FR7630006000011234567890189") && !keys::iban("FR7630006000011234567890188"));
    assert!(keys::tax("3023217600053") && !keys::tax("3023217600054"));
    assert!(keys::card("4970101234567893") && !keys::card("4970101234567890"));
}
