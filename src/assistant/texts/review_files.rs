//! The sentences about files of reviews that cannot be read, or are not kept, in both languages.

use crate::assistant::jobs::reviews::BadFile;

pub(super) fn dropped_fr(name: &str, count: usize) -> String {
    let reviews = if count > 1 { format!("{count} avis d’usagers") } else { "un avis d’usager".to_owned() };
    format!(
        "« {name} » contient {reviews} : je ne le garde pas, à cause des noms qui peuvent y figurer. Pour préparer les réponses \
         une à une, sans les noms, répondez à ce fichier par `!avis`. Pour le garder quand même comme document, répondez-lui par \
         `!documents ajouter`."
    )
}

pub(super) fn dropped_en(name: &str, count: usize) -> String {
    let reviews = if count > 1 { format!("{count} reviews by users") } else { "a user’s review".to_owned() };
    format!(
        "“{name}” holds {reviews}: I do not keep it, because of the names that may be in it. To draft the replies one by one, \
         without the names, reply to this file with `!review`. To keep it as a document all the same, reply to it with \
         `!documents add`."
    )
}

pub(super) fn bad_fr(bad: BadFile) -> String {
    match bad {
        BadFile::Empty => "Ce fichier ne contient aucun avis.".to_owned(),
        BadFile::NoText => "Je ne trouve pas la colonne des avis : nommez-la `avis`, `description` ou `commentaire` (et, si vous les avez, `titre`, `note`, `date`, `réponse`).".to_owned(),
        BadFile::TooManyRows(most) => format!("Ce fichier compte plus de {most} avis : coupez-le en plusieurs."),
        BadFile::TooLarge(bytes) => format!("Ce fichier dépasse {} Mio : coupez-le en plusieurs.", bytes >> 20),
        BadFile::Unclosed(row) => format!("Un guillemet ouvert vers la ligne {row} du tableau n’est jamais fermé : corrigez-le, puis renvoyez le fichier."),
        BadFile::NoTable => "Ce fichier n’est pas un tableau lisible : enregistrez-le en CSV (UTF-8, séparateur point-virgule).".to_owned(),
    }
}

pub(super) fn bad_en(bad: BadFile) -> String {
    match bad {
        BadFile::Empty => "This file holds no review.".to_owned(),
        BadFile::NoText => "I do not find the column of the reviews: call it `review`, `description` or `comment` (and, where you have them, `title`, `rating`, `date`, `reply`).".to_owned(),
        BadFile::TooManyRows(most) => format!("This file has more than {most} reviews: cut it into several."),
        BadFile::TooLarge(bytes) => format!("This file is larger than {} MiB: cut it into several.", bytes >> 20),
        BadFile::Unclosed(row) => format!("A quotation mark opened near row {row} of the table is never closed: correct it, then send the file again."),
        BadFile::NoTable => "This file is no table that can be read: save it as CSV (UTF-8, separated by semicolons).".to_owned(),
    }
}
