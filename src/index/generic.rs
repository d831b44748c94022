//! Questions about anything, and the mean of their vectors: what is common to all questions.
//!
//! Embedding models place all questions close together, away from what answers them. With the mean of many taken off, a query's direction
//! is what it asks for.

/// Questions of many fields and forms, each about something: the vaguer they are, the less of what all questions share is in their mean.
/// Few enough to be embedded at each start.
pub const QUESTIONS: [&str; 64] = [
    "Comment demander une mutation dans une autre région quand on est professeur ?",
    "Quelle est la date limite pour poser les congés d’été à la direction des affaires juridiques ?",
    "combien de temps garde-t-on les dossiers médicaux des agents",
    "Qui autorise l’achat d’un serveur au-dessus de 40 000 euros ?",
    "Mon ordinateur portable ne s’allume plus, à qui l’apporter ?",
    "règles de stationnement devant l’hôtel de ville",
    "Comment déclarer une fuite de données à la CNIL ?",
    "Que prévoit le plan de prévention en cas de canicule pour les agents qui travaillent dehors ?",
    "prix d’un repas au restaurant du personnel",
    "Comment rédiger un cahier des charges pour la rénovation d’une école ?",
    "Quels vaccins faut-il avant une mission en Guyane ?",
    "la différence entre un arrêté et un décret",
    "À quel moment la taxe foncière est-elle due par un nouveau propriétaire ?",
    "Comment s’écrit la formule de politesse dans une lettre à un préfet ?",
    "Le chauffage de la salle des fêtes est en panne depuis lundi, que faire ?",
    "Qui représente les parents au conseil d’école ?",
    "Comment changer les pneus d’un fourgon de service ?",
    "quelles espèces d’oiseaux sont protégées en Camargue",
    "Combien de jours de maladie avant que le salaire baisse ?",
    "Le président d’une association peut-il être payé ?",
    "comment exporter un tableau en PDF",
    "Quels diplômes pour devenir infirmier scolaire ?",
    "Une commune peut-elle vendre un chemin rural ?",
    "Quelle est la procédure pour adopter un chien d’un refuge ?",
    "Quels fruits et légumes sont de saison en mars ?",
    "mon voisin fait du bruit la nuit",
    "Peut-on filmer une séance du conseil municipal ?",
    "Où sont rangées les clés de la salle des archives ?",
    "Comment calculer le volume d’un cylindre ?",
    "L’avis de l’architecte des bâtiments de France est-il contraignant ?",
    "Comment se déroule l’oral du concours de commissaire de police ?",
    "accès au réseau sans fil pour les visiteurs",
    "Quels sont les effets du sel sur la tension ?",
    "Que contient le rapport de la Cour des comptes sur les hôpitaux ?",
    "Comment organiser un vote à distance dans un syndicat ?",
    "Faut-il un permis pour construire une serre de jardin ?",
    "Quand a été construit le pont du Gard ?",
    "télécharger le relevé de carrière",
    "Comment joindre l’ambassade de France à Lima ?",
    "Un stagiaire a-t-il droit aux tickets restaurant ?",
    "Quelle assurance pour un véhicule prêté à un collègue ?",
    "Comment traduire un acte de naissance étranger ?",
    "mesures de sécurité dans un laboratoire de chimie",
    "Quelles subventions pour isoler une toiture ?",
    "Qui a écrit les Misérables ?",
    "Comment fonctionne le tirage au sort des jurés ?",
    "Quelles sont les étapes pour clore un exercice comptable ?",
    "le tri des déchets au bureau",
    "Peut-on annuler une réservation de train le jour même ?",
    "Comment vérifier la signature électronique d’un contrat ?",
    "Quels travaux sont prévus sur la ligne de tramway ?",
    "Comment préparer un enfant à l’entrée en maternelle ?",
    "durée du mandat d’un conseiller départemental",
    "Comment récupérer un courriel effacé par erreur ?",
    "Quelle eau est potable en randonnée ?",
    "À qui signaler un nid-de-poule sur une départementale ?",
    "Quel est le taux d’intérêt d’un prêt sur vingt ans ?",
    "Comment accueillir une personne sourde au guichet ?",
    "prélèvement d’un échantillon de sol pollué",
    "Quels sont les symptômes d’une entorse ?",
    "Comment sauvegarder une base de données chaque nuit ?",
    "Un élu peut-il refuser de célébrer un mariage ?",
    "Combien de places de crèche sont ouvertes dans le quartier ?",
    "Comment jouer aux échecs quand on débute ?",
];

/// The mean of the vectors of [`QUESTIONS`], for [`super::Query::generic`]. `None` where there are none.
#[must_use]
pub fn mean(vectors: &[Vec<f32>]) -> Option<Vec<f32>> {
    let mut mean = vec![0.0; vectors.first()?.len()];
    for vector in vectors {
        for (sum, value) in mean.iter_mut().zip(vector) {
            *sum += value / vectors.len() as f32;
        }
    }
    Some(mean)
}
