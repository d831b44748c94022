//! Questions about anything, and the mean of their vectors: what is common to all questions.
//!
//! Embedding models place all questions close together, away from what answers them. With the mean of many taken off, a query's direction
//! is what it asks for.

/// Questions of many fields and forms. Their number is small enough to be embedded at each start.
pub const QUESTIONS: [&str; 48] = [
    "Comment faire une demande de congé ?",
    "Quels documents faut-il fournir ?",
    "Qui contacter en cas de problème ?",
    "quel est le délai",
    "Combien ça coûte ?",
    "À quelle date la réunion a-t-elle lieu ?",
    "Quelle est la durée maximale autorisée ?",
    "prime",
    "Que dit le règlement intérieur ?",
    "Qu’est-ce qu’un marché public ?",
    "Est-ce obligatoire ?",
    "procédure de signalement",
    "Comment se connecter au réseau ?",
    "Quels sont les objectifs du projet ?",
    "résume ce document",
    "Quelles sont les conclusions du rapport ?",
    "Qui a signé la convention ?",
    "remboursement des frais de déplacement",
    "Puis-je refuser ?",
    "Quelles sont les conditions pour en bénéficier ?",
    "Où se trouve le bureau ?",
    "Comment installer le logiciel ?",
    "Quel est le montant de l’aide ?",
    "mot de passe oublié",
    "Quels sont les risques identifiés ?",
    "Que faire en cas d’incendie ?",
    "Qui valide les dépenses ?",
    "Quel est le rôle du comité ?",
    "Comment calculer l’ancienneté ?",
    "formation continue des agents",
    "Quelle est la différence entre les deux ?",
    "Quand faut-il renouveler la demande ?",
    "Comment contester une décision ?",
    "Quels sont mes droits ?",
    "horaires d’ouverture",
    "Comment préparer un concours ?",
    "Quels produits peut-on utiliser ?",
    "Pourquoi le dossier a-t-il été rejeté ?",
    "Quelle est la température idéale ?",
    "Qui est le responsable du service ?",
    "Comment fonctionne cette machine ?",
    "histoire de la région",
    "Quels sont les effets sur la santé ?",
    "Combien de personnes sont concernées ?",
    "Comment protéger les données personnelles ?",
    "déclaration en ligne",
    "Que signifie ce sigle ?",
    "Quelle sanction est prévue ?",
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
