//! The sentences on what the bot cannot read: one for each kind, in both languages.

use super::Language;
use crate::message::Unread;

/// Said instead of an answer, in French.
pub(super) fn cannot_read_fr(unread: Unread) -> &'static str {
    match unread {
        Unread::File => {
            "Je ne sais pas lire ce type de fichier. Je lis les fichiers PDF, Word, LibreOffice, PowerPoint, Excel, CSV, texte, Markdown, HTML et les courriels ; sinon, copiez le texte utile dans un message."
        }
        Unread::Image => {
            "Je ne sais pas encore lire les images. Copiez le texte utile dans un message, ou décrivez l’image."
        }
        Unread::Recording => {
            "Je ne sais pas écouter les messages vocaux ni les enregistrements. Écrivez-moi votre question."
        }
        Unread::Video => "Je ne sais pas regarder les vidéos. Écrivez-moi votre question.",
        Unread::Sticker => "Je ne comprends pas les autocollants. Écrivez-moi votre question.",
        Unread::Poll => "Je ne sais pas lire les sondages, ni y répondre. Écrivez-moi votre question.",
        Unread::Location => "Je ne sais pas lire les positions sur une carte. Écrivez-moi l’adresse et votre question.",
    }
}

/// The same in English.
pub(super) fn cannot_read_en(unread: Unread) -> &'static str {
    match unread {
        Unread::File => {
            "I cannot read files of this type. I read PDF, Word, LibreOffice, PowerPoint, Excel, CSV, text, Markdown and HTML files, and e-mails; otherwise, please copy the text you need into a message."
        }
        Unread::Image => {
            "I cannot read images yet. Please copy the text you need into a message, or describe the image."
        }
        Unread::Recording => "I cannot listen to voice messages or recordings. Please type your question.",
        Unread::Video => "I cannot watch videos. Please type your question.",
        Unread::Sticker => "I do not understand stickers. Please type your question.",
        Unread::Poll => "I cannot read polls or take part in them. Please type your question.",
        Unread::Location => "I cannot read locations on a map. Please type the address and your question.",
    }
}

/// Put under the answer to what was written with it, in French.
pub(super) fn not_read_fr(unread: Unread) -> &'static str {
    match unread {
        Unread::Image => "*(Je réponds à votre texte seulement : je n’ai pas pu lire l’image.)*",
        Unread::Recording => "*(Je réponds à votre texte seulement : je n’ai pas pu écouter l’enregistrement.)*",
        Unread::Video => "*(Je réponds à votre texte seulement : je n’ai pas pu regarder la vidéo.)*",
        _ => "*(Je réponds à votre texte seulement : je n’ai pas pu lire le fichier.)*",
    }
}

/// The same in English.
pub(super) fn not_read_en(unread: Unread) -> &'static str {
    match unread {
        Unread::Image => "*(This answers your text only: I could not read the image.)*",
        Unread::Recording => "*(This answers your text only: I could not listen to the recording.)*",
        Unread::Video => "*(This answers your text only: I could not watch the video.)*",
        _ => "*(This answers your text only: I could not read the file.)*",
    }
}

/// Told to the model beside the text, so that it does not make up what it cannot see.
#[must_use]
pub fn note(unread: Unread, language: Language) -> &'static str {
    match (language, unread) {
        (Language::Fr, Unread::Image) => "[Une image est jointe. Vous ne pouvez pas la voir.]",
        (Language::Fr, Unread::Recording) => "[Un enregistrement est joint. Vous ne pouvez pas l’écouter.]",
        (Language::Fr, Unread::Video) => "[Une vidéo est jointe. Vous ne pouvez pas la regarder.]",
        (Language::Fr, _) => "[Un fichier est joint. Vous ne pouvez pas le lire.]",
        (Language::En, Unread::Image) => "[An image is attached. You cannot see it.]",
        (Language::En, Unread::Recording) => "[A recording is attached. You cannot hear it.]",
        (Language::En, Unread::Video) => "[A video is attached. You cannot watch it.]",
        (Language::En, _) => "[A file is attached. You cannot read it.]",
    }
}
